from pathlib import Path

import pytest

from pytilt.docker.api import path
from pytilt.docker.engine import Engine, EngineProduct
from pytilt.errors import BuildError, UserError
from pytilt.host.processes import HostRunner
from pytilt.images.contract import BuildRequest
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.building import DockerBuilder
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.images.fast_build import MOST_LAYERS, cache_name, can_build_upon, check_base, from_scratch, upon
from pytilt.model.files import Ignore
from pytilt.model.images import BuiltImage, DockerBuild, FastBuild, Image, ImageConfig, Run, Sync
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from tests.images.logs import KeptLog

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
    build = project.build(project.run("make"), caches=("/go/pkg", "/x"))
    found = lines(from_scratch(build, "FROM busybox", cache="C").contents)[2]
    assert "--mount=type=cache,id=C-0,target=/.tilt-cache/0,sharing=locked --mount=type=cache,id=C-1" in found
    assert found.endswith('"make", "/go/pkg", "/x"]')
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
    limited = BuiltImage(name=BEFORE.name, id="", reference="x", config=ImageConfig(user="1000:1000"))
    assert can_build_upon(limited, fast, changed)
    assert not can_build_upon(limited, fast, [project.path("deleted")])
    bare = project.build().fast
    assert bare
    assert can_build_upon(BEFORE, bare, changed)
    assert not can_build_upon(BEFORE, bare, [project.path("deleted")])
    (tmp_path / "link").symlink_to("a")
    assert not can_build_upon(BEFORE, fast, [project.path("link")])


@pytest.fixture
def real(engine: Engine, runner: HostRunner, engine_settings: Settings) -> DockerBuilder:
    credentials = RegistryCredentials(engine_settings, runner)
    return DockerBuilder(engine, credentials, ClientBuilder(engine, runner, engine_settings), engine_settings)


class Sample:
    """Files that are added to `/src`, and commands that copy and count them."""

    def __init__(self, root: Path, name: ImageName, *, caches: tuple[str, ...] = ()) -> None:
        self.root = root
        trigger = (Ignore(base=str(root), patterns=("needs",)),)
        runs = (
            Run(argv=("sh", "-c", "cat /src/needs >> /installed"), triggers=trigger),
            Run(argv=("sh", "-c", "mkdir -p /cache && cat /src/code | tee -a /built >> /cache/runs")),
        )
        fast = FastBuild(
            adds=(Sync(local=str(root), remote="/src"),), runs=runs, entrypoint="cat /built", caches=caches
        )
        build = DockerBuild(context="-", contents="FROM busybox\nENV WHO=me", fast=fast)
        self.image = Image(name=name, build=build)
        self.write("needs", "n1")
        self.write("code", "c1")

    def write(self, name: str, text: str) -> str:
        (self.root / name).write_text(f"{text}\n")
        return str(self.root / name)

    def request(self, previous: BuiltImage | None = None, *changed: str) -> BuildRequest:
        return BuildRequest(image=self.image, previous=previous, changed=changed)


async def printed(real: DockerBuilder, engine: Engine, image: BuiltImage, file: str) -> list[str]:
    """The lines of a file of an image, as a build of another one prints them."""
    contents = f"FROM {image.reference}\nRUN : {image.name} && echo begin && cat {file} && echo end"
    log = KeptLog()
    probe = Image(name=ImageName(f"{image.name}-probe"), build=DockerBuild(context="-", contents=contents))
    made = await real.build(BuildRequest(image=probe), log)
    api = await engine.api()
    await api.request("DELETE", path("images", made.reference), params={"force": True})
    lines = [line.removeprefix("  → ") for line in log.text.splitlines()]
    return lines[lines.index("begin") + 1 : lines.index("end")]


async def test_an_image_is_built_upon_the_one_before_and_keeps_what_that_had_built(
    real: DockerBuilder, engine: Engine, tmp_path: Path, image_name: ImageName
) -> None:
    project = Sample(tmp_path, image_name)
    first = await real.build(project.request(), KeptLog())
    assert await printed(real, engine, first, "/built") == ["c1"]
    log = KeptLog()
    second = await real.build(project.request(first, project.write("code", "c2")), log)
    assert (first.increments, second.increments) == (0, 1)
    assert f"FROM {first.reference}" in log.text
    assert await printed(real, engine, second, "/built") == ["c1", "c2"]
    (tmp_path / "needs").unlink()
    third = await real.build(project.request(second, project.write("code", "c3")), KeptLog())
    assert await printed(real, engine, third, "/built") == ["c1", "c2", "c3"]
    config = (await (await engine.api()).request("GET", path("images", third.id, "json"))).body.decode()
    assert "cat /built" in config


async def test_without_the_image_before_it_is_built_from_scratch_and_what_is_the_same_is_cached(
    real: DockerBuilder, engine: Engine, tmp_path: Path, image_name: ImageName
) -> None:
    project = Sample(tmp_path, image_name)
    first = await real.build(project.request(), KeptLog())
    api = await engine.api()
    changed = project.write("code", "c2")
    gone = BuiltImage(name=image_name, id="sha256:none", reference=f"{image_name}:none")
    log = KeptLog()
    second = await real.build(project.request(gone, changed), log)
    assert f"{gone.reference} is gone; building from scratch\n" in log.text
    assert await printed(real, engine, second, "/built") == ["c2"]
    assert await printed(real, engine, second, "/installed") == ["n1"]
    if (await engine.about()).product is EngineProduct.DOCKER:
        assert any("cat /src/needs" in line and "[cached]" in line for line in log.text.splitlines())
    await api.request("DELETE", path("images", first.reference), params={"force": True})


async def test_a_cache_is_in_the_image_and_carried_from_one_build_from_scratch_to_the_next(
    real: DockerBuilder, engine: Engine, tmp_path: Path, image_name: ImageName
) -> None:
    if not (await engine.about()).buildkit and (await engine.about()).product is EngineProduct.DOCKER:
        pytest.skip("this engine keeps no caches")
    project = Sample(tmp_path, image_name, caches=("/cache",))
    first = await real.build(project.request(), KeptLog())
    assert await printed(real, engine, first, "/cache/runs") == ["c1"]
    project.write("code", "c2")
    second = await real.build(project.request(), KeptLog())
    assert await printed(real, engine, second, "/cache/runs") == ["c1", "c2"]
    assert await printed(real, engine, second, "/built") == ["c2"]
