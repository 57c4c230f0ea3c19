"""The session's side of the guardian: starts it with the first process and writes down for it what runs."""

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pytilt.host.processes import guardian
from pytilt.host.processes.exits import watch_exit


class GuardianClient:
    """Has the guardian end what was started when this program is killed."""

    def __init__(self) -> None:
        self._program: subprocess.Popen[bytes] | None = None
        self._exited: asyncio.Future[int] | None = None
        self._pipe = -1
        self._table = -1
        """The file that the guardian reads; see there."""
        self._places: dict[int, int] = {}
        """Where in it each process is."""
        self._free: list[int] = []
        self._newest = 0
        self._mark = ""

    def mark(self) -> tuple[str, str]:
        """The variable by which the guardian finds a process wherever it went."""
        if not self._mark:
            self._mark = os.urandom(8).hex()
            self._write(guardian.MARK_AT, int(self._mark, 16))
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
        self._write(guardian.EXPECTED_AT, inode)

    def started(self, pid: int) -> None:
        """It was started."""
        place = self._free.pop() if self._free else guardian.SESSIONS_AT + len(self._places)
        self._places[pid] = place
        self._newest = pid
        self._write(place, pid)

    def ended(self, pid: int) -> None:
        """Nothing is left of the session that it led."""
        place = self._places.pop(pid, None)
        if place is not None:
            self._free.append(place)
            self._write(place, 0)
            if pid == self._newest:
                self._write(guardian.EXPECTED_AT, 0)

    async def close(self) -> None:
        """Have the guardian end what still runs, and wait until it is done."""
        exited, self._exited = self._exited, None
        self._write(guardian.EXPECTED_AT, 0)  # it need not look for that
        self._close_pipe()
        if exited is not None:
            await asyncio.shield(exited)
        table, self._table = self._table, -1
        if table >= 0:
            os.close(table)
        self._program, self._mark = None, ""
        self._places.clear()
        self._free.clear()

    def _start(self) -> None:
        if self._table < 0:
            self._table = _shared_file()
        read_end, self._pipe = os.pipe()
        try:
            self._program = subprocess.Popen(
                (sys.executable, "-I", "-S", "-E", guardian.__file__, str(self._table)),
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                pass_fds=[self._table],
            )
        finally:
            os.close(read_end)
        self._exited = watch_exit(self._program, asyncio.get_running_loop())
        self._exited.add_done_callback(self._replace)

    def _replace(self, exited: asyncio.Future[int]) -> None:
        """The guardian ended: another one takes its place, at once if it was killed while it is needed."""
        if exited is not self._exited or exited.cancelled():
            return
        self._close_pipe()
        self._program = self._exited = None
        if self._places and exited.result() < 0:  # one that ends by itself cannot run here
            with suppress(OSError):
                self._start()

    def _write(self, place: int, number: int) -> None:
        if self._table >= 0:  # else the guardian ends everything already
            os.pwrite(self._table, number.to_bytes(guardian.NUMBER), place * guardian.NUMBER)

    def _close_pipe(self) -> None:
        pipe, self._pipe = self._pipe, -1
        if pipe >= 0:
            os.close(pipe)


def _shared_file() -> int:
    """A file without a name, in memory where the system has such."""
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may not let anybody make one
            return os.memfd_create("guardian")
    from tempfile import TemporaryFile  # imported here: only other systems need it

    with TemporaryFile() as file:
        return os.dup(file.fileno())
