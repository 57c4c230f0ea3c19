"""A Docker daemon of one test's own, to be stopped, killed and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ENVIRON = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
NETWORKS = "203.0.113.128/25"
"""Addresses for documentation (RFC 5737). The daemon of the test cluster takes its networks of the same range, and each
leaves out what the other has: rules of the machine's firewall that may be needed are there for this range."""
SECONDS = 30.0
PAUSE_SECONDS = 0.05


def obstacle() -> str:
    """Why no daemon can be started here; empty when one can."""
    if not shutil.which("dockerd", path=ENVIRON["PATH"]):
        return "Docker's daemon is not installed: `apt-get install docker.io`"
    if os.geteuid():
        return "a Docker daemon is started as root"
    return ""


class DockerDaemon:
    """A daemon with all its state in a folder. It has no bridge of its own, and touches no firewall.

    Its containerd is a process beside it, as distributions have it: that goes on when the daemon is killed.

    Args:
        folder: for its state.
        live_restore: its containers go on when it ends in order, too.
    """

    def __init__(self, folder: Path, *, live_restore: bool) -> None:
        self._folder = folder
        self._live_restore = live_restore
        self._log = folder / "log"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.host = f"unix://{folder}/docker.sock"
        """Its DOCKER_HOST."""

    def start(self) -> None:
        """Start what does not run of it, and return when it answers."""
        address = self._folder / "containerd.sock"
        if "containerd" not in self._processes:
            config = self._folder / "containerd.toml"
            config.write_text(f"""\
version = 2
root = "{self._folder}/containerd"
state = "{self._folder}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{address}"
""")
            self._run("containerd", f"--config={config}")
            self._until(address.exists)
        self._run(
            "dockerd",
            f"--host={self.host}",
            f"--containerd={address}",
            f"--data-root={self._folder}/data",
            f"--exec-root={self._folder}/exec",
            f"--pidfile={self._folder}/dockerd.pid",
            f"--live-restore={str(self._live_restore).lower()}",
            "--bridge=none",
            f"--default-address-pool=base={NETWORKS},size=28",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-masq=false",
            "--ip-forward=false",
            "--oom-score-adjust=0",  # lowering it takes a privilege that containers and CI machines lack
            "--exec-opt=native.cgroupdriver=cgroupfs",
        )
        self._until(lambda: _docker(self.host, "ps").returncode == 0)

    def end(self, number: int = signal.SIGTERM, program: str = "dockerd") -> None:
        """End it by a signal: SIGTERM ends its containers too, after SIGKILL they go on without it.

        Args:
            number: of the signal.
            program: `dockerd` or `containerd`.
        """
        if (process := self._processes.pop(program, None)) is not None:
            process.send_signal(number)
            process.wait(SECONDS)

    def load(self, image: str, source: str) -> None:
        """Copy an image.

        Args:
            image: its name.
            source: DOCKER_HOST of the engine that has it.
        """
        if _docker(source, "image", "inspect", image).returncode:
            _docker(source, "pull", image)
        saved = _docker(source, "save", image)
        loaded = _docker(self.host, "load", stdin=saved.stdout)
        assert loaded.returncode == 0, (saved.stderr + loaded.stderr).decode()

    def clear(self) -> None:
        """Leave no container and no network: they would outlive the daemon."""
        if "dockerd" not in self._processes:
            self.start()
        if containers := _docker(self.host, "ps", "--all", "--quiet").stdout.decode().split():
            _docker(self.host, "rm", "--force", *containers)
        _docker(self.host, "network", "prune", "--force")

    def _run(self, program: str, *words: str) -> None:
        with self._log.open("ab") as said:
            self._processes[program] = subprocess.Popen(
                [program, *words],
                env=ENVIRON,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            ended = any(process.poll() is not None for process in self._processes.values())
            assert not ended, f"Docker does not start: {self._log.read_text()}"
            assert time.monotonic() < deadline, f"Docker does not start: {self._log.read_text()}"
            time.sleep(PAUSE_SECONDS)


@contextmanager
def docker_daemon(source: str, image: str, *, live_restore: bool = False) -> Iterator[DockerDaemon]:
    """A daemon that has one image, until the end of the block.

    Args:
        source: DOCKER_HOST of the engine that has the image.
        image: its name.
        live_restore: its containers go on without it.
    """
    folder = Path(tempfile.mkdtemp(prefix="docker-"))  # the paths of sockets have to be short
    daemon = DockerDaemon(folder, live_restore=live_restore)
    try:
        daemon.start()
        daemon.load(image, source)
        try:
            yield daemon
        finally:
            daemon.clear()
    finally:
        daemon.end()
        daemon.end(program="containerd")
        _unmount(folder)
        shutil.rmtree(folder)


def _unmount(folder: Path) -> None:
    """Let go of what a daemon that was killed, or has ended in order, leaves mounted of its own."""
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in reversed(places):
        if Path(place).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", place], env=ENVIRON, check=True)


def _docker(host: str, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = ["docker", "--host", host, *words]
    return subprocess.run(command, env=ENVIRON, input=stdin, capture_output=True, check=False)
