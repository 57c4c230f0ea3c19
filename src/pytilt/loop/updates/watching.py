"""Watched files: what the watcher of this machine reports becomes the status of `FileWatch` objects."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from operator import itemgetter
from typing import NamedTuple

from msgspec.structs import replace

from pytilt.host.files import ABSENT, Changes, Watcher, is_small
from pytilt.host.ignoring import EDITOR_PATTERNS
from pytilt.loop.planning import freshness
from pytilt.model.files import FileRule, Ignore
from pytilt.model.logs import Level, Log
from pytilt.model.objects import FileWatch
from pytilt.model.resources import Declaration
from pytilt.model.stored import TILTFILE_OWNER, Owner
from pytilt.store.objects import Store

_INLINE_FILES = 64
"""So many small files are read on the event loop: handing them to a thread would take longer."""

MOMENTS = 1000
"""Changes of which it is remembered when they were seen."""

EDITORS = Ignore(base="/", patterns=EDITOR_PATTERNS)


def that_matter(files: FileRule, declaration: Declaration) -> FileRule:
    """The files without those that matter nowhere: what the whole Tiltfile ignores, and what editors write."""
    return replace(files, ignores=(*files.ignores, *declaration.ignores, EDITORS))


class Moment(NamedTuple):
    """When a change came, by the monotonic clock."""

    seen: float
    """Its first event was read."""
    known: float
    """It was noted that the content is another."""


class Observation:
    """What changed while somebody took note."""

    def __init__(self, watches: frozenset[str]) -> None:
        self.watches = watches
        self.contents: dict[str, bytes | None] = {}
        """What was at each path before; None where nobody had looked."""
        self.sequences: dict[tuple[str, str], int] = {}
        """For watch and path the sequence of the change before; 0 for none."""


class Watching:
    """Writes every `FileWatch`: the only source of the sequence numbers of changes.

    Args:
        store: the session's objects.
        watcher: watches the files of this machine.
        log: takes what the user should know about how files are watched.
        unwatched: what matters to nobody, whatever the Tiltfile says.
    """

    def __init__(
        self, store: Store, watcher: Watcher, log: Log | None = None, unwatched: tuple[Ignore, ...] = ()
    ) -> None:
        self._unwatched = unwatched
        self._store = store
        self._watcher = watcher
        self._log = log
        self._declaring = asyncio.Lock()
        """Held while watches are declared: by one owner at a time."""
        self._sequence = 0
        self._moments: dict[int, Moment] = {}
        self._taken: dict[str, int] = {}
        self._contents: dict[str, bytes] = {}
        """What was at each path that changed, when it was looked at last."""
        self._observations: list[Observation] = []
        self._group: asyncio.TaskGroup | None = None
        self._reading: set[str] = set()
        """Paths that are being read in a thread."""
        self._again: dict[str, frozenset[str]] = {}
        """What changed of them meanwhile, by watch."""
        self._read_all = asyncio.Event()
        self._read_all.set()
        self._held: frozenset[str] = frozenset()
        """The watches of which the watcher holds changes back."""
        self._written: frozenset[str] = frozenset()
        """Those whose status says so."""

    async def declare(self, rules: Mapping[str, Sequence[FileRule]], owner: Owner = TILTFILE_OWNER) -> None:
        """Watch exactly this for an owner; on return no later change is missed.

        Args:
            rules: name of the watch -> what it watches. A known watch keeps what it has seen.
            owner: who declares; the watches of others stay.
        """
        async with self._declaring:
            present = self._store.snapshot().all(FileWatch)
            others = {watch.name: watch.rules for watch in present if watch.owner != owner}
            await self._watcher.update({name: self._watched(each) for name, each in {**others, **rules}.items()})
            for gone in {watch.name for watch in present if watch.owner == owner} - rules.keys():
                self._store.delete(FileWatch, gone)
            for name, wanted in rules.items():
                before = self._store.get(FileWatch, name) or FileWatch(name=name)
                self._store.put(replace(before, rules=tuple(wanted), owner=owner))

    def _watched(self, rules: Sequence[FileRule]) -> Sequence[FileRule]:
        if not self._unwatched:
            return rules
        return tuple(replace(rule, ignores=(*rule.ignores, *self._unwatched)) for rule in rules)

    async def run(self) -> None:
        """Record changes as they come, without end. What was written anew with the content it had is no change."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            async for changes in self._watcher.changes():
                if changes.warning and self._log:
                    self._log(f"{changes.warning}\n", level=Level.WARN)
                self._compare(changes)
                self._hold(changes.held)

    async def compare(self, paths: Mapping[str, frozenset[str]]) -> None:
        """Look at files that may have changed without an event; return when it is known."""
        self._compare(Changes(paths))
        await self._read_all.wait()

    async def caught_up(self) -> None:
        """Wait until every change up to this moment is known."""
        await self._watcher.flush()
        await self._read_all.wait()

    def read(self) -> bool:
        """Read what the system reports; returns whether every change that is complete by now is known."""
        return self._watcher.read() and self._read_all.is_set()

    async def known(self) -> None:
        """Wait until every change is known that was read."""
        await self._watcher.taken()
        await self._read_all.wait()

    @contextmanager
    def observe(self, watches: Iterable[str]) -> Iterator[Observation]:
        """Take note of what changes in some watches for as long as the block lasts."""
        observation = Observation(frozenset(watches))
        self._observations.append(observation)
        try:
            yield observation
        finally:
            self._observations.remove(observation)

    def content(self, path: str) -> bytes | None:
        """What was last seen at a path; None if nobody has looked yet."""
        return self._contents.get(path)

    def restore(self, observation: Observation, paths: Iterable[str]) -> None:
        """Take back that these files changed: they are what they were before."""
        restored = set(paths)
        for name in observation.watches:
            before = {path: sequence for (watch, path), sequence in observation.sequences.items() if watch == name}
            watch = self._store.get(FileWatch, name)
            if watch is not None and not restored.isdisjoint(before):
                kept = {path: number for path, number in watch.status.changes.items() if path not in restored}
                kept |= {path: before[path] for path in restored if before.get(path)}
                oldest_first = dict(sorted(kept.items(), key=itemgetter(1)))
                self._store.put(replace(watch, status=replace(watch.status, changes=oldest_first)))

    def _compare(self, changes: Changes) -> None:
        """Return which of these files have another content; large ones, and many, are read in a thread."""
        paths = set().union(*changes.paths.values())
        waiting = paths & self._reading
        for key, each in changes.paths.items():
            if again := each & waiting:
                self._again[key] = self._again.get(key, frozenset()) | again
        paths -= waiting
        small = {path for path in paths if is_small(path)} if len(paths) <= _INLINE_FILES else set()
        if small:
            self._note(changes, {path: self._watcher.fingerprint(path) for path in small})
        if large := paths - small:
            assert self._group is not None  # changes come while `run` does
            self._reading |= large
            self._read_all.clear()
            self._group.create_task(self._read(changes, large), name="read what changed")

    async def _read(self, changes: Changes, paths: AbstractSet[str]) -> None:
        found = await asyncio.to_thread(lambda: {path: self._watcher.fingerprint(path) for path in paths})
        self._reading -= paths
        self._note(changes, found)
        again = {key: each & paths for key, each in self._again.items()}
        self._again = {key: rest for key, each in self._again.items() if (rest := each - paths)}
        if any(again.values()):
            self._compare(Changes(again))
        if not self._reading:
            self._read_all.set()
            self._hold(self._held)

    def _hold(self, held: frozenset[str]) -> None:
        """Have the watches say of which of them changes are held back; what was held is known once it is read."""
        self._held = held
        before = self._written
        self._written = held | before if self._reading else held
        for name in before ^ self._written:
            watch = self._store.get(FileWatch, name)
            if watch is not None:
                self._store.put(replace(watch, status=replace(watch.status, held=name in self._written)))

    def _note(self, changes: Changes, contents: Mapping[str, bytes]) -> None:
        changed = set()
        for path, content in contents.items():
            before = self._contents.get(path, ABSENT if path in changes.created else None)
            self._contents[path] = content
            if content != before:
                changed.add(path)
                self._observe(changes, path, before)
        relevant = {key: found for key, paths in changes.paths.items() if (found := paths & changed)}
        if relevant:
            self.record(relevant, seen=changes.seen)

    def _observe(self, changes: Changes, path: str, before: bytes | None) -> None:
        for observation in self._observations:
            for name in observation.watches:
                if path in changes.paths.get(name, ()):
                    watch = self._store.get(FileWatch, name)
                    observation.contents.setdefault(path, before)
                    sequence = watch.status.changes.get(path, 0) if watch else 0
                    observation.sequences.setdefault((name, path), sequence)

    def record(self, batch: Mapping[str, frozenset[str]], *, seen: float = 0.0) -> None:
        """Note that these files changed, all at one moment.

        Args:
            batch: for each watch the files.
            seen: when the first event of them was read, by the monotonic clock; 0: just now.
        """
        self._sequence += 1
        now = time.monotonic()
        self._moments[self._sequence] = Moment(seen or now, now)
        self._moments.pop(self._sequence - MOMENTS, None)
        state = self._store.snapshot()
        for name, paths in batch.items():
            watch = state.get(FileWatch, name)
            if watch is not None:
                above = max(freshness.consumed(state, name), self._taken.get(name, 0))
                self._store.put(_with(watch, paths, self._sequence, above=above))

    def taken(self, name: str, sequence: int) -> None:
        """Note that the one consumer of a watch, which keeps no status that says so, has all changes up to this one."""
        self._taken[name] = sequence

    def moment(self, sequence: int) -> Moment | None:
        """When a change came; None of one that there was not, or long ago."""
        return self._moments.get(sequence)

    def next_sequence(self) -> int:
        """A number greater than that of every change so far, and no greater than that of the next."""
        return self._sequence + 1

    @property
    def sequence(self) -> int:
        """The number of the newest change."""
        return max(self._sequence, freshness.latest(self._store.snapshot()))


def _with(watch: FileWatch, changed: AbstractSet[str], sequence: int, *, above: int) -> FileWatch:
    """The watch with a new change of some files, and without the old ones up to `above`, which nobody needs."""
    changes = dict(watch.status.changes)
    for path, number in watch.status.changes.items():
        if number > above:
            break
        del changes[path]
    for path in changed:
        changes.pop(path, None)  # what changed last comes last
        changes[path] = sequence
    return replace(watch, status=replace(watch.status, changes=changes, latest=sequence))
