"""The objects of a project in memory, watches of them and the Events about them; `record` keeps them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from pytilt.cluster.seam import Change, ChangeType
from pytilt.engines.objects.fields import Key, digest, is_deleting, key_of, new_uid, owner_of, uid_of
from pytilt.engines.objects.kinds import CLUSTER_SCOPED
from pytilt.model.resources import KubeObject
from pytilt.model.times import rfc3339

EVENT_LIMIT = 500
"""Events that are kept; the oldest go first."""

Listener = Callable[[Change], None]


class ObjectStore:
    """Objects by key. They are never changed in place: a changed one is a new mapping.

    Args:
        clock: returns the Unix time.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._objects: dict[Key, KubeObject] = {}
        self._listeners: list[Listener] = []
        self._clock = clock
        self._version = 0

    def get(self, kind: str, namespace: str, name: str) -> KubeObject | None:
        """The object, or None."""
        return self._objects.get(Key(kind, "" if kind in CLUSTER_SCOPED else namespace, name))

    def all(self, kind: str = "", namespace: str = "") -> list[KubeObject]:
        """The objects of a kind, oldest first; without arguments all of them."""
        return [
            obj
            for key, obj in self._objects.items()
            if (not kind or key.kind == kind) and (not namespace or key.namespace == namespace)
        ]

    def owned(self, owner: KubeObject, kind: str) -> list[KubeObject]:
        """The objects of a kind that the owner controls."""
        wanted = uid_of(owner)
        found = self.all(kind, owner["metadata"].get("namespace", ""))
        return [obj for obj in found if (reference := owner_of(obj)) and reference["uid"] == wanted]

    def put(self, obj: KubeObject) -> KubeObject:
        """Store an object, new or changed; returns it as stored. An equal one changes nothing."""
        key = key_of(obj)
        before = self._objects.get(key)
        if before is not None and _bare(before) == _bare(obj):
            return before
        self._version += 1
        same: KubeObject = before["metadata"] if before is not None else {}
        metadata = {
            **obj["metadata"],
            "uid": obj["metadata"].get("uid") or same.get("uid") or new_uid(),
            "creationTimestamp": obj["metadata"].get("creationTimestamp")
            or same.get("creationTimestamp")
            or rfc3339(self._clock()),
            "resourceVersion": str(self._version),
        }
        spec_changed = before is None or before.get("spec") != obj.get("spec")
        metadata["generation"] = (before["metadata"].get("generation", 0) if before else 0) + spec_changed
        stored = {**obj, "metadata": metadata}
        self._objects[key] = stored
        self._notify(Change(type=ChangeType.MODIFIED if before else ChangeType.ADDED, object=stored))
        return stored

    def restore(self, obj: KubeObject) -> None:
        """Store an object as an earlier session left it."""
        self._version = max(self._version, int(obj["metadata"].get("resourceVersion") or 0))
        self._objects[key_of(obj)] = obj
        self._notify(Change(type=ChangeType.ADDED, object=obj))

    def set_status(self, key: Key, status: KubeObject) -> None:
        """Give an object its status; one that is gone is left alone."""
        obj = self._objects.get(key)
        if obj is not None:
            self.put({**obj, "status": status})

    def remove(self, key: Key) -> bool:
        """Forget an object; False if there was none."""
        obj = self._objects.pop(key, None)
        if obj is None:
            return False
        self._version += 1
        self._notify(Change(type=ChangeType.DELETED, object=obj))
        return True

    def delete(self, key: Key) -> bool:
        """Delete an object: a pod is marked and ends in its own time, everything else goes at once."""
        obj = self._objects.get(key)
        if obj is None:
            return False
        if key.kind != "Pod":
            return self.remove(key)
        if not is_deleting(obj):
            metadata = {**obj["metadata"], "deletionTimestamp": rfc3339(self._clock())}
            self.put({**obj, "metadata": metadata})
        return True

    def listen(self, listener: Listener) -> None:
        """Call the listener at every change, at once."""
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """Stop calling it."""
        self._listeners.remove(listener)

    async def watch(self, kind: str, namespace: str = "") -> AsyncIterator[Change]:
        """Yield the objects of a kind, then `LISTED`, then every change; a slow reader gets the latest of each."""
        waiting: dict[tuple[Key, str], Change] = {}
        news = asyncio.Event()

        def listener(change: Change) -> None:
            key = key_of(change.object)
            if key.kind == kind and (not namespace or key.namespace == namespace):
                slot = (key, uid_of(change.object))
                earlier = waiting.pop(slot, None)
                if earlier is not None and earlier.type is ChangeType.ADDED and change.type is ChangeType.MODIFIED:
                    change = Change(type=ChangeType.ADDED, object=change.object)
                waiting[slot] = change
                news.set()

        self._listeners.append(listener)
        try:
            for obj in self.all(kind, namespace):
                yield Change(type=ChangeType.ADDED, object=obj)
            yield Change(type=ChangeType.LISTED)
            while True:
                await news.wait()
                news.clear()
                while waiting:
                    yield waiting.pop(next(iter(waiting)))
        finally:
            self._listeners.remove(listener)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that depends on the objects."""
        news = asyncio.Event()

        def listener(_: Change) -> None:
            news.set()

        self._listeners.append(listener)
        try:
            while not holds():
                await news.wait()
                news.clear()
        finally:
            self._listeners.remove(listener)

    def _notify(self, change: Change) -> None:
        for listener in tuple(self._listeners):
            listener(change)


def _bare(obj: KubeObject) -> KubeObject:
    """The object without what the store itself writes."""
    own = ("uid", "creationTimestamp", "resourceVersion", "generation")
    return {**obj, "metadata": {name: value for name, value in obj["metadata"].items() if name not in own}}


class EventRecorder:
    """Writes Events into the store; the same one again only counts up.

    Args:
        store: where they go.
        clock: returns the Unix time.
    """

    def __init__(self, store: ObjectStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._keys: dict[Key, None] = {}

    def normal(self, about: KubeObject, reason: str, message: str) -> None:
        """Record what is as it should be."""
        self._write("Normal", about, reason, message)

    def warning(self, about: KubeObject, reason: str, message: str) -> None:
        """Record what people should see."""
        self._write("Warning", about, reason, message)

    def _write(self, kind: str, about: KubeObject, reason: str, message: str) -> None:
        metadata, now = about["metadata"], rfc3339(self._clock())
        namespace = metadata.get("namespace") or "default"
        name = f"{metadata['name']}.{digest([uid_of(about), reason, message], 16)}"
        key = Key("Event", namespace, name)
        before = self._store.get(*key)
        self._store.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": (before or {}).get("metadata") or {"name": name, "namespace": namespace},
                "involvedObject": {
                    "apiVersion": about["apiVersion"],
                    "kind": about["kind"],
                    "name": metadata["name"],
                    "namespace": metadata.get("namespace", ""),
                    "uid": uid_of(about),
                },
                "type": kind,
                "reason": reason,
                "message": message,
                "source": {"component": "engine"},
                "count": int((before or {}).get("count", 0)) + 1,
                "firstTimestamp": (before or {}).get("firstTimestamp", now),
                "lastTimestamp": now,
            }
        )
        self._keys.pop(key, None)
        self._keys[key] = None
        while len(self._keys) > EVENT_LIMIT:
            oldest = next(iter(self._keys))
            del self._keys[oldest]
            self._store.remove(oldest)
