"""A Podman of the test run's own, where Podman is installed."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

SECONDS = 30.0
CONFIG = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=32768:32768"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
default_subnet = "198.19.255.0/24"
default_subnet_pools = [{"base" = "198.19.0.0/16", "size" = 24}]
"""
"""For machines without systemd, and for a root who may not raise limits. `crun` needs cgroups v2.

The networks are of the range for benchmarks (RFC 2544): no private range, which somebody's network may use.
"""
REGISTRIES = """\
[[registry]]
location = "localhost"
insecure = true
"""
"""What Docker does by itself: a registry on this machine, at whatever port, needs no TLS."""
SEEDED = "busybox"
"""The image that tests run."""


def obstacle() -> str:
    """Why Podman cannot be tested with here; empty when it can."""
    if not shutil.which("podman"):
        return "Podman is not installed: `apt-get install --no-install-recommends podman`"
    if os.geteuid():
        return "Podman is tested as root"
    return ""


@contextmanager
def podman_service(docker_host: str) -> Iterator[str]:
    """Serve with a store of its own, which has nothing but the image that tests run; gives its DOCKER_HOST.

    Args:
        docker_host: the engine that the image is copied from.
    """
    folder = Path(tempfile.mkdtemp(prefix="podman-"))  # Podman refuses long paths for what it keeps while it runs
    address, log = folder / "podman.sock", folder / "log"
    (folder / "containers.conf").write_text(CONFIG)
    (folder / "registries.conf").write_text(REGISTRIES)
    with log.open("wb") as said:
        process = _podman(folder, "system", "service", "--time", "0", f"unix://{address}", said=said)
    try:
        _await(address, process, log)
        _seed(docker_host.removeprefix("unix://"), str(address))
        yield f"unix://{address}"
    finally:
        _podman(folder, "rm", "--all", "--force", "--time", "0").wait(SECONDS)
        process.terminate()
        process.wait(SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _podman(folder: Path, *words: str, said: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    environ = {
        "PATH": os.defpath + ":/usr/sbin:/sbin",
        "HOME": str(folder),
        "CONTAINERS_CONF": f"{folder}/containers.conf",
        "CONTAINERS_REGISTRIES_CONF": f"{folder}/registries.conf",
    }
    command = ("podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", *words)
    output = said or subprocess.DEVNULL
    # It leaves files where it is started (an empty `oom`).
    return subprocess.Popen(command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def _await(address: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"Podman does not serve: {log.read_text()}")
        time.sleep(0.05)


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(str(address))
        except OSError:
            return False
    return True


def _seed(source: str, target: str) -> None:
    with (
        httpx.Client(transport=httpx.HTTPTransport(uds=source), timeout=SECONDS) as docker,
        httpx.Client(transport=httpx.HTTPTransport(uds=target), timeout=SECONDS) as podman,
    ):
        if docker.get(f"http://docker/images/{SEEDED}/json").status_code == httpx.codes.NOT_FOUND:
            docker.post("http://docker/images/create", params={"fromImage": SEEDED, "tag": "latest"}).raise_for_status()
        image = docker.get(f"http://docker/images/{SEEDED}:latest/get").raise_for_status().content
        podman.post("http://podman/images/load", content=image).raise_for_status()
