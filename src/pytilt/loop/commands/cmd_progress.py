"""The status of a Cmd from its start to its end, whoever runs it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from pytilt.errors import CommandError
from pytilt.model.api.cmds import Cmd, CmdStateRunning, CmdStateTerminated, CmdStateWaiting, CmdStatus
from pytilt.model.times import precise_now
from pytilt.store.objects import Store

STOPPED = 137
"""The exit code of a command that was stopped, as in Tilt."""


class CmdProgress:
    """Reports what happens to one run of a command.

    Args:
        report: called with every status.
        ready: is it ready as soon as it runs?
    """

    def __init__(self, report: Callable[[CmdStatus], None], *, ready: bool = True) -> None:
        self._report = report
        self._ready = ready
        self._pid = 0
        self._started_at = ""
        self._status = CmdStatus()

    @contextmanager
    def running(self, *, waits: bool = True) -> Iterator[None]:
        """The time in which it runs: one that is stopped meanwhile, or cannot start, has ended then.

        Args:
            waits: is it not started at once? Else nobody would see that it waits.
        """
        if waits:
            self._emit(CmdStatus(waiting=CmdStateWaiting()))
        try:
            yield
        except CommandError as problem:
            self.ended(problem.exit_status or 1, str(problem))
            raise
        finally:
            if self._status.terminated is None:
                self.ended(STOPPED, "killed")

    def started(self, pid: int) -> None:
        """It started."""
        self._pid, self._started_at = pid, precise_now()
        running = CmdStateRunning(pid=pid, started_at=self._started_at)
        self._emit(CmdStatus(running=running, ready=self._ready))

    def probed(self, *, ready: bool) -> None:
        """Its probe found out whether it is ready."""
        if self._status.running is not None:
            self._emit(replace(self._status, ready=ready))

    def ended(self, exit_status: int, reason: str = "") -> None:
        """It ended."""
        code = exit_status if exit_status >= 0 else 128 - exit_status
        if not reason and code:
            reason = f"exit status {code}" if exit_status >= 0 else f"signal {-exit_status}"
        ended = CmdStateTerminated(
            pid=self._pid, exit_code=code, started_at=self._started_at, finished_at=precise_now(), reason=reason
        )
        self._emit(CmdStatus(terminated=ended))

    def _emit(self, status: CmdStatus) -> None:
        self._status = status
        self._report(status)


def write_status(store: Store, name: str, status: CmdStatus) -> None:
    """Write the status of a Cmd; whether it is disabled stays as it is."""
    store.change(Cmd, name, lambda cmd: replace(cmd, status=replace(status, disable_status=cmd.status.disable_status)))
