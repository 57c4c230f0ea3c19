import pytest

from pytilt.host.ignoring import compile_ignores
from pytilt.model.files import FileRule
from pytilt.model.resources import LocalDeploy
from pytilt.testing.project import Project
from tests.tiltfile.projects import DOCKERFILE, deployment

NAMES = ("main.go", "pkg/a.go", "pkg/deep/b.go", "go.mod", "README.md", "pkg/c.txt", "web/[id].tsx", "web/i.tsx")


def covered(files: FileRule, project: Project) -> set[str]:
    """Which of the names a change of which asks for an update."""
    matcher = compile_ignores(files.ignores)

    def is_below(name: str) -> bool:
        return any(project.path(name) == path or project.path(name).startswith(f"{path}/") for path in files.paths)

    return {name for name in NAMES if is_below(name) and not matcher.matches(project.path(name))}


def local_files(project: Project) -> FileRule:
    deploy = project.resource("a").deploy
    assert isinstance(deploy, LocalDeploy)
    return deploy.files


@pytest.mark.parametrize(
    ("deps", "expected"),
    [
        (["./**/*.go"], {"main.go", "pkg/a.go", "pkg/deep/b.go"}),
        (["*.go", "go.mod"], {"main.go", "go.mod"}),
        (["pkg/*.go", "web/?.tsx"], {"pkg/a.go", "web/i.tsx"}),
        (["pkg/*.go", "README.md", "web"], {"pkg/a.go", "README.md", "web/[id].tsx", "web/i.tsx"}),
        (["pkg/**", "pkg/*.go"], {"pkg/a.go", "pkg/c.txt", "pkg/deep/b.go"}),
        (["web/[id].tsx"], {"web/[id].tsx"}),
        (["*.go", "."], set(NAMES)),
        (["*/a.go"], {"pkg/a.go"}),
    ],
)
def test_deps_may_have_wildcards(tmp_path, deps: list[str], expected: set[str]):
    script = f"local_resource('a', 'true', deps={deps})"
    project = Project(tmp_path, {"Tiltfile": script, **dict.fromkeys(NAMES, "x\n")})
    assert covered(local_files(project), project) == expected


def test_a_name_in_brackets_that_is_not_there_yet_is_also_taken_as_it_is(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "local_resource('a', 'true', deps=['web/[id].tsx'])"})
    assert covered(local_files(project), project) == {"web/[id].tsx", "web/i.tsx"}


def test_deps_of_a_custom_build_may_have_wildcards(tmp_path):
    script = f"custom_build('x', 'true', ['**/*.go'], ignore=['pkg/deep'])\nk8s_yaml(blob({deployment('web', 'x')!r}))"
    project = Project(tmp_path, {"Tiltfile": script, "Dockerfile": DOCKERFILE, **dict.fromkeys(NAMES, "x\n")})
    assert covered(project.resource("web").images[0].files, project) == {"main.go", "pkg/a.go"}


def test_a_file_with_special_characters_in_its_name_is_no_wildcard(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "watch_file('[a]*.py')\nlocal_resource('a', 'true')", "[a]*.py": ""})
    assert project.path("[a]*.py") in project.evaluate().config_files
