"""The program that ends a session's processes when the session was killed.

A process of its own, started as a script: nothing may be imported here but the standard library. Its standard input is
a pipe that nobody but the session holds open, its only argument a file that both have open: there the session writes
what runs, so that each of thousands of commands costs no message and wakes nobody. The file is made of numbers of eight
bytes:

    MARK       what has this in its environment as PYTILT_RUNNER, or the limit that is made of it, belongs to the
               session, wherever it runs; 0: nothing is marked yet
    EXPECTED   the inode of the pipe to which the newest process writes, which may have been just being started
    SESSIONS   and all that follow: a process that was started and leads the session of this number; 0: none

When the input ends, everything that still runs is asked to end, and killed a second later.
"""

import contextlib
import os
import signal
import sys
import time

MARK = "PYTILT_RUNNER"
"""The variable that a daemon inherits from the process that began it; its session and its parent are others."""

NUMBER = 8
"""Bytes of a number of the file."""
MARK_AT, EXPECTED_AT, SESSIONS_AT = 0, 1, 2
"""Which number of the file is what."""

GRACE_SECONDS = 1.0
_LOOK_EVERY_SECONDS = 0.02
_STARTING_SECONDS = 0.2
"""How long a process may take that was just being started when the session died."""


def groups_of_sessions() -> dict[int, set[int]]:
    """The process groups of every session in which a process lives (zombies do not); empty without `/proc`."""
    sessions: dict[int, set[int]] = {}
    for pid in _pids():
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib would double the time to start
                state, _, group, session = file.read().rpartition(b")")[2].split()[:4]
            if state not in b"ZX":
                sessions.setdefault(int(session), set()).add(int(group))
    return sessions


def living_groups(session: int) -> set[int]:
    """The process groups of one session in which a process lives."""
    if os.path.exists("/proc/self/stat"):  # noqa: PTH110 - pathlib would double the time to start
        return groups_of_sessions().get(session, set())
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return set()
    except PermissionError:
        pass
    return {session}


def signal_session(session: int, number: int) -> None:
    """Send a signal to every process of a session."""
    for group in living_groups(session):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _pids() -> list[str]:
    try:
        return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - as above
    except OSError:
        return []


def limit_of(mark: str) -> int:
    """The limit of realtime work, in microseconds, by which a process is known that has cleared its environment.

    More than a hundred thousand years, so that it limits nothing; every descendant has it, whatever it clears.
    """
    return 1 << 62 | int(mark, 16) >> 2


def is_mark(limit: int) -> bool:
    """Is a limit such a mark, of a session in which this one runs?"""
    return limit >> 62 == 1


def _marked(mark: str) -> set[int]:
    """The processes that have inherited a mark."""
    found = set()
    for pid in _pids() if mark else []:
        with contextlib.suppress(OSError, ValueError, IndexError):
            if _has_variable(pid, mark) or _has_limit(pid, mark):
                found.add(int(pid))
    return found


def _has_variable(pid: str, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - as above
            return f"{MARK}={mark}".encode("ascii") in file.read().split(b"\0")
    except PermissionError:  # it runs as another user
        return False


def _has_limit(pid: str, mark: str) -> bool:
    with open(f"/proc/{pid}/limits", "rb") as file:  # noqa: PTH123 - as above
        text = file.read()
    return text.partition(b"Max realtime timeout")[2].split()[0] == str(limit_of(mark)).encode("ascii")


def _sessions_writing_to(inode: str) -> set[int]:
    found = set()
    for pid in _pids():
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/fd/1") == f"pipe:[{inode}]":  # noqa: PTH115 - as above
                found.add(os.getsid(int(pid)))
    return found - {os.getsid(0)}


def _read(table: int) -> tuple[set[int], str, str]:
    """What runs, the pipe of the process that was just being started, and the mark."""
    data = bytearray()
    while piece := os.pread(table, 1 << 16, len(data)):
        data += piece
    data += bytes(NUMBER * SESSIONS_AT)  # of a session that was killed before it wrote anything
    numbers = [int.from_bytes(data[at : at + NUMBER]) for at in range(0, len(data), NUMBER)]
    mark, expected = numbers[MARK_AT], numbers[EXPECTED_AT]
    return set(numbers[SESSIONS_AT:]) - {0}, f"{expected or ''}", f"{mark:016x}" if mark else ""


def _end(sessions: set[int], expected: str, mark: str) -> None:
    began = time.monotonic()
    asked: set[int] = set()
    while True:
        passed = time.monotonic() - began
        if expected and passed < _STARTING_SECONDS:
            sessions |= _sessions_writing_to(expected)
        living = {session for session in sessions if living_groups(session)}
        daemons = _marked(mark)
        if not living and not daemons and not (expected and passed < _STARTING_SECONDS):
            return
        for session in living:
            if passed >= GRACE_SECONDS:
                signal_session(session, signal.SIGKILL)
            elif session not in asked:
                signal_session(session, signal.SIGTERM)
        for daemon in daemons:
            if passed >= GRACE_SECONDS or daemon not in asked:
                with contextlib.suppress(OSError):
                    os.kill(daemon, signal.SIGKILL if passed >= GRACE_SECONDS else signal.SIGTERM)
        asked |= living | daemons
        if passed > 2 * GRACE_SECONDS:
            return  # what survives being killed cannot be helped
        time.sleep(_LOOK_EVERY_SECONDS)


def main() -> None:
    """Guard the session at the other end of standard input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    _end(*_read(int(sys.argv[1])))


if __name__ == "__main__":
    main()
