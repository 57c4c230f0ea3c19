"""Contexts and Dockerfiles that a real BuildKit asks for."""

import asyncio
import io
import os
import tarfile
from pathlib import Path

import msgspec
import pytest

from pytilt.docker.api import DockerApi, path
from pytilt.docker.engine import Engine
from pytilt.errors import BuildError
from pytilt.host.processes import HostRunner
from pytilt.images.contract import BuildRequest
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.building import DockerBuilder
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.model.files import Ignore
from pytilt.model.images import DockerBuild, Image
from pytilt.model.logs import Level
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from tests.images.logs import KeptLog


class _Step(msgspec.Struct):
    made_by: str = msgspec.field(name="CreatedBy")


@pytest.fixture
def builder(engine: Engine, runner: HostRunner, engine_settings: Settings) -> DockerBuilder:
    credentials = RegistryCredentials(engine_settings, runner)
    return DockerBuilder(engine, credentials, ClientBuilder(engine, runner, engine_settings), engine_settings)


async def files(api: DockerApi, image: str, where: str) -> dict[str, tarfile.TarInfo]:
    made = await api.request("POST", "/containers/create", json={"Image": image, "Cmd": ["x"]})
    container = msgspec.json.decode(made.body)["Id"]
    try:
        sent = await api.request("GET", path("containers", container, "archive"), params={"path": where})
    finally:
        await api.request("DELETE", path("containers", container))
    with tarfile.open(fileobj=io.BytesIO(sent.body), errors="surrogateescape") as tar:
        return {info.name.partition("/")[2]: info for info in tar.getmembers()[1:]}


async def test_a_dockerfile_that_is_given_as_text_is_seen_by_nothing_not_even_by_triggers_of_the_base_image(
    builder: DockerBuilder, engine: Engine, image_name: ImageName, tmp_path: Path
) -> None:
    root = tmp_path / "context"
    (root / "sub" / "kept").mkdir(parents=True)
    (root / "sub" / "kept" / "file").write_text("kept")
    (root / "sub" / "left-out").write_text("")
    (root / "big").write_bytes(os.urandom(3_000_000))
    (root / "empty").write_bytes(b"")
    (root / "run.sh").write_text("x")
    (root / "run.sh").chmod(0o4755)
    (root / "caf\udce9").write_text("latin")
    (root / "link").symlink_to("./sub/kept")
    (root / ".dockerignore").write_text("run.sh\n")  # the Tiltfile's own patterns are what counts
    ignores = (Ignore(base=str(root), patterns=("sub/*", "!sub/kept")),)

    async def build(contents: str) -> str:
        spec = DockerBuild(context=str(root), dockerfile=None, contents=contents, context_ignores=ignores)
        return (await builder.build(BuildRequest(image=Image(name=image_name, build=spec)), KeptLog())).reference

    below = await build("FROM scratch\nONBUILD COPY . /seen/\n")
    image = await build(f"FROM {below}\nCOPY . /ctx/\n")
    api = await engine.api()
    expected = {".dockerignore", "big", "caf\udce9", "empty", "link", "run.sh", "sub", "sub/kept", "sub/kept/file"}
    for place in ("/seen", "/ctx"):
        found = await files(api, image, place)
        assert set(found) == expected
        assert (found["big"].size, found["empty"].size, found["sub/kept/file"].size) == (3_000_000, 0, 4)
        assert (found["run.sh"].mode & 0o7777, found["link"].linkname, found["sub"].isdir()) == (
            0o4755,
            "./sub/kept",
            True,
        )
        assert {(info.uid, info.gid) for info in found.values()} == {(0, 0)}
    history = (await api.request("GET", path("images", image, "history"))).decode(list[_Step])
    assert history[0].made_by == "COPY . /ctx/ # buildkit"


async def test_many_files_and_large_ones_arrive_as_they_are(
    builder: DockerBuilder, engine: Engine, image_name: ImageName, tmp_path: Path
) -> None:
    root = tmp_path / "context"
    root.mkdir()
    for number in range(1500):
        (root / f"f{number}").write_text(str(number))
    spec = DockerBuild(context=str(root), dockerfile=None, contents="FROM scratch\nCOPY . /ctx/\n")
    image = await builder.build(BuildRequest(image=Image(name=image_name, build=spec)), KeptLog())
    found = await files(await engine.api(), image.reference, "/ctx")
    assert {name: info.size for name, info in found.items()} == {f"f{n}": len(str(n)) for n in range(1500)}


async def test_a_context_that_cannot_be_read_is_named(
    builder: DockerBuilder, image_name: ImageName, tmp_path: Path
) -> None:
    spec = DockerBuild(context=str(tmp_path / "none"), dockerfile=None, contents="FROM scratch\nCOPY . /ctx/\n")
    with pytest.raises(BuildError, match="cannot read the build context: No such file or directory") as caught:
        await builder.build(BuildRequest(image=Image(name=image_name, build=spec)), KeptLog())
    assert caught.value.where == str(tmp_path / "none")


async def test_a_build_that_is_canceled_ends_its_session(
    builder: DockerBuilder, image_name: ImageName, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("a")
    spec = DockerBuild(context=str(tmp_path), dockerfile=None, contents="FROM busybox\nCOPY . /ctx/\nRUN sleep 60\n")
    began = asyncio.Event()

    class Log(KeptLog):
        def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
            super().__call__(text, level=level, progress=progress)
            if "RUN sleep 60" in text and "]" in text:
                began.set()

    async with asyncio.TaskGroup() as group:
        request = BuildRequest(image=Image(name=image_name, build=spec))
        building = group.create_task(builder.build(request, Log()))
        await began.wait()
        building.cancel()
