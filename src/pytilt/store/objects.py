"""The store of objects: snapshots to read, puts to write, watches that hand out the latest."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.structs import force_setattr, replace

from pytilt.model.base import Value
from pytilt.model.kinds import STORED
from pytilt.model.stored import Object
from pytilt.model.times import just_after, precise, precise_now

O = TypeVar("O", bound=Object)  # noqa: E741 - the object's own type, all over this module

Clock = Callable[[], datetime]

Aspect = Callable[[Any], object]
"""What somebody reads of an object, to be compared: a resource changes several times in an update, and few read all."""


def utc_now() -> datetime:
    """The time of the wall clock."""
    return datetime.now(UTC)


class Snapshot:
    """The state at one moment. It never changes; two reads of it agree."""

    def __init__(self, objects: Mapping[type[Object], Mapping[str, Any]], version: int) -> None:
        self._objects = objects
        self.version = version
        """Version of the newest write in it."""

    def reads(self, objects: Mapping[type[Object], Mapping[str, Any]], kind: type[Object] | None = None) -> bool:
        """Does it read these very mappings, or the one of a kind among them?"""
        return self._objects is objects if kind is None else self._objects[kind] is objects[kind]

    def get(self, kind: type[O], name: str) -> O | None:
        """The object of this kind and name, or None."""
        found: O | None = self._objects[kind].get(name)
        return found

    def all(self, kind: type[O]) -> tuple[O, ...]:
        """Every object of a kind, in the order in which they were first put."""
        return tuple(self._objects[kind].values())

    def named(self, kind: type[O]) -> Mapping[str, O]:
        """Every object of a kind by its name."""
        return _Named(self, self._objects[kind])


class _Named(Mapping[str, Any]):
    """The objects of a kind in a snapshot, which does not change as long as somebody reads this."""

    def __init__(self, snapshot: Snapshot, objects: Mapping[str, Any]) -> None:
        self._snapshot = snapshot
        self._objects = objects

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - it is of the kind that was asked for
        return self._objects[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)


class Changed(Value):
    """One item of a watch: what changed since the item before."""

    kinds: frozenset[type[Object]]
    names: frozenset[tuple[type[Object], str]]


class _Subscription:
    def __init__(self, kinds: frozenset[type[Object]], aspects: Mapping[type[Object], Aspect]) -> None:
        self.kinds = kinds
        self._aspects = aspects
        self.event = asyncio.Event()
        self.pending: set[tuple[type[Object], str]] = set()

    def notify(self, key: tuple[type[Object], str], before: Object | None, after: Object | None) -> None:
        if key in self.pending:
            return
        aspect = self._aspects.get(key[0])
        if aspect is not None and before is not None and after is not None and aspect(before) == aspect(after):
            return
        if not self.pending:
            self.event.set()
        self.pending.add(key)

    def take(self) -> frozenset[tuple[type[Object], str]]:
        self.event.clear()
        taken, self.pending = frozenset(self.pending), set()
        return taken


class Store:
    """The one state of a session. Everything that runs in the session's event loop may read it.

    Args:
        clock: returns the time that objects carry; None: that of the wall clock.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._now = ""
        """The last time that was given."""
        self._objects: dict[type[Object], dict[str, Any]] = {kind: {} for kind in STORED}
        self._version = 0
        self._watches: dict[type[Object], list[_Subscription]] = {kind: [] for kind in STORED}
        self._snapshots: list[weakref.ref[Snapshot]] = []
        """Those that somebody may still read: a mapping that one of them shares is replaced, never changed. Most are
        read at once and dropped: to copy a mapping for each of them would make every write cost more, the more objects
        there are."""

    def snapshot(self) -> Snapshot:
        """The state now. Costs next to nothing: what is written later is written elsewhere, as long as it is read."""
        while self._snapshots:
            newest = self._snapshots[-1]()
            if newest is None:
                self._snapshots.pop()
            elif newest.version == self._version:
                return newest
            else:
                break
        taken = Snapshot(self._objects, self._version)
        self._snapshots.append(weakref.ref(taken))
        return taken

    def get(self, kind: type[O], name: str) -> O | None:
        """The object of this kind and name, or None."""
        found: O | None = self._objects[kind].get(name)
        return found

    def put(self, wanted: O) -> O:
        """Write an object; the same object again is no change.

        Returns:
            The object as it is in the store, with its version and time of creation.
        """
        kind = type(wanted)
        before: O | None = self._objects[kind].get(wanted.name)
        created = before.created_at if before else self.now()
        stored = replace(wanted, version=before.version if before else 0, created_at=created)
        if before == stored:
            return before
        self._version += 1
        force_setattr(stored, "version", self._version)  # nobody has seen it yet
        self._own(kind)[wanted.name] = stored
        self._notify(kind, wanted.name, before, stored)
        return stored

    def change(self, kind: type[O], name: str, edit: Callable[[O], O]) -> O | None:
        """Write what `edit` makes of the present object; None when there is no such object."""
        before = self.get(kind, name)
        return None if before is None else self.put(edit(before))

    def delete(self, kind: type[Object], name: str) -> None:
        """Remove an object; one that is not there is no error."""
        if name in self._objects[kind]:
            self._version += 1
            before = self._own(kind).pop(name)
            self._notify(kind, name, before, None)

    async def watch(
        self, *kinds: type[Object], aspects: Mapping[type[Object], Aspect] | None = None
    ) -> AsyncIterator[Changed]:
        """Yield changes: at once everything that is there, then whenever something changed.

        A slow reader gets one item for all that happened meanwhile.

        Args:
            kinds: what to watch; none means every kind.
            aspects: kinds of which an object counts as changed only if this is another than before.
        """
        with self._watching(frozenset(kinds or STORED), aspects or {}) as watch:
            for kind in watch.kinds:
                watch.pending.update((kind, name) for name in self._objects[kind])
            watch.event.set()
            while True:
                await watch.event.wait()
                names = watch.take()
                yield Changed(kinds=frozenset(kind for kind, _ in names), names=names)

    def now(self) -> str:
        """The time, RFC 3339 with microseconds, as objects carry it; it goes on where somebody sets the clock back."""
        found = precise_now() if self._clock is None else precise(self._clock())
        self._now = just_after(self._now) if found < self._now else found
        return self._now

    @contextmanager
    def _watching(
        self, kinds: frozenset[type[Object]], aspects: Mapping[type[Object], Aspect]
    ) -> Iterator[_Subscription]:
        watch = _Subscription(kinds, aspects)
        for kind in kinds:
            self._watches[kind].append(watch)
        try:
            yield watch
        finally:
            for kind in kinds:
                self._watches[kind].remove(watch)

    def _own(self, kind: type[Object]) -> dict[str, Any]:
        """The mapping of a kind, to be changed."""
        if self._snapshots:
            read, shares, is_newest = [], False, False
            for ref in self._snapshots:
                snapshot = ref()
                if snapshot is not None:
                    read.append(ref)
                    shares = shares or snapshot.reads(self._objects, kind)
                    is_newest = is_newest or snapshot.reads(self._objects)
            self._snapshots = read
            if is_newest:
                self._objects = dict(self._objects)
            if shares:
                self._objects[kind] = dict(self._objects[kind])
        return self._objects[kind]

    def _notify(self, kind: type[Object], name: str, before: Object | None, after: Object | None) -> None:
        key = (kind, name)
        for watch in self._watches[kind]:
            watch.notify(key, before, after)
