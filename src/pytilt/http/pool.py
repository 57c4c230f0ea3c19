"""Connections to one server: opened when needed, kept for the next request."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pytilt.http.exchange import Exchange


class Pool:
    """The connections to a server; there may be any number at a time.

    Args:
        connect: opens another one.
        keep: how many stay open while nobody uses them.
        seconds: for how long; a connection that was idle for longer may have been forgotten on the way.
    """

    def __init__(self, connect: Callable[[], Awaitable[Exchange]], *, keep: int, seconds: float) -> None:
        self._connect = connect
        self._keep = keep
        self._seconds = seconds
        self._kept: deque[tuple[float, Exchange]] = deque()
        """Idle ones and since when they are; the one that was used last is at the end."""

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[Exchange]:
        """A connection for one request, to use alone; it is kept if the answer was read to its end."""
        exchange = self._idle() or await self._connect()
        try:
            yield exchange
        finally:
            if len(self._kept) < self._keep and exchange.renew():
                self._kept.append((asyncio.get_running_loop().time(), exchange))
            else:
                exchange.wire.close()

    def close(self) -> None:
        """Close those that are idle, and keep no more."""
        self._keep = 0
        while self._kept:
            self._kept.pop()[1].wire.close()

    def _idle(self) -> Exchange | None:
        """A connection that was kept and is still open; others that are not are closed here too."""
        oldest = asyncio.get_running_loop().time() - self._seconds
        while self._kept and self._kept[0][0] < oldest:
            self._kept.popleft()[1].wire.close()
        while self._kept:
            _, exchange = self._kept.pop()
            if exchange.wire.silent():
                return exchange
            exchange.wire.close()
        return None
