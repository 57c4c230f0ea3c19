"""Real sessions are killed here, and what they had started must end."""

import asyncio
import os
import signal
import subprocess  # noqa: TID251 - a session is killed here from outside
import sys
import time
from pathlib import Path

import pytest

from pytilt.host.processes import HostRunner, ProcessRequest, guardian
from pytilt.host.processes.guardian import living_groups
from tests.idle import eventually

END_SECONDS = 10.0
"""A second for what was asked to end, and all that a busy machine takes."""

SESSION = """
import asyncio, os, sys
from pytilt.host.processes import HostRunner, ProcessRequest

async def main():
    async with HostRunner() as runner:
        argv, env = ("sh", "-c", sys.argv[1]), tuple(os.environ.items())
        request = ProcessRequest(argv=argv, dir="/", env=env, marked=sys.argv[-1] == "marked")
        async with runner.start(request, lambda piece: print(piece.decode(), end="", flush=True)) as process:
            print(process.pid, flush=True)
            await process.wait()
            await asyncio.Event().wait()

asyncio.run(main())
"""

SANDBOX = """
import ctypes, platform, struct
number = {"x86_64": 302, "aarch64": 261}[platform.machine()]
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
program = b"".join(struct.pack("HBBI", *step) for step in steps)
filter = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(held := ctypes.create_string_buffer(program)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, filter, 0, 0) == 0
"""
"""Has the system refuse `prlimit64`, as sandboxes do."""

SOURCES = str(Path(guardian.__file__).parents[3])


@pytest.mark.parametrize(
    "script",
    [
        "trap '' HUP; sleep 60 & echo ready; sleep 60",
        "trap '' HUP TERM; (trap '' HUP TERM; sleep 60) & echo ready; while :; do sleep 60; done",
        "(trap '' HUP; sleep 60) & echo ready; exit 0",
    ],
    ids=["that ignore SIGHUP", "that ignore SIGTERM", "whose leader ended"],
)
def test_nothing_survives_a_session_that_is_killed(script: str):
    with _session(script) as session:
        assert session.stdout
        words = [session.stdout.readline().strip() for _ in range(2)]
        child = int(next(word for word in words if word != "ready"))
        assert living_groups(child)
        session.kill()
        assert _ends(child)


def test_a_session_that_is_interrupted_by_the_terminal_keeps_its_guardian():
    with _session("trap '' INT; echo ready; sleep 60") as session:
        assert session.stdout
        words = [session.stdout.readline().strip() for _ in range(2)]
        child = int(next(word for word in words if word != "ready"))
        os.kill(session.pid, signal.SIGSTOP)
        os.killpg(session.pid, signal.SIGINT)
        assert living_groups(child)
        session.kill()
        assert _ends(child)


def test_a_process_that_was_just_being_started_ends_as_well(tmp_path: Path):
    read_end, write_end = os.pipe()
    with subprocess.Popen(["sleep", "60"], stdout=write_end, start_new_session=True) as child:
        _guard(tmp_path, 0, os.fstat(read_end).st_ino)
        assert child.wait() == -signal.SIGTERM
    os.close(read_end)
    os.close(write_end)


def test_a_guardian_leaves_alone_what_has_ended(tmp_path: Path):
    with (
        subprocess.Popen(["sleep", "60"], start_new_session=True) as ended,
        subprocess.Popen(["sleep", "60"], start_new_session=True) as child,
    ):
        _guard(tmp_path, 0, 0, 0, child.pid)
        assert child.wait() == -signal.SIGTERM
        assert ended.poll() is None
        ended.kill()


def test_a_guardian_of_a_session_that_was_killed_before_it_wrote_anything_ends(tmp_path: Path):
    _guard(tmp_path)


def _guard(folder: Path, *numbers: int) -> None:
    """Run a guardian whose session has written these numbers and is gone."""
    table = folder / "table"
    table.write_bytes(b"".join(number.to_bytes(guardian.NUMBER) for number in numbers))
    with table.open("rb") as file:
        argv = [sys.executable, guardian.__file__, str(file.fileno())]
        subprocess.run(argv, stdin=subprocess.DEVNULL, pass_fds=[file.fileno()], start_new_session=True, check=True)


