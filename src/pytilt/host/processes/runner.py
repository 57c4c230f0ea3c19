"""Runs processes on this machine, and leaves none behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from pytilt.host.processes.contract import Notice, Output, ProcessOutcome, ProcessRequest, RunningProcess, Started
from pytilt.host.processes.guarding import GuardianClient
from pytilt.host.processes.running import HostProcess


class HostRunner:
    """The real `Runner`; it is entered once, around everything that starts processes."""

    def __init__(self) -> None:
        self._guard = GuardianClient()
        self._leftovers: set[HostProcess] = set()

    async def __aenter__(self) -> Self:
        """Nothing is started before the first process is."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what processes left running; a second later kill it."""
        try:
            await self.end()
        finally:
            for process in self._leftovers:
                process.release()

    async def end(self) -> None:
        """Ask every process that still runs to end, kill it a second later, and return once all are gone."""
        await self._guard.close()

    async def run(
        self,
        request: ProcessRequest,
        output: Output,
        *,
        error_output: Output | None = None,
        notice: Notice | None = None,
        started: Started | None = None,
    ) -> ProcessOutcome:
        """Run a process until it ends; see `Runner.run`."""
        process = HostProcess(request, self._guard, output, error_output=error_output, notice=notice)
        try:
            if started is not None:
                started(process.pid)
            outcome = await process.wait()
        except BaseException:
            await process.stop()
            raise
        self._leftovers = {other for other in self._leftovers if not other.look()}
        if not process.gone:
            process.abandon()
            self._leftovers.add(process)
        return outcome

    @asynccontextmanager
    async def start(
        self,
        request: ProcessRequest,
        output: Output,
        *,
        error_output: Output | None = None,
        notice: Notice | None = None,
    ) -> AsyncIterator[RunningProcess]:
        """Start a process that lives as long as the block; see `Runner.start`."""
        process = HostProcess(request, self._guard, output, error_output=error_output, notice=notice)
        try:
            yield process
        finally:
            await process.stop()
