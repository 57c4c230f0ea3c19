"""A stand-in for a cluster: objects in memory that tests change by hand."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from pytilt.cluster import objects
from pytilt.cluster.seam import Change, ChangeType, Notify
from pytilt.errors import ApplyError, ClusterUnreachableError, PytiltError
from pytilt.model.clusters import ClusterInfo, ObjectRef
from pytilt.model.resources import KubeObject

INFO = ClusterInfo(context="kind-fake", namespace="default", product="kind", version="v1.34.0", arch="amd64")
"""What a `FakeCluster` says of itself unless a test sets it."""

_NOT_NAMESPACED = {"Namespace", "Node", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "StorageClass"}
_Key = tuple[str, str, str, str]


class FakeCluster:
    """A `Cluster` in memory: it stores what is applied, and nothing happens by itself.

    Args:
        info: what it says of itself.
    """

    def __init__(self, info: ClusterInfo = INFO) -> None:
        self.answer = info
        """What `info` returns."""
        self.unreachable = ""
        """While not empty, everything but watches fails with this message."""
        self.failing: PytiltError | None = None
        """While set, everything fails with it, watches too."""
        self.applied: list[KubeObject] = []
        """What was applied, in order, as it was given."""
        self.prepared: list[KubeObject] = []
        """What was announced by `prepare`, in order."""
        self.deleted: list[ObjectRef] = []
        """What was deleted by `delete`, in order."""
        self._objects: dict[_Key, KubeObject] = {}
        self._watchers: set[_FakeWatch] = set()
        self._refusals: dict[str, PytiltError] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._version = 0
        self.answers = asyncio.Event()
        """While it is cleared, nobody learns what the cluster is."""
        self.answers.set()
        self._changed = asyncio.Event()
        self._removed = asyncio.Event()

    # The seam

    async def info(self) -> ClusterInfo:
        """Say what the test has set, once it lets questions be answered."""
        await self.answers.wait()
        self._answering()
        return self.answer

    async def prepare(self, objects: Sequence[KubeObject]) -> None:
        """Note what will be applied."""
        self.prepared += objects

    async def apply(
        self,
        wanted: KubeObject,
        *,
        timeout: float,  # noqa: ASYNC109 - as in the seam
        notify: Notify = lambda _: None,  # noqa: ARG002 - nothing is waited for here
    ) -> KubeObject:
        """Store the object; status and metadata of the one before are kept."""
        self._answering()
        self.applied.append(wanted)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        label = str(objects.ref(wanted))
        if gate := self._gates.get(label):
            try:
                await asyncio.wait_for(gate.wait(), timeout)
            except TimeoutError:
                raise ApplyError(f"{label}: timed out after {timeout:g} s") from None
        if error := self._refusals.get(label):
            raise error
        return self.put(wanted)

    async def delete(self, ref: ObjectRef, *, wait: bool = False) -> bool:
        """Remove the object; one with finalizers is being deleted until `remove` is called."""
        self._answering()
        self.deleted.append(ref)
        key = self._key(ref)
        old = self._objects.get(key)
        if old is None or not objects.metadata(old).get("finalizers"):
            return self.remove(ref)
        self.put({**old, "metadata": {**objects.metadata(old), "deletionTimestamp": "2026-01-01T01:00:00Z"}})
        while wait and key in self._objects:
            await self._removed.wait()
        return True

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The stored object."""
        self._answering()
        return self._objects.get(self._key(ref))

    async def watch(self, api_version: str, kind: str, *, namespace: str = "") -> AsyncGenerator[Change, None]:
        """Yield what is stored, then what the test or an apply changes."""
        if self.failing is not None:
            raise self.failing
        watcher = _FakeWatch(objects.group(api_version), kind, namespace)
        self._watchers.add(watcher)
        self._list(watcher)
        try:
            while True:
                yield await watcher.queue.get()
        finally:
            self._watchers.discard(watcher)

    # What tests do to it

    def put(self, o: KubeObject) -> KubeObject:
        """Store an object as though the cluster had made or changed it, and notify the watchers.

        Returns:
            The object with `metadata.uid`, `resourceVersion`, `creationTimestamp` and namespace.
        """
        ref = objects.ref(o)
        key = self._key(ref)
        old = self._objects.get(key)
        self._version += 1
        metadata = {
            "uid": f"uid-{self._version}",
            "creationTimestamp": f"2026-01-01T00:{self._version // 60 % 60:02}:{self._version % 60:02}Z",
            **(objects.metadata(old) if old else {}),
            **objects.metadata(o),
            "resourceVersion": str(self._version),
        }
        if key[2]:
            metadata["namespace"] = key[2]
        stored: dict[str, Any] = {**deepcopy(dict(o)), "metadata": metadata}
        if old and "status" in old and "status" not in o:
            stored["status"] = old["status"]
        self._objects[key] = stored
        self._notify(ChangeType.MODIFIED if old else ChangeType.ADDED, key, stored)
        return stored

    def remove(self, ref: ObjectRef) -> bool:
        """Remove an object as though somebody else had deleted it; False when there is none."""
        key = self._key(ref)
        old = self._objects.pop(key, None)
        if old is not None:
            removed, self._removed = self._removed, asyncio.Event()
            removed.set()
            self._notify(ChangeType.DELETED, key, old)
        return old is not None

    def add_pod(
        self,
        name: str,
        *,
        owner: KubeObject | None = None,
        containers: Mapping[str, str] | None = None,
        **fields: Any,  # noqa: ANN401 - Kubernetes YAML
    ) -> KubeObject:
        """Store a pod that runs and is ready.

        Args:
            name: of the pod.
            owner: the stored object that owns it; its pod template's labels become the pod's.
            containers: image by name of container; default one named `main` with the image `app`.
            fields: replace `metadata` entries (`labels`, …) or the whole `spec` or `status`.
        """
        return self.put(pod(name, owner=owner, containers=containers, **fields))

    def refuse(self, label: str, message: str = "") -> None:
        """Have it refuse to apply an object from now on.

        Args:
            label: `Kind/name`.
            message: what it says; empty: accept it again.
        """
        self._refusals.pop(label, None)
        if message:
            self._refusals[label] = ApplyError(f"{label}: {message}")

    def hold(self, label: str) -> asyncio.Event:
        """Have applies of `Kind/name` wait until the returned event is set."""
        return self._gates.setdefault(label, asyncio.Event())

    def reconnect(self) -> None:
        """Have every watch start again: all objects are emitted once more, then `LISTED`."""
        for watcher in self._watchers:
            self._list(watcher)

    async def wait_applied(self, count: int) -> list[KubeObject]:
        """Wait until that many applies were started; returns what was applied."""
        while len(self.applied) < count:
            await self._changed.wait()
        return self.applied

    @property
    def stored(self) -> tuple[KubeObject, ...]:
        """Every object there is, in the order in which they came."""
        return tuple(self._objects.values())

    @property
    def watched(self) -> tuple[str, ...]:
        """The kinds that are being watched, sorted; once for each watch."""
        return tuple(sorted(watcher.kind for watcher in self._watchers))

    def _answering(self) -> None:
        if self.failing is not None:
            raise self.failing
        if self.unreachable:
            raise ClusterUnreachableError(self.unreachable)

    def _key(self, ref: ObjectRef) -> _Key:
        namespace = "" if ref.kind in _NOT_NAMESPACED else ref.namespace or self.answer.namespace
        return objects.group(ref.api_version), ref.kind, namespace, ref.name

    def _list(self, watcher: "_FakeWatch") -> None:
        for key, o in self._objects.items():
            if watcher.wants(key):
                watcher.queue.put_nowait(Change(type=ChangeType.ADDED, object=o))
        watcher.queue.put_nowait(Change(type=ChangeType.LISTED))

    def _notify(self, type_: ChangeType, key: _Key, o: KubeObject) -> None:
        for watcher in self._watchers:
            if watcher.wants(key):
                watcher.queue.put_nowait(Change(type=type_, object=o))


