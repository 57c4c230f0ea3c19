"""Keeps copies of what live updates brought, one batch after the other, after the containers have acknowledged it."""

import asyncio

from pytilt.errors import UserError
from pytilt.liveupdate.keeping import KeptFiles, Key, SentBatch
from pytilt.model.logs import Level, Log

NOT_KEPT = "No copy is kept for containers that start while another change waits"


class Keeper:
    """Adds what was sent to what is kept, in the background: a save does not wait for it.

    Args:
        kept: takes the copies.
    """

    def __init__(self, kept: KeptFiles) -> None:
        self.kept = kept
        self._batches: asyncio.Queue[tuple[Key, dict[int, SentBatch], int, Log]] = asyncio.Queue()

    def add(self, key: Key, batches: dict[int, SentBatch], sequence: int, log: Log) -> None:
        """Keep what was sent to containers of an image.

        Args:
            key: whose.
            batches: what was sent, by the change up to which the containers had everything before; -1: they were new.
            sequence: changes up to this one are in each of them.
            log: gets the reason why nothing is kept.
        """
        self._batches.put_nowait((key, batches, sequence, log))

    async def caught_up(self) -> None:
        """Wait until everything that was added is kept."""
        await self._batches.join()

    async def run(self) -> None:
        """Keep what is added, without end."""
        while True:
            key, batches, sequence, log = await self._batches.get()
            try:
                await self._add(key, batches, sequence)
            except (OSError, UserError) as problem:
                log(f"{NOT_KEPT}: {problem}\n", level=Level.WARN)
            finally:
                self._batches.task_done()

    async def _add(self, key: Key, batches: dict[int, SentBatch], sequence: int) -> None:
        before = self.kept.sequence(key)
        smallest = max((base for base in batches if base <= before), default=None)
        if smallest is not None and before < sequence:
            await self.kept.add(key, batches[smallest], sequence)
