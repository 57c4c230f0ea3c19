"""Keeps copies of what live updates brought, one batch after the other, after the containers have acknowledged it."""

import asyncio
import stat
import time
from contextlib import suppress

from pytilt.errors import UserError
from pytilt.liveupdate.keeping import KeptFiles, Key, SentBatch
from pytilt.model.logs import Level, Log

NOT_KEPT = "No copy is kept for containers that start while another change waits"
PAUSE = 0.3
"""A thread that writes a thousand files holds up the saves beside it."""
WAITING_BYTES = 16 * 1024 * 1024
"""So much may wait for that in memory."""


class Keeper:
    """Adds what was sent to what is kept, in the background, between the saves.

    Args:
        kept: takes the copies.
        pause: seconds without a save before copies are made.
    """

    def __init__(self, kept: KeptFiles, *, pause: float = PAUSE) -> None:
        self.kept = kept
        self._pause_seconds = pause
        self._last = 0.0
        self._waiting = 0
        self._urgent = asyncio.Event()
        self._batches: asyncio.Queue[tuple[Key, dict[int, SentBatch], int, Log]] = asyncio.Queue()

    def add(self, key: Key, batches: dict[int, SentBatch], sequence: int, log: Log) -> None:
        """Keep what was sent to containers of an image.

        Args:
            key: whose.
            batches: what was sent, by the change up to which the containers had everything before; -1: they were new.
            sequence: changes up to this one are in each of them.
            log: gets the reason why nothing is kept.
        """
        self._last = time.monotonic()
        packed = [path for sent in batches.values() for path in sent.packed]
        self._waiting += sum(len(path.content) for path in packed if path.content is not None)
        # A large file is read again, before it changes.
        large = any(path.content is None and stat.S_ISREG(path.found.st_mode) for path in packed)
        if large or self._waiting > WAITING_BYTES:
            self._urgent.set()
        self._batches.put_nowait((key, batches, sequence, log))

    async def caught_up(self) -> None:
        """Wait until everything that was added is kept."""
        self._urgent.set()
        await self._batches.join()
        self._urgent.clear()

    async def run(self) -> None:
        """Keep what is added, without end."""
        while True:
            key, batches, sequence, log = await self._batches.get()
            await self._pause()
            try:
                await self._add(key, batches, sequence)
            except (OSError, UserError) as problem:
                log(f"{NOT_KEPT}: {problem}\n", level=Level.WARN)
            finally:
                self._batches.task_done()
                if self._batches.empty():
                    self._waiting = 0
                    self._urgent.clear()

    async def _pause(self) -> None:
        """Wait until nothing is saved for a while, or it has to be at once."""
        while not self._urgent.is_set() and (left := self._last + self._pause_seconds - time.monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), left)

    async def _add(self, key: Key, batches: dict[int, SentBatch], sequence: int) -> None:
        before = self.kept.sequence(key)
        smallest = max((base for base in batches if base <= before), default=None)
        if smallest is not None and before < sequence:
            await self.kept.add(key, batches[smallest], sequence)
