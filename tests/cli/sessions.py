"""A running session that commands ask, in a thread of its own; the store is filled by hand."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tests.server.sessions import Served

T = TypeVar("T")


class Session:
    """A session that listens."""

    def __init__(self, served: Served, port: int, loop: asyncio.AbstractEventLoop, end: asyncio.Event) -> None:
        self.served = served
        self.port = port
        self._loop = loop
        self._end = end

    def do(self, work: Callable[[Served], T]) -> T:
        """Do something to the session where it runs."""

        async def run() -> T:
            return work(self.served)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=10)

    def end(self) -> None:
        """End it; ended already, it stays so."""
        with suppress(RuntimeError):  # its loop is closed
            self._loop.call_soon_threadsafe(self._end.set)


@contextmanager
def session(folder: Path) -> Iterator[Session]:
    """Have a session listen for as long as the block lasts."""
    begun: list[Session] = []
    ready = threading.Event()

    async def run() -> None:
        served = Served(folder)
        end = asyncio.Event()
        async with served.listening() as port:
            begun.append(Session(served, port, asyncio.get_running_loop(), end))
            ready.set()
            await end.wait()
        served.logs.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="session")
    thread.start()
    try:
        assert ready.wait(timeout=10)
        yield begun[0]
    finally:
        begun[0].end()
        thread.join(timeout=10)
