"""The processes that scan the log: started when something is searched for, ended when nothing is for a while."""

import asyncio
import marshal
import os
import signal
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from pytilt.errors import UserError
from pytilt.host.processes.workers import Worker
from pytilt.model.base import Value
from pytilt.store import scanner
from pytilt.store.scanner import Answer, Piece, Request

MOST_WORKERS = 4
"""More of them read no faster than the disk and the memory give."""

IN_FLIGHT = 2
"""So many requests a worker has at once: it goes on with the second while the answer to the first is read."""

IDLE_SECONDS = 30.0
"""Workers that have nothing to do for so long end."""


class PatternTooCostlyError(UserError):
    """A regular expression for which the search takes too long, or too much memory."""


class StalePieceError(Exception):
    """A file of the log was renamed or removed before it was read."""


class ScanResult(Value):
    """What a scan found."""

    begins: Sequence[int]
    """Where the lines begin that have the pattern, counted from the begin of the pieces."""
    first: int
    last: int
    """From where to where was scanned: not everything, where enough was found before."""


class LogScanner(Protocol):
    """What scans pieces of the log."""

    @property
    def workers(self) -> int:
        """So many scans are carried out at once, at most."""
        ...

    @property
    def ahead(self) -> int:
        """So many scans are worth asking for at once."""
        ...

    def scan(
        self, pattern: str, pieces: Sequence[Piece], *, backward: bool = False, enough: int = 1
    ) -> "asyncio.Future[ScanResult]":
        """Scan pieces of the log, of which each begins where the one before ends, until there are enough lines.

        The result raises UserError where the pattern is none, PatternTooCostlyError where it takes too long, and
        StalePieceError where a file is not there any more; it may be cancelled.
        """
        ...


def resolve(answered: "asyncio.Future[ScanResult]", pattern: str, answer: Answer) -> None:
    """Pass the answer to a request for a pattern on to who waits for it."""
    kind, begins, first, last = answer
    if kind == scanner.LINES:
        answered.set_result(ScanResult(begins=array("Q", begins), first=first, last=last))
    elif kind == scanner.STALE:
        answered.set_exception(StalePieceError())
    elif kind == scanner.TOO_LARGE:
        answered.set_exception(_too_much(pattern, "too much memory"))
    else:
        problem = f"`{pattern}` is no regular expression: {kind.removeprefix(scanner.REFUSED)}"
        answered.set_exception(UserError(problem, hint="put `\\` before what is meant as it is"))


class _Asked:
    """A request, and who waits for the answer."""

    def __init__(self, request: Request, answered: "asyncio.Future[ScanResult]") -> None:
        self.request = request
        self.answered = answered

    def resolve(self, answer: Answer) -> None:
        """Pass an answer on."""
        if not self.answered.done():  # else nobody waits any more
            resolve(self.answered, self.request[0], answer)

    def fail(self, error: UserError) -> None:
        """Say why there is no answer."""
        if not self.answered.done():
            self.answered.set_exception(error)


class _ScanWorker:
    """A worker, and what it was asked and has not answered, oldest first."""

    def __init__(self, answered: Callable[["_ScanWorker"], None], ended: Callable[["_ScanWorker", int], None]) -> None:
        self.asked: deque[_Asked] = deque()
        self._answered = answered
        self.worker = Worker(scanner.__name__, self._answer, partial(ended, self))

    def ask(self, asked: _Asked) -> None:
        self.asked.append(asked)
        self.worker.send(marshal.dumps(asked.request))

    def _answer(self, message: bytes) -> None:
        self.asked.popleft().resolve(marshal.loads(message))
        self._answered(self)


class ScannerPool:
    """The workers of a session; it is entered once, around everything that searches.

    Args:
        idle_seconds: workers end when they have had nothing to do for so long.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._most = max(1, min(MOST_WORKERS, os.cpu_count() or 1))
        self._scanners: list[_ScanWorker] = []
        self._ending: list[Worker] = []
        self._waiting: deque[_Asked] = deque()
        self._idle: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """Nothing is started before something is searched for."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers, and wait until they are gone."""
        for asked in (*self._waiting, *(each for one in self._scanners for each in one.asked)):
            asked.answered.cancel()
        self._waiting.clear()
        self._end()
        for worker in self._ending:
            await worker.wait_closed()

    @property
    def workers(self) -> int:
        """See `LogScanner`."""
        return self._most

    @property
    def ahead(self) -> int:
        """See `LogScanner`."""
        return self._most * IN_FLIGHT

    @property
    def pids(self) -> tuple[int, ...]:
        """The ids of the workers that run."""
        return tuple(each.worker.pid for each in self._scanners)

    def scan(
        self, pattern: str, pieces: Sequence[Piece], *, backward: bool = False, enough: int = 1
    ) -> "asyncio.Future[ScanResult]":
        """See `LogScanner`."""
        answered: asyncio.Future[ScanResult] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked((pattern, tuple(pieces), backward, enough), answered))
        self._dispatch()
        return answered

    def _dispatch(self) -> None:
        """Pass on what waits, as far as there are workers for it."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        while self._waiting:
            if self._waiting[0].answered.done():
                self._waiting.popleft()
                continue
            try:
                chosen = self._chosen()
            except OSError as error:
                self._waiting.popleft().fail(UserError(f"the search cannot start a process: {error.strerror}"))
                continue
            if chosen is None:
                return
            chosen.ask(self._waiting.popleft())
        if not any(each.asked for each in self._scanners):
            self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end)

    def _chosen(self) -> _ScanWorker | None:
        """The worker that is to have the next request; None: all have enough."""
        least = min(self._scanners, key=lambda each: len(each.asked), default=None)
        if least is None or (least.asked and len(self._scanners) < self._most):
            least = _ScanWorker(self._answered, self._ended)
            self._scanners.append(least)
        return least if len(least.asked) < IN_FLIGHT else None

    def _answered(self, _: _ScanWorker) -> None:
        self._dispatch()

    def _ended(self, scanner_: _ScanWorker, status: int) -> None:
        """A worker ended by itself: what it was about to answer is the reason."""
        self._scanners.remove(scanner_)
        if scanner_.asked:
            first = scanner_.asked.popleft()
            first.fail(_reason(first.request[0], status))
            self._waiting.extendleft(reversed(scanner_.asked))
        self._dispatch()

    def _end(self) -> None:
        """End all workers."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        self._ending = [each.worker for each in self._scanners]
        for worker in self._ending:
            worker.close()
        self._scanners.clear()


def _reason(pattern: str, status: int) -> UserError:
    if status == -signal.SIGPROF:
        return _too_much(pattern, "too long")
    return UserError(f"the search for `{pattern}` ends here: its process ended with status {status}")


def _too_much(pattern: str, what: str) -> PatternTooCostlyError:
    return PatternTooCostlyError(
        f"the search for `{pattern}` ends here: it takes {what} for what comes next",
        hint="repeat nothing that repeats something itself: `a+` instead of `(a+)+`",
    )
