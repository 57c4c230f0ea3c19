"""Stand-ins for this machine: processes that tests script, watched files that tests change by hand."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from pytilt.errors import CommandError, UserError
from pytilt.host.files.contract import Changes
from pytilt.host.ignoring import compile_ignores
from pytilt.host.processes.contract import Notice, Output, ProcessOutcome, ProcessRequest, RunningProcess, Started
from pytilt.model.base import Value
from pytilt.model.files import FileRule


class ProcessScript(Value):
    """What a process does that a `FakeRunner` starts."""

    exit_status: int = 0
    output: bytes = b""
    error_output: bytes = b""
    keeps_running: bool = False
    """It ends only when the test says so (`FakeProcess.finish`), or when it is stopped."""
    error: str = ""
    """It cannot be started, with this message."""


class FakeProcess:
    """A process that does what the test says."""

    def __init__(self, request: ProcessRequest, pid: int, output: Output, error_output: Output) -> None:
        self.request = request
        self.stopped = False
        """Was it asked to stop?"""
        self._pid = pid
        self._output = output
        self._error_output = error_output
        self._outcome: asyncio.Future[ProcessOutcome] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        """Counts up from 1."""
        return self._pid

    @property
    def running(self) -> bool:
        """Has it not ended yet?"""
        return not self._outcome.done()

    def write(self, text: bytes) -> None:
        """Have it write to standard output."""
        self._output(text)

    def write_error(self, text: bytes) -> None:
        """Have it write to standard error."""
        self._error_output(text)

    def finish(self, exit_status: int = 0) -> None:
        """Have it end; nothing happens when it has ended."""
        if self.running:
            self._outcome.set_result(ProcessOutcome(exit_status=exit_status, duration_seconds=0.0))

    async def wait(self) -> ProcessOutcome:
        """Wait until it ended."""
        return await asyncio.shield(self._outcome)

    async def stop(self) -> None:
        """End it as SIGTERM does."""
        self.stopped = self.stopped or self.running
        self.finish(-15)


class FakeRunner:
    """A `Runner` that starts nothing. A command without answer succeeds at once and prints nothing."""

    def __init__(self) -> None:
        self.processes: list[FakeProcess] = []
        """All that were started, in order."""
        self._answers: list[tuple[str, ProcessScript]] = []
        self._started = asyncio.Event()

    @property
    def requests(self) -> list[ProcessRequest]:
        """What was asked for and could be started, in order."""
        return [process.request for process in self.processes]

    def answer(self, command: str, answer: ProcessScript) -> None:
        """Have commands do something from now on.

        Args:
            command: a part of the words joined by blanks; the answer that was given last wins.
            answer: what they do.
        """
        self._answers.insert(0, (command, answer))

    async def process(self, index: int = 0) -> FakeProcess:
        """The process that was started as number `index`, waited for if need be."""
        while len(self.processes) <= index:
            await self._started.wait()
            self._started.clear()
        return self.processes[index]

    async def run(
        self,
        request: ProcessRequest,
        output: Output,
        *,
        error_output: Output | None = None,
        notice: Notice | None = None,
        started: Started | None = None,
    ) -> ProcessOutcome:
        """Do what the answer says."""
        async with self.start(request, output, error_output=error_output, notice=notice) as process:
            if started is not None:
                started(process.pid)
            return await process.wait()

    @asynccontextmanager
    async def start(
        self,
        request: ProcessRequest,
        output: Output,
        *,
        error_output: Output | None = None,
        notice: Notice | None = None,  # noqa: ARG002 - nothing here takes long to stop
    ) -> AsyncIterator[RunningProcess]:
        """Do what the answer says, for as long as the block lasts."""
        line = " ".join(request.argv)
        answer = next((answer for command, answer in self._answers if command in line), ProcessScript())
        if answer.error:
            raise CommandError(answer.error)
        process = FakeProcess(request, len(self.processes) + 1, output, error_output or output)
        self.processes.append(process)
        self._started.set()
        if answer.output:
            process.write(answer.output)
        if answer.error_output:
            process.write_error(answer.error_output)
        if not answer.keeps_running:
            process.finish(answer.exit_status)
        try:
            yield process
        finally:
            await process.stop()


class FakeFileWatcher:
    """A `Watcher` that looks at no file: the test says what changes."""

    def __init__(self) -> None:
        self.rules: dict[str, tuple[FileRule, ...]] = {}
        """What is watched, by key."""
        self.contents: dict[str, bytes] = {}
        """What is in files, by path; the others have another content each time they are asked for."""
        self._counter = itertools.count()
        self._refusal = ""
        self._changed: dict[str, set[str]] = {}
        self._held: frozenset[str] = frozenset()
        self._ready = asyncio.Event()
        self._idle = asyncio.Event()
        self._updated = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    async def update(self, rules: Mapping[str, Sequence[FileRule]]) -> None:
        """Remember what is watched."""
        if self._refusal:
            raise UserError(self._refusal)
        self.rules = {key: tuple(file_rules) for key, file_rules in rules.items()}
        self._updated.set()

    def refuse(self, message: str) -> None:
        """Have every update fail from now on; with an empty message none."""
        self._refusal = message

    async def watching(self, *keys: str) -> None:
        """Wait until these keys are watched."""
        while not set(keys) <= self.rules.keys():
            self._updated.clear()
            await self._updated.wait()

    def change(self, *paths: str) -> None:
        """Have files change: the keys whose rules cover them are emitted, in one item if nobody reads in between."""
        for key, file_rules in self.rules.items():
            covered = {path for path in paths for rule in file_rules if _covers(rule, path)}
            if covered:
                self._changed.setdefault(key, set()).update(covered)
        if self._changed:
            self._ready.set()

    def hold(self, *keys: str) -> None:
        """Have git hold changes of these keys from now on, and of no others."""
        self._held = frozenset(keys)
        self._ready.set()

    async def changes(self) -> AsyncIterator[Changes]:
        """What changed since the item before."""
        while True:
            self._idle.set()
            await self._ready.wait()
            self._ready.clear()
            changed, self._changed = self._changed, {}
            yield Changes({key: frozenset(paths) for key, paths in changed.items()}, held=self._held)

    async def flush(self) -> None:
        """Wait until the reader has taken what changed."""
        await self.taken()

    def read(self) -> bool:
        """Has the reader taken what changed?"""
        return not self._changed

    async def taken(self) -> None:
        """Wait until it has."""
        if self._changed:
            self._idle.clear()
            await self._idle.wait()

    def fingerprint(self, path: str) -> bytes:
        """What the test says is there; else each time something else."""
        return self.contents.get(path) or next(self._counter).to_bytes(8)


def _covers(rule: FileRule, path: str) -> bool:
    below = any(path == root or path.startswith(root.rstrip("/") + "/") for root in rule.paths)
    return below and not compile_ignores(rule.ignores).matches(path)
