"""Changes on their way to the reader: merged, held while git works, or until it is seen what becomes of an entry.

A change of an entry that was there before is emitted at once. One that appears or vanishes may be a step of something
larger, such as a temporary file about to take another's name, a file renamed to a backup, a directory being filled:
it is emitted when nothing more of the kind happens, and not at all when it is undone before.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable

from pytilt.host.files.contract import Changes
from pytilt.host.files.interests import Interest
from pytilt.host.files.repositories import STALE_SECONDS, Repository

OPEN_SECONDS = 0.2
"""A file that is held open is emitted all the same when nothing more is written to it for this long."""

EMPTY_SECONDS = 1.0
"""The same for one that is empty: whoever has truncated it is about to write."""

WRITTEN_SECONDS = 2.0
"""A file that is written to without a pause is emitted after this long."""

SETTLE_SECONDS = 0.05
"""Entries that appeared or vanished are emitted when no other has done so for this long."""

UNSETTLED_SECONDS = 1.0
"""Emitted after this long even if more of them come and go."""

RECENT_SECONDS = 10.0
"""Within this time the reader looks at what was emitted, and sees what is there by then."""

COMMITS_SECONDS = 0.2
"""While git applies several commits, what was held is emitted when no other lock has followed for this long."""

HELD_SECONDS = 60.0
"""Emitted after this long even if the lock stays and files go on changing."""

FLUSH_SECONDS = 20.0
"""Git may hold changes back for so long while somebody waits to know them; clients wait half a minute for an answer."""


class _Written:
    """A file that is being written to."""

    def __init__(self, now: float, emit: Callable[[], None]) -> None:
        self.since = now
        self.latest = now
        """When it was written to last."""
        self.emit = emit

    def due(self, path: str, now: float) -> float:
        """When it is emitted, if nobody closes it and nothing more is written."""
        due = self.latest + OPEN_SECONDS
        if due <= now < self.latest + EMPTY_SECONDS and _is_empty(path):
            due = self.latest + EMPTY_SECONDS
        return min(due, self.since + WRITTEN_SECONDS)


class _Unsettled:
    """An entry that appeared or vanished, of which nobody knows yet."""

    def __init__(self, *, fresh: bool, forgettable: bool) -> None:
        self.fresh = fresh
        """It appeared; else it vanished."""
        self.created = fresh
        """It was not there before."""
        self.forgettable = forgettable
        """It was seen to appear, and nobody can know of it: when it vanishes, nothing has happened."""
        self.emits: list[Callable[[], None]] = []
        self.seen = 0.0
        """When its first event was read."""


class Gathering:
    """Collects what is to be emitted next.

    Args:
        stale_seconds: how long a lock of git's holds changes back when nothing else happens.
        flush_seconds: how long it does when somebody asks what has changed.
        busy: are directories being walked, so that more entries may be found?
    """

    def __init__(
        self,
        *,
        stale_seconds: float = STALE_SECONDS,
        flush_seconds: float = FLUSH_SECONDS,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stale_seconds = stale_seconds
        self._flush_seconds = flush_seconds
        self._busy = busy
        self._loop = asyncio.get_running_loop()
        self._changed: set[tuple[str, str]] = set()
        """Keys and paths."""
        self._created: set[str] = set()
        """Those of the paths that were not there before."""
        self._recent: set[str] = set()
        """Paths that were emitted since `_recent_since`."""
        self._earlier: set[str] = set()
        """Those that were emitted in the `RECENT_SECONDS` before."""
        self._recent_since = 0.0
        self._seen = 0.0
        """When the first event of those was read; 0 while there is none."""
        self._open: dict[str, _Written] = {}
        """Paths that are being written to."""
        self._unsettled: dict[str, _Unsettled] = {}
        self._unsettled_since = 0.0
        self._settled_at = 0.0
        self._warning = ""
        self._ready = asyncio.Event()
        self._idle = asyncio.Event()
        """The reader has dealt with everything and waits for more."""
        self._timers: dict[object, asyncio.TimerHandle] = {}
        self._locked: set[Repository] = set()
        self._released = asyncio.Event()
        self._held: set[str] = set()
        """The keys of which git holds changes."""
        self._emitted: frozenset[str] = frozenset()
        """Those of which the reader knows."""

    def close(self) -> None:
        """Emit nothing any more."""
        for timer in self._timers.values():
            timer.cancel()

    async def items(self) -> AsyncIterator[Changes]:
        """What changed since the item before, without end."""
        while True:
            if not self._ready.is_set():
                self._idle.set()
            await self._ready.wait()
            self._ready.clear()
            self._idle.clear()
            if self._changed or self._warning or self._held != self._emitted:
                yield self._take()

    async def drained(self) -> None:
        """Wait until the reader has dealt with all that is known.

        What has not settled and what is still being written is emitted now; what git holds back is waited for.
        """
        await self._let_go()
        self._emit_unsettled()
        for path in tuple(self._open):
            self._emit_written(path)
        await self.taken()

    @property
    def idle(self) -> bool:
        """Has the reader dealt with all that is complete?"""
        return not self._changed and self._idle.is_set()

    async def taken(self) -> None:
        """Wait until the reader has dealt with all that is complete."""
        while not self.idle:
            if self._changed:
                self._idle.clear()
            await self._idle.wait()

    def emit(self, interests: Iterable[Interest], path: str, repository: Repository | None) -> None:
        """A path changed."""
        opened = self._open.pop(path, None)
        if (unsettled := self._unsettled.get(path)) and unsettled.fresh:
            self._settle_later()
            return
        self._unsettled.pop(path, None)
        target, now = self._changed, self._loop.time()
        found = {(key, path) for interest in interests for key in interest.keys}
        if repository and repository.locked:
            target = repository.held
            repository.active_at = now
            self._held.update(key for key, _ in found)
        target |= found
        self._remember([path])
        if self._changed:
            self._see(unsettled.seen if unsettled else opened.since if opened else now)
        self._wake()

    def appear(self, path: str, emit: Callable[[], None], repository: Repository | None, *, forgettable: bool) -> bool:
        """An entry is there that was not known.

        Args:
            path: of the entry.
            emit: called once it is clear that it stays.
            repository: in which it is.
            forgettable: it was seen to appear, and nothing below it can be known: it is a file.

        Returns:
            False if it was known after all or git is at work: it may be emitted at once.
        """
        if repository and repository.locked:
            return False
        unsettled = self._unsettled.get(path)
        if unsettled and not unsettled.fresh and not unsettled.created:
            del self._unsettled[path]
            return False
        if unsettled:
            unsettled.fresh = True
        unknown = forgettable and path not in self._recent and path not in self._earlier
        self._add_unsettled(path, emit, fresh=True, forgettable=unknown)
        return True

    def vanish(self, path: str, emit: Callable[[], None], repository: Repository | None) -> None:
        """An entry is gone; one that was never emitted is forgotten."""
        self._open.pop(path, None)
        if (unsettled := self._unsettled.get(path)) and unsettled.fresh:
            if unsettled.forgettable:
                del self._unsettled[path]
            unsettled.fresh = False
            self._settle_later()
        elif repository and repository.locked:
            emit()
        else:
            self._add_unsettled(path, emit, fresh=False)

    def emit_when_closed(self, path: str, emit: Callable[[], None]) -> None:
        """A path is being written to: it is emitted when it is closed, or after a while."""
        now = self._loop.time()
        self._open.setdefault(path, _Written(now, emit)).latest = now
        self._watch_open(now + OPEN_SECONDS)

    def is_open(self, path: str) -> bool:
        """Is a path being written to?"""
        return path in self._open

    def hold(self, repository: Repository) -> None:
        """Git works: hold its changes back until it is done."""
        repository.active_at = self._loop.time()
        if not repository.locked:
            repository.locked = True
            repository.locked_at = repository.active_at
            self._locked.add(repository)
        self._look_at_lock(repository)

    def release(self, repository: Repository) -> None:
        """Git's lock is gone: emit what was held, amid several commits a moment later if no other lock follows."""
        repository.releasing = False
        if repository.held and repository.is_amid_commits:
            self._set_timer(repository, COMMITS_SECONDS, self._release_unless_busy)
        else:
            self._release(repository)

    def _release_unless_busy(self, repository: Repository) -> None:
        if self._busy():
            self._set_timer(repository, SETTLE_SECONDS, self._release_unless_busy)
        else:
            self._release(repository)

    def _release(self, repository: Repository) -> None:
        if timer := self._timers.pop(repository, None):
            timer.cancel()
        repository.locked = False
        self._locked.discard(repository)
        self._released.set()
        if held := repository.take():
            self._see(self._loop.time())
            self._changed |= held
            self._remember(path for _, path in held)
            self._held = {key for each in self._locked for key, _ in each.held}
        self._wake()

    def warn(self, warning: str) -> None:
        """Have the reader know that something is not watched as it should be."""
        self._warning = f"{self._warning}\n{warning}" if self._warning else warning
        self._ready.set()

    def keep(self, keys: Iterable[str]) -> None:
        """Drop what is for other keys."""
        kept = set(keys)
        self._changed = {(key, path) for key, path in self._changed if key in kept}
        for repository in self._locked:
            repository.held = {(key, path) for key, path in repository.held if key in kept}
        self._held &= kept
        self._wake()

    def _wake(self) -> None:
        if self._changed or self._held != self._emitted:
            self._ready.set()

    def _see(self, moment: float) -> None:
        """An event of what is to be emitted next was read at this moment."""
        self._seen = min(self._seen or moment, moment)

    def _remember(self, paths: Iterable[str]) -> None:
        """The reader looks at these paths soon: what appears there meanwhile, it sees before it is emitted."""
        now = self._loop.time()
        if now - self._recent_since >= RECENT_SECONDS:
            self._earlier = self._recent if now - self._recent_since < 2 * RECENT_SECONDS else set()
            self._recent, self._recent_since = set(), now
        self._recent.update(paths)

    def _take(self) -> Changes:
        item: dict[str, set[str]] = {}
        for key, path in self._changed:
            item.setdefault(key, set()).add(path)
        self._changed.clear()
        created, self._created = frozenset(self._created), set()
        warning, self._warning = self._warning, ""
        seen, self._seen = self._seen, 0.0
        self._emitted = frozenset(self._held)
        return Changes({key: frozenset(paths) for key, paths in item.items()}, created, warning, seen, self._emitted)

    # Entries that appear and vanish

    def _add_unsettled(self, path: str, emit: Callable[[], None], *, fresh: bool, forgettable: bool = False) -> None:
        if not self._unsettled:
            self._unsettled_since = self._loop.time()
        unsettled = self._unsettled.setdefault(path, _Unsettled(fresh=fresh, forgettable=forgettable))
        unsettled.emits.append(emit)
        unsettled.seen = unsettled.seen or self._loop.time()
        self._settle_later()

    def _settle_later(self) -> None:
        self._settled_at = self._loop.time() + SETTLE_SECONDS
        if _UNSETTLED not in self._timers:
            self._timers[_UNSETTLED] = self._loop.call_at(self._settled_at, self._settle)

    def _settle(self) -> None:
        del self._timers[_UNSETTLED]
        now, latest = self._loop.time(), self._unsettled_since + UNSETTLED_SECONDS
        if self._busy() or not self._unsettled.keys().isdisjoint(self._open):
            self._settled_at = now + SETTLE_SECONDS
        if self._unsettled and now < min(self._settled_at, latest):
            self._timers[_UNSETTLED] = self._loop.call_at(min(self._settled_at, latest), self._settle)
        else:
            self._emit_unsettled()

    def _emit_unsettled(self) -> None:
        unsettled, self._unsettled = self._unsettled, {}
        for path, each in unsettled.items():
            if each.created:
                self._created.add(path)
            for emit in each.emits:
                emit()
            if self._changed:
                self._see(each.seen)

    # Files that are held open

    def _watch_open(self, due: float) -> None:
        if _OPEN not in self._timers:
            self._timers[_OPEN] = self._loop.call_at(due, self._emit_open)

    def _emit_written(self, path: str) -> None:
        if written := self._open.get(path):
            written.emit()
            self._open.pop(path, None)

    def _emit_open(self) -> None:
        del self._timers[_OPEN]
        now = self._loop.time()
        for path, written in tuple(self._open.items()):
            if path in self._unsettled:  # it has more time
                written.latest = now
            elif written.due(path, now) <= now:
                self._emit_written(path)
        if self._open:
            self._watch_open(min(written.due(path, now) for path, written in self._open.items()))

    # Locks of git's

    async def _let_go(self) -> None:
        """Wait until git holds no change back any more."""
        try:
            async with asyncio.timeout(self._flush_seconds):
                while any(repository.held for repository in self._locked):
                    self._released.clear()
                    await self._released.wait()
        except TimeoutError:
            for repository in tuple(self._locked):
                self._give_up(repository)

    def _look_at_lock(self, repository: Repository) -> None:
        """Emit what was held if the lock has been there for too long; else look again when it will have been."""
        due = min(repository.active_at + self._stale_seconds, repository.locked_at + HELD_SECONDS)
        if due > self._loop.time():
            self._set_timer(repository, due - self._loop.time(), self._look_at_lock)
        else:
            self._give_up(repository)

    def _give_up(self, repository: Repository) -> None:
        """Do not wait for git any more."""
        if repository.held:
            seconds = self._loop.time() - repository.locked_at
            self.warn(
                f"{repository.lock} has been there for {seconds:.0f} s: "
                "what changed meanwhile is updated all the same. If no git is at work, remove that file."
            )
        self._release(repository)

    def _set_timer(self, repository: Repository, seconds: float, end: Callable[[Repository], None]) -> None:
        if timer := self._timers.pop(repository, None):
            timer.cancel()
        self._timers[repository] = self._loop.call_later(seconds, end, repository)


def _is_empty(path: str) -> bool:
    try:
        return os.stat(path, follow_symlinks=False).st_size == 0  # noqa: PTH116 - a save waits for this
    except OSError:
        return False


_OPEN = object()
_UNSETTLED = object()
