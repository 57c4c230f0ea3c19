"""Running a session in the foreground: signals end it in order, and soon."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

from pytilt.host.processes import HostRunner

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

HURRY_SECONDS = 0.25
"""After a signal; then what has not ended yet is left to the guardian of processes, who kills it a second later."""

FORCE_SECONDS = 2.0
"""After a signal; then this process ends whatever happens. Tilt's number."""

T = TypeVar("T")

Begin = Callable[[HostRunner], Coroutine[Any, Any, T]]


def run_in_foreground(begin: Begin[T]) -> T | signal.Signals:
    """Run something that starts processes.

    Args:
        begin: makes it, given what starts processes.

    Returns:
        Its result, or the signal that ended it.
    """
    return asyncio.run(_run(begin))


def exit_status(number: signal.Signals) -> int:
    """The status that a shell shows for a program that a signal ended."""
    return 128 + number


async def _run(begin: Begin[T]) -> T | signal.Signals:
    loop = asyncio.get_running_loop()
    received: asyncio.Future[signal.Signals] = loop.create_future()

    def receive(number: signal.Signals) -> None:
        if received.done():
            _force(number)
        received.set_result(number)
        loop.call_later(FORCE_SECONDS, _force, number)

    with handling_signals(lambda number: loop.call_soon_threadsafe(receive, number)):
        async with HostRunner() as runner, asyncio.TaskGroup() as group:
            session = group.create_task(begin(runner), name="session")
            ends: set[asyncio.Future[Any]] = {session, received}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not session.done():
                session.cancel()
                _, slow = await asyncio.wait([session], timeout=HURRY_SECONDS)
                if slow:
                    await runner.end()
                    await asyncio.wait([session])
        if session.cancelled():
            return received.result()
        return received.result() if received.done() else session.result()


@contextlib.contextmanager
def handling_signals(receive: Callable[[signal.Signals], object]) -> Iterator[None]:
    """Handle the signals that end a program, until the block ends.

    asyncio's own way would leave Python's handler behind, which raises KeyboardInterrupt. SIGHUP stays ignored where
    it is, as `nohup` wants it.
    """

    def handle(number: int, _: FrameType | None) -> None:
        receive(signal.Signals(number))

    handled = [each for each in SIGNALS if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN]
    before = {each: signal.signal(each, handle) for each in handled}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _force(number: signal.Signals) -> None:
    """End at once; what was started is ended by its guardian."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(exit_status(number))
