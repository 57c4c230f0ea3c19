"""Work that many wait for: one of them does it, and all go on in the same turn of the loop."""

import asyncio
from collections.abc import Awaitable, Callable


class SharedWork:
    """Work that is done by the first who needs it. A lock would let the others go on one after the other."""

    def __init__(self) -> None:
        self._ended: asyncio.Event | None = None
        """Set once the work ends that somebody does now."""

    async def ensure(self, needed: Callable[[], bool], work: Callable[[], Awaitable[None]]) -> None:
        """Return once the work is not needed any more, or was done by this call.

        What one has failed at, the next who needs it tries again.

        Args:
            needed: does the caller still need it?
            work: does it; what it raises is raised here only.
        """
        while needed():
            if self._ended is not None:
                await self._ended.wait()
                continue
            self._ended = ended = asyncio.Event()
            try:
                await work()
            finally:
                self._ended = None
                ended.set()
            return
