from pathlib import Path

import pytest

from pytilt.model.files import Ignore
from pytilt.model.images import DockerBuild, FastBuild, LiveUpdate, Run, Sync
from pytilt.testing.project import Project
from tests.tiltfile.projects import deployment, documents, service

FILES = {
    "Dockerfile": "FROM busybox\n",
    "web/main.go": "x",
    "go.mod": "y",
    "d.yaml": deployment("web", "img"),
    ".git/config": "",
}


def project(root: Path, text: str, **files: str) -> Project:
    return Project(root, {"Tiltfile": text, **FILES, **files})


def image(root: Path, calls: str, *, before: str = "fast_build('img', 'Dockerfile', entrypoint='/web', cache='/c')"):
    (found,) = project(root, f"{before}{calls}\nk8s_yaml('d.yaml')").resource("web").images
    return found


def refused(root: Path, text: str) -> str:
    return str(project(root, f"{text}\nk8s_yaml('d.yaml')").error())


def test_what_is_added_and_run_makes_the_image_and_its_live_update(tmp_path: Path):
    found = image(
        tmp_path,
        ".add('web', '/src/web').add('go.mod', '/src/').run('go mod download', trigger='go.mod').run('go build')",
    )
    adds = (
        Sync(local=str(tmp_path / "web"), remote="/src/web"),
        Sync(local=str(tmp_path / "go.mod"), remote="/src/"),
    )
    triggers = (Ignore(base=str(tmp_path), patterns=("go.mod",)),)
    runs = (
        Run(argv=("sh", "-c", "go mod download"), triggers=triggers),
        Run(argv=("sh", "-c", "go build")),
    )
    assert found.live_update == LiveUpdate(syncs=adds, runs=runs, restart=True, base=str(tmp_path))
    assert isinstance(found.build, DockerBuild)
    assert (found.build.context, found.build.contents) == ("-", "FROM busybox\n")
    assert found.build.fast == FastBuild(adds=adds, runs=runs, entrypoint="/web", caches=("/c",))
    assert found.files.paths == (str(tmp_path / "web"), str(tmp_path / "go.mod"))


def test_a_program_that_reloads_by_itself_is_not_started_again(tmp_path: Path):
    rules = image(tmp_path, ".add('web', '/src').hot_reload()").live_update
    assert rules
    assert not rules.restart


def test_the_files_of_a_repository_are_added_without_its_own(tmp_path: Path):
    text = "repo = local_git_repo('.')\nfast_build('img', 'Dockerfile').add(repo, '/a').add(repo.path('web'), '/b')"
    (found,) = project(tmp_path, f"{text}\nk8s_yaml('d.yaml')").resource("web").images
    assert found.files.paths == (str(tmp_path), str(tmp_path / "web"))
    assert isinstance(found.build, DockerBuild)
    assert Ignore(base=str(tmp_path / ".git")) in found.build.context_ignores


def test_a_chain_may_go_on_in_later_lines(tmp_path: Path):
    found = image(tmp_path, "", before="b = fast_build('img', 'Dockerfile')\nb.add('web', '/src')\nb.run('make')")
    assert found.live_update
    assert [run.shown for run in found.live_update.runs] == ["make"]


def test_of_a_docker_build_they_say_only_how_containers_are_updated(tmp_path: Path):
    found = image(tmp_path, ".add('web', '/src').run('make')", before="docker_build('img', '.')")
    assert isinstance(found.build, DockerBuild)
    assert found.build.fast is None
    assert found.live_update
    assert found.live_update.syncs == (Sync(local=str(tmp_path / "web"), remote="/src"),)


