"""Kubernetes Events: what happened to an object, for people."""

import time
from collections.abc import Callable

from pytilt.engines.objects.fields import Key, digest, uid_of
from pytilt.engines.objects.store import ObjectStore
from pytilt.model.resources import KubeObject
from pytilt.model.times import rfc3339

LIMIT = 500
"""Events that are kept; the oldest go first."""


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
        while len(self._keys) > LIMIT:
            oldest = next(iter(self._keys))
            del self._keys[oldest]
            self._store.remove(oldest)
