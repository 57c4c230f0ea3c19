"""A Podman of a test's own, where Podman is installed."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.settings import Settings

needs_podman = pytest.mark.skipif(not shutil.which("podman") or os.getuid() != 0, reason="needs `podman` and root")

CONFIG = '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'


@asynccontextmanager
async def podman(tmp_path: Path, runner: HostRunner) -> AsyncIterator[Settings]:
    """Serve with an empty store; the settings name the socket."""
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
