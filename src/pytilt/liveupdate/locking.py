"""One speaks with a receiver at a time. Who finds nobody there begins at once, before anything else runs."""

import asyncio
from types import TracebackType


class ReceiverLock:
    """A lock that can be taken at once where it is free. Who waits for it uses `async with`."""

    def __init__(self) -> None:
        self._free = asyncio.Event()
        self._free.set()

    def take(self) -> bool:
        """Take it where it is free; returns whether it was."""
        if not self._free.is_set():
            return False
        self._free.clear()
        return True

    def release(self) -> None:
        """Let others take it."""
        self._free.set()

    async def __aenter__(self) -> None:
        while not self.take():
            await self._free.wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