def test_a_custom_build_has_them_too(tmp_path: Path):
    before = "custom_build('img', 'make', ['web']).add_fast_build()"
    found = image(tmp_path, ".add('go.mod', '/src/').hot_reload()", before=before)
    assert found.files.paths == (str(tmp_path / "web"), str(tmp_path / "go.mod"))
    assert found.live_update == LiveUpdate(
        syncs=(Sync(local=str(tmp_path / "go.mod"), remote="/src/"),), base=str(tmp_path)
    )


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        (".run('x').add('web', '/a')", 'fast_build("img").add() called after .run(); must add all code before runs'),
        (".add(3, '/a')", 'fast_build("img").add(): invalid type for src (arg 1)'),
        (".add('web', 'a')", 'fast_build("img").add(): dest "a" is not absolute'),
        (".add('web')", "missing argument for dest"),
        (".run(' ')", 'fast_build("img").run(): cmd is empty'),
        (".run('x', trigger=[3])", "trigger 3 is of type int, want string"),
        (".nope()", "has no .nope"),
    ],
)
def test_mistakes_in_a_chain_are_errors(tmp_path: Path, calls: str, message: str):
    assert message in refused(tmp_path, f"fast_build('img', 'Dockerfile'){calls}")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("fast_build('img', 'Copying')", "base Dockerfile contains an ADD/COPY"),
        ("fast_build('img', 'nope')", "error reading dockerfile"),
        ("fast_build('img', 3)", "Argument 2 (base_dockerfile)"),
        ("fast_build('I MG', 'Dockerfile')", "Argument 1 (ref)"),
        ("fast_build('img', 'Dockerfile', cache=[3])", "cache param 3 is a int; must be a string"),
        ("fast_build('img', 'Dockerfile', cache='c')", 'cache "c" is not absolute'),
        ("fast_build('img', 'Dockerfile')\nfast_build('img', 'Dockerfile')", 'Image for ref "img" has already been'),
        ("docker_build('img', '.', live_update=[sync('.', '/a')]).add('web', '/b')", "has a live_update already"),
    ],
)
def test_mistakes_in_a_call_are_errors(tmp_path: Path, call: str, message: str):
    (tmp_path / "Copying").write_text("FROM busybox\nADD . /\n")
    assert message in refused(tmp_path, call)


SHOP = documents(deployment("front", "img"), deployment("back", "busybox"), service("front", "front"))


@pytest.mark.parametrize(
    "call",
    [
        "k8s_resource('shop', 'shop.yaml', port_forwards=8100)",
        "k8s_resource('shop', yaml='shop.yaml', image='img', port_forwards='8100')",
        "k8s_resource('shop', read_file('shop.yaml'), 'img', port_forwards=8100)",
        "k8s_resource('shop', ['shop.yaml'], image, [port_forward(8100)])",
        "k8s_resource(name='shop', yaml='shop.yaml', image=image, port_forwards='8100:8100')",
    ],
)
def test_in_the_form_of_2019_all_objects_of_the_yaml_make_up_the_resource(tmp_path: Path, call: str):
    text = f"image = fast_build('img', 'Dockerfile').add('web', '/src')\n{call}\nk8s_yaml('d.yaml')"
    files = {"shop.yaml": SHOP, "d.yaml": deployment("other", "busybox")}
    declaration = Project(tmp_path, {"Tiltfile": text, **FILES, **files}).declare()
    shop = next(each for each in declaration.resources if each.name == "shop")
    assert [each.name for each in declaration.resources] == ["other", "shop"]
    assert sorted(each["kind"] for each in shop.deploy.objects) == ["Deployment", "Deployment", "Service"]
    assert [each.local_port for each in shop.deploy.port_forwards] == [8100]
    assert [each.name for each in shop.images] == ["img"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("k8s_resource('', 'd.yaml')", "name must not be empty"),
        ("k8s_resource('web', image='img')", "missing argument for yaml"),
        ("k8s_resource('web', 'nope.yaml')", "error reading yaml file"),
        ("k8s_resource('web', 'd.yaml', image=3)", "image arg must be a string or fast_build; got int"),
        ("k8s_resource('x', 'd.yaml', image='tool')", 'image "tool" is in none of its objects'),
        ("k8s_resource('x', 'd.yaml')\nk8s_resource('x', 'e.yaml')", 'k8s_resource named "x" already exists'),
    ],
)
def test_mistakes_in_the_form_of_2019_are_errors(tmp_path: Path, call: str, message: str):
    text = f"fast_build('img', 'Dockerfile').add('web', '/src')\n{call}"
    files = {**FILES, "e.yaml": deployment("e", "img")}
    assert message in str(Project(tmp_path, {"Tiltfile": text, **files}).error())


def test_a_new_name_is_still_a_new_name(tmp_path: Path):
    text = "docker_build('img', '.')\nk8s_yaml('d.yaml')\nk8s_resource('web', 'front')"
    assert [each.name for each in project(tmp_path, text).declare().resources] == ["front"]
