"""The session's side of the guardian: starts it with the first process and sends it what runs."""

import asyncio
import os
import resource
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pytilt.host.processes import guardian
from pytilt.host.processes.exits import watch_exit

_LATE_SECONDS = 0.1
_MOST_LATE = 8
"""What has ended is reported with the next message, or after so long, or when so much has: each message wakes the
guardian, and that one of a process which is gone may come late. For each that is not reported it would search once."""


class GuardianClient:
    """Has the guardian end what was started when this program is killed.

    Args:
        argv: starts the guardian.
    """

    def __init__(self, argv: Sequence[str] = (sys.executable, "-I", "-S", "-E", str(Path(guardian.__file__)))) -> None:
        self._argv = argv
        self._program: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._sessions: set[int] = set()
        self._mark = ""
        self._late: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def mark(self) -> tuple[str, str]:
        """The variable by which the guardian finds a process wherever it went."""
        if not self._mark:
            self._mark = secrets.token_hex(8)
            self._send(f"mark {self._mark}")
        return guardian.MARK, self._mark

    @contextmanager
    def limit(self) -> Iterator[None]:
        """Have what is started meanwhile inherit a limit as well, which it cannot clear with its environment."""
        before = self._set_limit()
        try:
            yield
        finally:
            if before is not None:
                resource.setrlimit(resource.RLIMIT_RTTIME, before)

    def _set_limit(self) -> tuple[int, int] | None:
        """Returns the limit before; None where it is not free, or a sandbox does not let anybody set it."""
        if sys.platform != "linux":
            return None
        with suppress(OSError, ValueError):
            soft, hard = before = resource.getrlimit(resource.RLIMIT_RTTIME)
            if hard == resource.RLIM_INFINITY and (soft == hard or guardian.is_mark(soft)):
                resource.setrlimit(resource.RLIMIT_RTTIME, (guardian.limit_of(self._mark), hard))
                return before
        return None

    def expect(self, inode: int) -> None:
        """A process is about to be started that writes to this pipe."""
        if self._program is None:
            self._start()
        self._send(f"expect {inode}")

    def started(self, pid: int) -> None:
        """It was started."""
        self._sessions.add(pid)
        self._send(f"start {pid}")

    def failed(self) -> None:
        """It was not started."""
        self._send("failed")

    def ended(self, pid: int) -> None:
        """Nothing is left of the session that it led."""
        self._sessions.discard(pid)
        self._late.append(f"end {pid}")
        if len(self._late) >= _MOST_LATE:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LATE_SECONDS, self._send)

    async def close(self) -> None:
        """Have the guardian end what still runs, and wait until it is done."""
        if self._program:
            self._send()
            exited = watch_exit(self._program, asyncio.get_running_loop())
            pipe, self._pipe = self._pipe, -1
            os.close(pipe)
            await asyncio.shield(exited)
            self._program = None

    def _start(self) -> None:
        read_end, self._pipe = os.pipe()
        try:
            self._program = subprocess.Popen(
                self._argv,
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(read_end)
        os.set_blocking(self._pipe, False)

    def _send(self, *lines: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text = "".join(f"{line}\n" for line in (*self._late, *lines))
        self._late.clear()
        if self._pipe < 0 or not text:
            return  # it ends everything already
        try:
            os.write(self._pipe, text.encode("ascii"))
        except (BrokenPipeError, BlockingIOError):  # somebody killed or stopped the guardian
            self._replace()

    def _replace(self) -> None:
        os.close(self._pipe)
        if self._program:
            self._program.kill()
            self._program.wait()
        self._start()
        known = [f"start {pid}\n" for pid in self._sessions] + ([f"mark {self._mark}\n"] if self._mark else [])
        os.write(self._pipe, "".join(known).encode("ascii"))
