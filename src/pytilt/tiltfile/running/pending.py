"""Renderings that run beside the script, and all that comes after them in the order of the calls.

The script goes on while a chart is rendered. What it says and does that the chart could change (lines of the log that
may have to hide a value of the chart's Secrets, objects that may be duplicates of the chart's) waits for its turn, so
that everything happens in the order in which the Tiltfile asks for it, and the first call that fails is the error.
"""

import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pytilt.dialect import CallSite, call_site
from pytilt.errors import TiltfileError
from pytilt.tiltfile.arguments.values import Blob

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class _Deferred(NamedTuple):
    """Something that waits for its turn."""

    site: CallSite
    """The call that asked for it."""
    act: Callable[[], None]


class Pending:
    """What one evaluation has started and not finished.

    Args:
        overlaps: may anything run beside the script? If not, every call is finished when it returns.
    """

    def __init__(self, *, overlaps: bool) -> None:
        self._overlaps = overlaps
        self._turns: deque[_Deferred] = deque()
        self._settling = False
        self._failure: TiltfileError | None = None
        self._pool: ThreadPoolExecutor | None = None

    def blob(self, source: str, work: Callable[[], str], finish: Callable[[str], str]) -> Blob:
        """A text that is being made; whoever needs it waits for it.

        Args:
            source: where it comes from, for messages.
            work: makes it, in another thread. It changes nothing that the Tiltfile could notice.
            finish: makes the final text of it, in the thread of the script.
        """
        if not self._overlaps:
            return Blob(finish(work()), source)
        running = self._workers().submit(work)
        made = _PendingBlob(source, self)
        made.turn = _Deferred(call_site(), lambda: made.fulfil(finish(running.result())))
        self._turns.append(made.turn)
        return made

    def in_turn(self, act: Callable[[], None]) -> None:
        """Do something when all that was called before is done: now, if nothing is pending."""
        if self._turns and not self._settling:
            self._turns.append(_Deferred(call_site(), act))
        else:
            act()

    def settle(self, last: _Deferred | None = None) -> None:
        """Wait for what is pending, and do what waits for it.

        Args:
            last: what comes behind it stays pending; None: everything is settled.

        Raises:
            TiltfileError: a call failed, now or earlier; with the trace of that call.
        """
        if self._failure is not None:
            raise self._failure
        while self._turns and not self._settling:
            turn = self._turns.popleft()
            self._take(turn)
            if turn is last:
                return

    def _take(self, turn: _Deferred) -> None:
        self._settling = True
        try:
            turn.act()
        except Exception as error:
            self._turns.clear()
            self._failure = turn.site.traced(error)
            if self._failure is None or self._failure is error:
                raise
            raise self._failure from error
        finally:
            self._settling = False

    def close(self) -> None:
        """Start nothing more, and wait for what runs."""
        self._overlaps = False
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _workers(self) -> "ThreadPoolExecutor":
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor  # imported here: few Tiltfiles render something

            self._pool = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1), thread_name_prefix="render")
        return self._pool


class _PendingBlob(Blob):
    """A blob whose text is being made."""

    turn: _Deferred

    def __init__(self, source: str, pending: Pending) -> None:
        self.source = source
        self._pending = pending
        self._text: str | None = None

    @property
    def text(self) -> str:  # type: ignore[override] # read only, as every text of a blob is
        """The text, as soon as it is there."""
        if self._text is None:
            self._pending.settle(self.turn)
        assert self._text is not None, "settled, or an error was raised"
        return self._text

    def fulfil(self, text: str) -> None:
        """The text is there."""
        self._text = text
