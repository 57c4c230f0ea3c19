"""Changes on their way to the reader: merged, held while git works, or waiting for a file to be closed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from pytilt.errors import PytiltError
from pytilt.host.files.contract import Changes
from pytilt.host.files.interests import Interest
from pytilt.host.files.repositories import STALE_SECONDS, Repository

OPEN_SECONDS = 0.1
"""How long a file may be written to and held open before its change is told all the same."""


class Gathering:
    """Collects what is to be told next.

    Args:
        stale_seconds: how long a lock of git's holds changes back when nothing else happens.
    """

    def __init__(self, *, stale_seconds: float = STALE_SECONDS) -> None:
        self._stale_seconds = stale_seconds
        self._loop = asyncio.get_running_loop()
        self._changed: set[tuple[str, str]] = set()
        """Keys and paths."""
        self._open: dict[str, tuple[float, Callable[[], None]]] = {}
        """Paths that are being written to: when they are told at the latest, and what tells them."""
        self._error: PytiltError | None = None
        self._ready = asyncio.Event()
        self._timers: dict[object, asyncio.TimerHandle] = {}

    def close(self) -> None:
        """Tell nothing any more."""
        for timer in self._timers.values():
            timer.cancel()

    async def items(self) -> AsyncIterator[Changes]:
        """What changed since the item before, without end."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            if self._error:
                error, self._error = self._error, None
                raise error
            if self._changed:
                yield self._take()

    def tell(self, interests: Iterable[Interest], path: str, repository: Repository | None) -> None:
        """A path changed."""
        self._open.pop(path, None)
        target = self._changed
        if repository and repository.locked:
            target = repository.held
            repository.active_at = self._loop.time()
        target.update((key, path) for interest in interests for key in interest.keys)
        self._wake()

    def tell_when_closed(self, path: str, tell: Callable[[], None]) -> None:
        """A path is being written to: it will be told when it is closed, or after a while."""
        self._open.setdefault(path, (self._loop.time() + OPEN_SECONDS, tell))
        self._watch_open()

    def is_open(self, path: str) -> bool:
        """Is a path being written to?"""
        return path in self._open

    def hold(self, repository: Repository) -> None:
        """Git works: hold its changes back until it is done."""
        repository.locked = True
        repository.active_at = self._loop.time()
        self._watch_lock(repository, self._stale_seconds)

    def release(self, repository: Repository) -> None:
        """Git is done: tell what was held."""
        repository.locked = repository.releasing = False
        if timer := self._timers.pop(repository, None):
            timer.cancel()
        self._changed |= repository.take()
        self._wake()

    def fail(self, error: PytiltError) -> None:
        """Have the reader know that something is not watched."""
        self._error = error
        self._ready.set()

    def keep(self, keys: Iterable[str]) -> None:
        """Drop what is for other keys."""
        kept = set(keys)
        self._changed = {(key, path) for key, path in self._changed if key in kept}

    def _wake(self) -> None:
        if self._changed:
            self._ready.set()

    def _take(self) -> Changes:
        item: dict[str, set[str]] = {}
        for key, path in self._changed:
            item.setdefault(key, set()).add(path)
        self._changed.clear()
        return {key: frozenset(paths) for key, paths in item.items()}

    def _watch_open(self) -> None:
        if self._open and _OPEN not in self._timers:
            due, _ = next(iter(self._open.values()))
            self._timers[_OPEN] = self._loop.call_at(due, self._tell_open)

    def _tell_open(self) -> None:
        del self._timers[_OPEN]
        now = self._loop.time()
        for path, (due, tell) in tuple(self._open.items()):
            if due <= now:
                del self._open[path]
                tell()
        self._watch_open()

    def _watch_lock(self, repository: Repository, seconds: float) -> None:
        if timer := self._timers.pop(repository, None):
            timer.cancel()
        self._timers[repository] = self._loop.call_later(seconds, self._look_at_lock, repository)

    def _look_at_lock(self, repository: Repository) -> None:
        left = repository.active_at + self._stale_seconds - self._loop.time()
        if left > 0:
            self._watch_lock(repository, left)
        else:
            self.release(repository)


_OPEN = object()
