"""Images of `fast_build`, made by a real engine."""

from pathlib import Path

import pytest

from pytilt.docker.api import path
from pytilt.docker.engine import Engine, EngineProduct
from pytilt.host.processes import HostRunner
from pytilt.images.contract import BuildRequest
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.building import DockerBuilder
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.model.files import Ignore
from pytilt.model.images import BuiltImage, DockerBuild, FastBuild, Image, Run, Sync
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from tests.images.logs import KeptLog


@pytest.fixture
def real(engine: Engine, runner: HostRunner, engine_settings: Settings) -> DockerBuilder:
    credentials = RegistryCredentials(engine_settings, runner)
    return DockerBuilder(engine, credentials, ClientBuilder(engine, runner, engine_settings), engine_settings)


class Project:
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
    project = Project(tmp_path, image_name)
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
    project = Project(tmp_path, image_name)
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
    project = Project(tmp_path, image_name, caches=("/cache",))
    first = await real.build(project.request(), KeptLog())
    assert await printed(real, engine, first, "/cache/runs") == ["c1"]
    project.write("code", "c2")
    second = await real.build(project.request(), KeptLog())
    assert await printed(real, engine, second, "/cache/runs") == ["c1", "c2"]
    assert await printed(real, engine, second, "/built") == ["c2"]
