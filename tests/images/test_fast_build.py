from pathlib import Path

import pytest

from pytilt.errors import BuildError, UserError
from pytilt.images.fast_build import MOST_LAYERS, cache_name, can_build_upon, check_base, from_scratch, upon
from pytilt.model.files import Ignore
from pytilt.model.images import BuiltImage, DockerBuild, FastBuild, Run, Sync
from pytilt.model.names import ImageName

BEFORE = BuiltImage(name=ImageName("web"), id="sha256:1", reference="web:tilt-1")


class Project:
    """A directory that is added to `/src`, and a fast build of it."""

    def __init__(self, root: Path, *files: str) -> None:
        self.root = root
        for name in files:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)

    def build(self, *runs: Run, adds: tuple[Sync, ...] = (), ignored: tuple[str, ...] = (), **fields) -> DockerBuild:
        given = adds or (Sync(local=str(self.root), remote="/src"),)
        ignores = (Ignore(base=str(self.root), patterns=ignored),) if ignored else ()
        fast = FastBuild(adds=given, runs=runs, **fields)
        return DockerBuild(context="-", contents="FROM busybox\n", context_ignores=ignores, fast=fast)

    def run(self, command: str, *triggers: str) -> Run:
        found = (Ignore(base=str(self.root), patterns=triggers),) if triggers else ()
        return Run(argv=("sh", "-c", command), triggers=found)

    def path(self, name: str) -> str:
        return str(self.root / name)


def lines(contents: str) -> list[str]:
    return contents.splitlines()


def names(context) -> list[str]:
    return [mount.name for mount in context.mounts]


@pytest.mark.parametrize("line", ["ADD . /src", "COPY a b", "copy . .", "ADD --from=x a b"])
def test_a_base_that_copies_files_itself_is_refused_with_the_line(line: str):
    with pytest.raises(UserError, match="base Dockerfile contains an ADD/COPY") as caught:
        check_base(f"FROM busybox\nRUN true\n{line}\n")
    assert caught.value.hint == f"line 3: {line}"


def test_a_base_may_copy_from_another_stage():
    check_base("FROM golang AS build\nFROM busybox\nCOPY --chown=1 --from=build /a /b\n")


def test_from_scratch_commands_with_triggers_come_first_each_with_the_files_it_depends_on(tmp_path: Path):
    project = Project(tmp_path, "package.json", "lib/a.js", "node_modules/x")
    build = project.build(
        project.run("npm install", "package.json"),
        project.run("make"),
        project.run("lint", "lib"),
        ignored=("node_modules",),
        entrypoint="node $MAIN",
    )
    context = from_scratch(build, "FROM busybox", cache="")
    assert lines(context.contents) == [
        "FROM busybox",
        'COPY ["inputs-0-0/", "/src/"]',
        'RUN ["/bin/sh", "-c", "npm install"]',
        'COPY ["files-0/", "/src/"]',
        'RUN ["/bin/sh", "-c", "make"]',
        'RUN ["/bin/sh", "-c", "lint"]',
        'ENTRYPOINT ["/bin/sh", "-c", "node $MAIN"]',
        'LABEL "tilt.buildMode"="scratch"',
    ]
    assert names(context) == [
        "inputs-0-0/package.json",
        "files-0",
        "files-0/lib",
        "files-0/lib/a.js",
        "files-0/package.json",
    ]


def test_a_trigger_that_matches_nothing_is_an_error(tmp_path: Path):
    project = Project(tmp_path, "a")
    with pytest.raises(BuildError, match="No inputs for run: npm install"):
        from_scratch(project.build(project.run("npm install", "package.json")), "FROM busybox", cache="")


def test_a_path_that_is_not_there_is_an_error_with_its_place(tmp_path: Path):
    project = Project(tmp_path)
    build = project.build(adds=(Sync(local=project.path("nope"), remote="/nope"),))
    with pytest.raises(BuildError, match="no such file") as caught:
        from_scratch(build, "FROM busybox", cache="")
    assert caught.value.where == project.path("nope")


def test_a_single_file_goes_to_its_place_or_into_its_directory(tmp_path: Path):
    project = Project(tmp_path, "a", "b")
    build = project.build(
        adds=(
            Sync(local=project.path("a"), remote="/etc/$a"),
            Sync(local=project.path("b"), remote="/etc/"),
        )
    )
    context = from_scratch(build, "FROM busybox", cache="")
    assert lines(context.contents)[1:3] == [
        r'COPY ["files-0/file", "/etc/\\$a"]',
        'COPY ["files-1/file", "/etc/b"]',
    ]


def test_commands_from_scratch_have_their_caches_mounted(tmp_path: Path):
    project = Project(tmp_path, "a")
    build = project.build(project.run("make"), caches=("/root/.cache", "/x"))
    found = lines(from_scratch(build, "FROM busybox", cache="C").contents)[2]
    assert found.startswith(
        "RUN --mount=type=cache,id=C-0,target=/.tilt-cache/0,sharing=locked --mount=type=cache,id=C-1"
    )
    assert found.endswith('"make", "/root/.cache", "/x"]')
    assert not any("cache" in line for line in lines(from_scratch(build, "FROM busybox", cache="").contents))
    assert not any("cache" in line for line in lines(upon(BEFORE, build, [project.path("a")]).contents))
    assert cache_name("web", ["/a"]) != cache_name("db", ["/a"])


def test_upon_the_image_before_come_only_changes_then_all_commands(tmp_path: Path):
    project = Project(tmp_path, "a", "new/b", "unchanged")
    build = project.build(project.run("npm install", "package.json"), project.run("make"), entrypoint="/web")
    context = upon(BEFORE, build, [project.path("a"), project.path("gone"), project.path("new")])
    assert lines(context.contents) == [
        "FROM web:tilt-1",
        'LABEL "tilt.buildMode"="existing"',
        'RUN ["rm", "-rf", "--", "/src/gone"]',
        'COPY ["files-0/", "/src/"]',
        'RUN ["/bin/sh", "-c", "npm install"]',
        'RUN ["/bin/sh", "-c", "make"]',
    ]
    assert names(context) == ["files-0/a", "files-0/new", "files-0/new/b"]


def test_what_two_adds_cover_goes_to_both_places(tmp_path: Path):
    project = Project(tmp_path, "lib/a")
    adds = (Sync(local=str(tmp_path), remote="/src"), Sync(local=project.path("lib"), remote="/lib"))
    context = upon(BEFORE, project.build(adds=adds), [project.path("lib/a")])
    assert [line for line in lines(context.contents) if line.startswith("COPY")] == [
        'COPY ["files-0/", "/src/"]',
        'COPY ["files-1/", "/lib/"]',
    ]
    assert names(context) == ["files-0/lib/a", "files-1/a"]


def test_an_image_is_built_anew_where_nothing_changed_or_layers_pile_up_or_an_add_is_gone(tmp_path: Path):
    project = Project(tmp_path, "a")
    fast = project.build(project.run("make")).fast
    assert fast
    changed = [project.path("a")]
    assert can_build_upon(BEFORE, fast, changed)
    assert not can_build_upon(BEFORE, fast, [])
    many = BuiltImage(name=BEFORE.name, id="", reference="x", increments=MOST_LAYERS // 3)
    assert not can_build_upon(many, fast, changed)
    gone = FastBuild(adds=(Sync(local=project.path("gone"), remote="/gone"),))
    assert not can_build_upon(BEFORE, gone, changed)
    (tmp_path / "link").symlink_to("a")
    assert not can_build_upon(BEFORE, fast, [project.path("link")])
