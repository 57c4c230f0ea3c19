"""A container engine for the demo, where none runs: Docker from the distribution, with all its state in one folder."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PACKAGES = ("docker.io", "iptables", "busybox-static")
BUSYBOX = Path("/bin/busybox")
START_SECONDS = 30.0

BRIDGE = "203.0.113.129/26"
NETWORKS = "203.0.113.192/26"
"""Addresses for documentation (RFC 5737): no network that this machine may be in uses them."""


Say = Callable[[str], None]
"""Tells one line."""


class NoEngineError(Exception):
    """There is no engine and none can be started here; the message says what to do."""


@contextlib.contextmanager
def engine(folder: Path, found: str | None, say: Say) -> Iterator[str]:
    """An engine's DOCKER_HOST, for as long as the block.

    Args:
        folder: for the state of one that is started here.
        found: DOCKER_HOST of one that runs already, or None.
        say: is told each step.

    Raises:
        NoEngineError: there is none and none can be started.
    """
    if found is not None:
        say(f"using the container engine at {found}")
        yield found
        return
    if not _can_start():
        raise NoEngineError("there is no container engine")
    if not shutil.which("dockerd"):
        say("installing Docker from the distribution")
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *PACKAGES)
    say(f"starting a private engine, its state is in {folder}")
    with _daemon(folder) as host:
        yield host


def _can_start() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and bool(shutil.which("apt-get") or shutil.which("dockerd"))


@contextlib.contextmanager
def _daemon(folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    socket, log = folder / "docker.sock", folder / "dockerd.log"
    host = f"unix://{socket}"
    words = [
        "dockerd",
        f"--host={host}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'dockerd.pid'}",
        f"--bip={BRIDGE}",
        f"--default-address-pool=base={NETWORKS},size=28",
        "--oom-score-adjust=0",  # lowering it takes a privilege that containers and CI machines lack
        "--exec-opt=native.cgroupdriver=cgroupfs",
    ]
    bridged = Path("/sys/class/net/docker0").exists()
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(["docker", "--host", host, "version"], capture_output=True, check=False).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoEngineError("\n".join(["Docker does not start:", *log.read_text().splitlines()[-5:]]))
            time.sleep(0.2)
        yield host
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if not bridged:  # Docker leaves it, and with it the addresses stay taken
            subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True, check=False)


def ensure_busybox(host: str, say: Say) -> None:
    """Have the base image of the examples in the engine: pulled, or made of this machine's static busybox.

    Args:
        host: DOCKER_HOST.
        say: is told where it comes from.
    """
    docker = ["docker", "--host", host]
    if subprocess.run([*docker, "image", "inspect", "busybox"], capture_output=True, check=False).returncode == 0:
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        pulled = subprocess.run([*docker, "pull", "-q", "busybox"], capture_output=True, timeout=60, check=False)
        if pulled.returncode == 0:
            say("pulled the base image `busybox`")
            return
    if not BUSYBOX.exists():
        _run("apt-get", "install", "-qq", "-y", "busybox-static")
    say("the base image `busybox` cannot be pulled: making it of this machine's own static busybox")
    changes = ["--change", "CMD /bin/sh", "--change", "ENV PATH=/bin:/sbin:/usr/bin:/usr/sbin"]
    subprocess.run([*docker, "import", *changes, "-", "busybox"], input=_root(), stdout=subprocess.DEVNULL, check=True)


def _root() -> bytes:
    """The file system of the image."""
    applets = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(BUSYBOX.resolve(), "bin/busybox")
        for applet in applets:
            if applet != "busybox":
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
                tar.addfile(link)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder)
    return buffer.getvalue()


def _run(*words: str) -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(words, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise NoEngineError(f"`{' '.join(words)}` failed: {done.stderr.strip().splitlines()[-1:]}")