class _FakeWatch:
    def __init__(self, group: str, kind: str, namespace: str) -> None:
        self.kind = kind
        self.queue: asyncio.Queue[Change] = asyncio.Queue()
        self._group = group
        self._namespace = namespace

    def wants(self, key: _Key) -> bool:
        group, kind, namespace, _ = key
        return (group, kind) == (self._group, self.kind) and self._namespace in ("", namespace)


def pod(
    name: str,
    *,
    owner: KubeObject | None = None,
    containers: Mapping[str, str] | None = None,
    **fields: Any,  # noqa: ANN401 - Kubernetes YAML
) -> KubeObject:
    """The YAML of a pod that runs and is ready; see `FakeCluster.add_pod`."""
    images = containers or {"main": "app"}
    metadata: dict[str, Any] = {"name": name, "namespace": (objects.namespace(owner) if owner else "") or "default"}
    if owner:
        metadata["labels"] = dict(objects.mapping(owner, "spec", "template", "metadata", "labels"))
        keys = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": objects.name(owner)}
        metadata["ownerReferences"] = [{**keys, "uid": objects.uid(owner), "controller": True}]
    spec = fields.pop("spec", None) or {"containers": [{"name": n, "image": image} for n, image in images.items()]}
    status = fields.pop("status", None) or _ready_status(name, images)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, **fields}, "spec": spec, "status": status}


def _ready_status(name: str, images: Mapping[str, str]) -> KubeObject:
    return {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "conditions": [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")],
        "containerStatuses": [
            {
                "name": container,
                "image": image,
                "imageID": f"{image}@sha256:0",
                "containerID": f"containerd://{name}-{container}",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            }
            for container, image in images.items()
        ],
    }
