"""Keeps copies of what live updates brought, one batch after the other, after the containers have acknowledged it."""

import asyncio
import stat
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.liveupdate.archive import PackedPath
from pytilt.liveupdate.keeping import KeptFiles, Key, SentBatch
from pytilt.model.logs import Level, Log

NOT_KEPT = "No copy is kept for containers that start while another change waits"
PAUSE = 10.0
"""A thread that writes a thousand files holds up the saves beside it. What is saved again meanwhile is copied once."""
WAITING_BYTES = 16 * 1024 * 1024
"""So much may wait for that in memory."""
WAITING_BATCHES = 1000
"""And so many, which have a size of their own: some save all the time, without a pause."""


class _UnkeptBatch(NamedTuple):
    """What is to be kept."""

    key: Key
    batches: Mapping[int, SentBatch]
    sequence: int
    log: Log

    @property
    def size(self) -> int:
        """Bytes that it holds in memory."""
        packed = (path for sent in self.batches.values() for path in sent.packed)
        return sum(len(path.content) for path in packed if path.content is not None)

    def after(self, sequence: int) -> SentBatch | None:
        """What containers got that had everything up to a change, as far as they were sent anything."""
        base = max((base for base in self.batches if base <= sequence), default=None)
        return None if base is None or sequence >= self.sequence else self.batches[base]

    def without(self, files: set[tuple[str, str]]) -> "_UnkeptBatch":
        """The same without some files, which a later batch brings again before anybody asks for what is kept."""
        return self._replace(
            batches={
                base: replace(sent, packed=tuple(path for path in sent.packed if _file(path) not in files))
                for base, sent in self.batches.items()
            }
        )


class Keeper:
    """Adds what was sent to what is kept, in the background, between the saves.

    Args:
        kept: takes the copies.
        pause: seconds without a save before copies are made.
        most: so many batches may wait for that.
    """

    def __init__(self, kept: KeptFiles, *, pause: float = PAUSE, most: int = WAITING_BATCHES) -> None:
        self.kept = kept
        self._pause_seconds = pause
        self._most = most
        self._last = 0.0
        self._urgent = asyncio.Event()
        self._waiting: deque[_UnkeptBatch] = deque()
        self._bytes = 0
        """That wait in memory, at most."""
        self._built: dict[Key, int] = {}
        """Changes up to this one are in an image."""
        self._added, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()

    def add(self, key: Key, batches: Mapping[int, SentBatch], sequence: int, log: Log) -> None:
        """Keep what was sent to containers of an image.

        Args:
            key: whose.
            batches: what was sent, by the change up to which the containers had everything before; -1: they were new.
            sequence: changes up to this one are in each of them.
            log: gets the reason why nothing is kept.
        """
        self._last = time.monotonic()
        added = _UnkeptBatch(key, batches, sequence, log)
        self._waiting.append(added)
        self._bytes += added.size
        # A large file is read again, before it changes.
        packed = (path for sent in batches.values() for path in sent.packed)
        large = any(path.content is None and stat.S_ISREG(path.found.st_mode) for path in packed)
        if self._bytes > WAITING_BYTES:
            self._drop_superseded()
        if large or self._bytes > WAITING_BYTES or len(self._waiting) > self._most:
            self._urgent.set()
        self._idle.clear()
        self._added.set()

    def forget_built(self, key: Key, sequence: int) -> None:
        """Keep no more what is in an image now, nor what still waits to be kept of that.

        Args:
            key: whose.
            sequence: changes up to this one are in the image.
        """
        self._built[key] = sequence
        self._drop_built(key)

    def _drop_built(self, key: Key) -> None:
        if self.kept.sequence(key) <= self._built.get(key, -1):
            self.kept.drop(key)

    async def caught_up(self) -> None:
        """Wait until everything that was added is kept."""
        self._urgent.set()
        await self._idle.wait()
        self._urgent.clear()

    async def run(self) -> None:
        """Keep what is added, without end."""
        while True:
            await self._added.wait()
            if await self._pause():
                self._drop_superseded()
            added = self._waiting.popleft()
            try:
                await self._add(added)
            except (OSError, UserError) as problem:
                added.log(f"{NOT_KEPT}: {problem}\n", level=Level.WARN)
            finally:
                if not self._waiting:
                    self._bytes = 0
                    self._urgent.clear()
                    self._added.clear()
                    self._idle.set()

    def _drop_superseded(self) -> None:
        """Drop what comes again with a later batch, which is added if this one is: it begins where this one ends."""
        following: dict[Key, _UnkeptBatch] = {}
        again: dict[Key, set[tuple[str, str]]] = {}
        for index in range(len(self._waiting) - 1, -1, -1):
            each = self._waiting[index]
            later = following.get(each.key)
            sent = later.after(each.sequence) if later else None
            files = again.setdefault(each.key, set())
            if sent is None:
                files.clear()
            else:
                files.update(filter(None, map(_file, sent.packed)))
                self._waiting[index] = each.without(files)
            following[each.key] = each
        self._bytes = sum(each.size for each in self._waiting)

    async def _pause(self) -> bool:
        """Wait until nothing is saved for a while, or it has to be at once; was there anything to wait for?"""
        waited = False
        while not self._urgent.is_set() and (left := self._last + self._pause_seconds - time.monotonic()) > 0:
            waited = True
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), left)
        return waited

    async def _add(self, added: _UnkeptBatch) -> None:
        if added.sequence <= self._built.get(added.key, -1):
            return
        if (sent := added.after(self.kept.sequence(added.key))) is not None:
            await self.kept.add(added.key, sent, added.sequence)
            self._drop_built(added.key)  # an image may have been built meanwhile


def _file(path: PackedPath) -> tuple[str, str] | None:
    """Of a file whose content waits in memory: its place here, and in the container."""
    return (path.local, path.remote) if path.content is not None and stat.S_ISREG(path.found.st_mode) else None