def test_where_no_limit_may_be_set_processes_start_all_the_same():
    with _session("echo ready; exit 0", marks=True, before=SANDBOX) as session:
        assert session.stdout
        assert "ready\n" in [session.stdout.readline() for _ in range(2)]
        session.kill()


async def test_a_guardian_that_was_killed_is_replaced():
    async with HostRunner() as runner:
        request = ProcessRequest(argv=("true",), dir="/", env=(("PATH", os.defpath),))
        await runner.run(request, lambda _: None)
        (before,) = _guardians()
        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(10):
            while _guardians() in ([], [before]):
                await runner.run(request, lambda _: None)
    assert _guardians() == []


def _session(script: str, *, marks: bool = False, before: str = "") -> "subprocess.Popen[str]":
    program = [sys.executable, "-c", before + SESSION, script, *(["marked"] if marks else [])]
    environ = {"PATH": os.defpath, "PYTHONPATH": SOURCES}
    return subprocess.Popen(program, stdout=subprocess.PIPE, env=environ, text=True, start_new_session=True)


def _ends(session: int) -> bool:
    deadline = time.monotonic() + END_SECONDS
    while living_groups(session):
        if time.monotonic() > deadline:
            os.killpg(session, signal.SIGKILL)
            return False
        time.sleep(0.01)
    return True


def _guardians() -> list[int]:
    children = " ".join(file.read_text() for file in Path("/proc/self/task").glob("*/children")).split()
    return [int(pid) for pid in children if "guardian.py" in Path(f"/proc/{pid}/cmdline").read_text()]


DAEMON = "setsid sh -c 'trap \"\" HUP; sleep 61 & echo daemon $!; wait' & sleep 0.2; exit 0"
"""Leaves a process behind in a session of its own, whose parents are gone."""


CLEARED = (
    "sleep 0.1; env -i setsid sh -c 'trap \"\" HUP; sleep 61 & echo daemon $!; exec >&- 2>&-; wait' & sleep 0.3; exit 0"
)
"""The same, without anything that it could be known by: its environment is empty, its output closed."""


@pytest.mark.parametrize("script", [DAEMON, CLEARED], ids=["that forks", "that clears its environment"])
@pytest.mark.parametrize("killed", [True, False], ids=["killed", "ended in order"])
def test_a_daemon_of_a_process_that_serves_ends_with_the_session(script: str, killed: bool):
    with _session(script, marks=True) as session:
        assert session.stdout
        words = [session.stdout.readline().split() for _ in range(2)]
        daemon = int(next(each[1] for each in words if each[0] == "daemon"))
        session.send_signal(signal.SIGKILL if killed else signal.SIGINT)
        assert _ends(os.getsid(daemon))


async def test_a_guardian_that_was_killed_while_something_runs_is_replaced_at_once():
    async with HostRunner() as runner:
        request = ProcessRequest(argv=("sleep", "60"), dir="/", env=(("PATH", os.defpath),), stop_grace_seconds=0.1)
        async with runner.start(request, lambda _: None):
            await eventually(_guardians)  # one that was started just now is not yet known by its words
            (before,) = _guardians()
            os.kill(before, signal.SIGKILL)
            await eventually(lambda: _guardians() not in ([], [before]))


async def test_the_place_of_a_process_that_has_ended_is_used_again():
    async with HostRunner() as runner:
        request = ProcessRequest(argv=("true",), dir="/", env=(("PATH", os.defpath),))
        for _ in range(20):
            await runner.run(request, lambda _: None)
        (pid,) = _guardians()
        assert _table(pid) == bytes(guardian.NUMBER * (guardian.SESSIONS_AT + 1))


def _table(pid: int) -> bytes:
    """What the session has written for a guardian."""
    descriptor = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[-2]
    return Path(f"/proc/{pid}/fd/{descriptor}").read_bytes()
