"""Where a project's objects are kept between sessions: files in a container of the project that never runs.

A label can be read by everyone who may list containers; a file in a container's layer needs the engine itself. Secrets
are kept there too. Pods are not here: each is kept by its own sandbox.
"""

import asyncio

import msgspec

from pytilt.cluster.seam import Change, ChangeType
from pytilt.engines import labels
from pytilt.engines.files import packed, plain_file, unpacked
from pytilt.engines.foundation import Foundation
from pytilt.engines.labels import Project
from pytilt.engines.objects import Json, Key, key_of
from pytilt.engines.runtime import Runtime
from pytilt.engines.store import ObjectStore
from pytilt.model.resources import KubeObject

FOLDER = "objects"
NOT_KEPT = ("Pod", "Event")
WITH_STATUS = ("Job", "CronJob")
"""Kinds whose status says what cannot be seen from their pods."""


class Record:
    """Keeps the objects of a store in the engine.

    Args:
        runtime: the engine.
        project: whose they are.
        foundation: what the record's container is made of.
        store: the objects.
    """

    def __init__(self, runtime: Runtime, project: Project, foundation: Foundation, store: ObjectStore) -> None:
        self._runtime = runtime
        self._project = project
        self._foundation = foundation
        self._store = store
        self._written: dict[Key, bytes] = {}
        self._changed: set[Key] = set()
        self._lock = asyncio.Lock()
        self.news = asyncio.Event()
        """Set when there is something to write."""

    async def load(self) -> list[KubeObject]:
        """The objects as an earlier session left them."""
        archive = await self._runtime.take(self._project.record, f"/{FOLDER}")
        if archive is None:
            return []
        found = [msgspec.json.decode(content, type=Json) for content in unpacked(archive).values() if content]
        self._written = {key_of(obj): _encoded(obj) for obj in found}
        return sorted(found, key=lambda obj: str(obj["metadata"].get("creationTimestamp", "")))

    def listen(self, change: Change) -> None:
        """Note what has to be written."""
        key = key_of(change.object)
        if key.kind in NOT_KEPT:
            return
        content = b"" if change.type is ChangeType.DELETED else _encoded(change.object)
        if self._written.get(key, b"") != content:
            self._changed.add(key)
            self.news.set()

    async def flush(self) -> None:
        """Write what changed; when this returns, a session that is killed has lost nothing."""
        async with self._lock:
            self.news.clear()
            changed, self._changed = self._changed, set()
            if not changed:
                return
            try:
                await self._write(changed)
            except BaseException:
                self._changed |= changed
                raise

    def forget(self) -> None:
        """The container is gone, and all it kept."""
        self._written.clear()
        self._changed.clear()

    async def _write(self, changed: set[Key]) -> None:
        contents = {}
        for key in changed:
            obj = self._store.get(*key)
            contents[key] = _encoded(obj) if obj is not None else b""
        if await self._runtime.inspect(self._project.record) is None:
            if not any(contents.values()):
                return
            ground = await self._foundation.ground()
            request: Json = {
                "Image": ground.image,
                "Cmd": ["pause"],
                "Labels": self._project.labels(labels.RECORD),
                "HostConfig": {"NetworkMode": "none"},
            }
            await self._runtime.create(self._project.record, request)
            contents = {key_of(obj): _encoded(obj) for obj in self._store.all() if obj["kind"] not in NOT_KEPT}
        files = [plain_file(_path(key), content, 0o600) for key, content in contents.items()]
        await self._runtime.put(self._project.record, packed(files))
        self._written.update(contents)


def _path(key: Key) -> str:
    return f"{FOLDER}/{key.kind}/{key.namespace or '-'}/{key.name}.json"


def _encoded(obj: KubeObject) -> bytes:
    kept = obj if obj["kind"] in WITH_STATUS else {name: value for name, value in obj.items() if name != "status"}
    metadata = {name: value for name, value in obj["metadata"].items() if name != "resourceVersion"}
    return msgspec.json.encode({**kept, "metadata": metadata})
