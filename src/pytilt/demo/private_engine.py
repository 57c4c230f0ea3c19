"""A container engine for the demo: the one that runs here, else a private Docker with all its state in one folder."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from pytilt.docker.discovery import find_engine
from pytilt.errors import EngineUnreachableError, UserError
from pytilt.host.processes import ProcessRequest, Runner, RunningProcess
from pytilt.settings import Settings

PACKAGES = ("docker.io", "iptables", "busybox-static")
"""Debian's and Ubuntu's."""

START_SECONDS = 30.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1

BRIDGE = "203.0.113.129/26"
NETWORKS = "203.0.113.192/26"
"""Addresses for documentation (RFC 5737): no network that this machine may be in uses them."""

Say = Callable[[str], None]
"""Prints one line."""


@asynccontextmanager
async def container_engine(settings: Settings, runner: Runner, say: Say, *, install: bool) -> AsyncIterator[Settings]:
    """Find an engine, or run one for as long as the block.

    Args:
        settings: what the environment says.
        runner: starts the engine.
        say: called with each step.
        install: may the distribution's packages be installed?

    Yields:
        Settings in which DOCKER_HOST names the engine.

    Raises:
        EngineUnreachableError: there is none and none can be started; the hint says how to get one.
        UserError: the one that was installed or started does not work.
    """
    try:
        found = await find_engine(settings)
    except EngineUnreachableError:
        installed = shutil.which("dockerd") is not None
        chosen = settings.docker_host  # who names one wants that one and no other
        if chosen or not _may_start() or not (installed or (install and shutil.which("apt-get"))):
            raise
        if not installed:
            say("installing Docker from the distribution")
            await run_quietly(runner, settings, "apt-get", "update", "-qq")
            await run_quietly(runner, settings, "apt-get", "install", "-qq", "-y", "--no-install-recommends", *PACKAGES)
    else:
        say(f"using the container engine at {found.url}")
        yield Settings.from_environment({**settings.environ, "DOCKER_HOST": found.url})
        return
    folder = Path(settings.state_dir, "demo-engine")
    say(f"starting a private engine, its state is in {folder}")
    async with _daemon(folder, settings, runner) as host:
        yield Settings.from_environment({**settings.environ, "DOCKER_HOST": host})


async def run_quietly(runner: Runner, settings: Settings, *words: str) -> None:
    """Run a command of the system to its end.

    Raises:
        UserError: it failed; the message has its last line.
    """
    output: list[bytes] = []
    environ = {**settings.environ, "DEBIAN_FRONTEND": "noninteractive"}
    outcome = await runner.run(ProcessRequest(argv=words, dir="/", env=tuple(environ.items())), output.append)
    if outcome.exit_status:
        lines = b"".join(output).decode(errors="replace").strip().splitlines()
        raise UserError(f"`{' '.join(words)}` failed: {lines[-1] if lines else f'exit status {outcome.exit_status}'}")


def _may_start() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


@asynccontextmanager
async def _daemon(folder: Path, settings: Settings, runner: Runner) -> AsyncIterator[str]:
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    host = f"unix://{folder / 'docker.sock'}"
    words = (
        "dockerd",
        f"--host={host}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'dockerd.pid'}",
        f"--bip={BRIDGE}",
        f"--default-address-pool=base={NETWORKS},size=28",
        "--oom-score-adjust=0",  # lowering it takes a privilege that containers and CI machines lack
        "--exec-opt=native.cgroupdriver=cgroupfs",
    )
    bridged = await asyncio.to_thread(Path("/sys/class/net/docker0").exists)
    request = ProcessRequest(argv=words, dir=str(folder), env=tuple(settings.environ.items()))
    output: list[bytes] = []
    try:
        async with runner.start(request, output.append) as process:
            await _answering(settings, host, process, output)
            try:
                yield host
            finally:
                await _end(process)
    finally:
        if not bridged:  # Docker leaves it, and with it the addresses stay taken
            with contextlib.suppress(UserError):
                await run_quietly(runner, settings, "ip", "link", "delete", "docker0")


async def _answering(settings: Settings, host: str, process: RunningProcess, output: list[bytes]) -> None:
    """Wait until the daemon answers.

    Raises:
        UserError: it ended, or takes too long.
    """
    asked = Settings.from_environment({**settings.environ, "DOCKER_HOST": host})
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(process.wait(), name="dockerd")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while not ended.done() and not await _answers(asked):
                    await asyncio.wait([ended], timeout=POLL_SECONDS)
        running = not ended.done()
        ended.cancel()
    if not running or not await _answers(asked):
        lines = b"".join(output).decode(errors="replace").splitlines()
        raise UserError("\n".join(["Docker does not start:", *lines[-5:]]))


async def _answers(settings: Settings) -> bool:
    with contextlib.suppress(EngineUnreachableError):
        await find_engine(settings)
        return True
    return False


async def _end(process: RunningProcess) -> None:
    """Have the daemon end by itself: it stops its containers, for which it needs what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
