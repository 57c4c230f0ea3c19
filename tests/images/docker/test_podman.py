"""Podman through its Docker-compatible socket, where it is installed."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytilt.errors import BuildError
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.images.contract import BuildRequest
from pytilt.images.credentials import Credentials
from pytilt.images.docker.building import DockerBuilder
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.images.docker.engine import Engine, Product
from pytilt.images.publishing import DockerPublisher
from pytilt.model.images import Delivery, DockerBuild, Image, Registry
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from tests.images.logs import KeptLog

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not shutil.which("podman") or os.getuid() != 0, reason="needs `podman` and root"),
]

CONFIG = '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'


@pytest.fixture
async def podman(tmp_path: Path, runner: HostRunner) -> AsyncIterator[Settings]:
    """A Podman of the test's own, with an empty store; the settings name its socket."""
    (tmp_path / "containers.conf").write_text(CONFIG)
    socket = f"unix://{tmp_path}/podman.sock"
    environ = {"PATH": os.defpath, "HOME": str(tmp_path), "CONTAINERS_CONF": str(tmp_path / "containers.conf")}
    short = tempfile.mkdtemp()  # Podman refuses long paths for what it keeps while it runs
    store = ("--root", f"{tmp_path}/root", "--runroot", f"{short}/run", "--storage-driver", "vfs")
    service = ("podman", "--log-level", "info", *store, "system", "service", "--time", "0", socket)
    request = ProcessRequest(argv=service, dir=str(tmp_path), env=tuple(environ.items()), stop_grace_seconds=1)
    listening = asyncio.Event()
    said = bytearray()

    def told(data: bytes) -> None:
        said.extend(data)
        if b"API service listening" in said:
            listening.set()

    async with runner.start(request, told), asyncio.timeout(30):
        await listening.wait()
        yield Settings.from_environment({**environ, "DOCKER_HOST": socket})
    shutil.rmtree(short)


async def test_podman_builds_tags_and_tells_failures(podman: Settings, runner: HostRunner, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "main.py").write_text("print(1)")

    def request(text: str) -> BuildRequest:
        build = DockerBuild(context=str(source), contents=text)
        return BuildRequest(image=Image(name=ImageName("shop/web"), build=build))

    async with Engine(podman) as engine:
        credentials = Credentials(podman, runner)
        builder = DockerBuilder(engine, credentials, ClientBuilder(engine, runner, podman), podman)
        assert (await engine.about()).product is Product.PODMAN
        log = KeptLog()
        image = await builder.build(request("FROM scratch\nCOPY main.py /\n"), log)
        assert "COPY main.py /\n" in log.text
        assert await builder.exists(image)
        assert await builder.build(request("FROM scratch\nCOPY main.py /\n"), KeptLog()) == image
        with pytest.raises(BuildError, match=r'^COPY nope /: "/nope": no such file or directory'):
            await builder.build(request("FROM scratch\nCOPY nope /\n"), KeptLog())
        publish = DockerPublisher(engine, credentials, runner, podman).publish
        registry = Registry(host="localhost:5001", single_name="pytilt-test-podman")
        assert await publish(image, registry, Delivery.PUSH, KeptLog()) == (
            f"localhost:5001/pytilt-test-podman:web-{image.reference.partition(':')[2]}"
        )
