"""Where a project's objects are kept between sessions: in the engine, each where it fits.

- Most are labels of a volume of their own, which nobody mounts: made within milliseconds, listed in one request.
- Secrets are files in a container of the project that never runs: whoever may list volumes does not see them.
- Pods are not here, each is kept by its own sandbox; but for those whose sandbox is older than they are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from pytilt.cluster.seam import Change, ChangeType
from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import Json, Key, digest, key_of, owner_of
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.objects.store import ObjectStore
from pytilt.engines.podspec.archive import packed, plain_file, unpacked
from pytilt.engines.podspec.placement import SandboxBase
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.model.resources import KubeObject
from pytilt.synclet.verbs import pause

FOLDER = "objects"
POD, EVENT = "Pod", "Event"
WITH_STATUS = ("Job", "CronJob")
"""Kinds whose status says what cannot be seen from their pods."""
HIDDEN = ("Secret",)


class Record:
    """Keeps the objects of a store in the engine.

    Args:
        runtime: the engine.
        project: whose they are.
        base: what the container of the hidden ones is made of.
        store: the objects.
    """

    def __init__(
        self,
        runtime: ContainerRuntime,
        project: EngineProject,
        base: Callable[[], Awaitable[SandboxBase]],
        store: ObjectStore,
    ) -> None:
        self._runtime = runtime
        self._project = project
        self._base = base
        self._store = store
        self._written: dict[Key, bytes] = {}
        self._volumes: dict[str, Key] = {}
        self._changed: set[Key] = set()
        self._pods: set[Key] = set()
        self._lock = asyncio.Lock()
        self.news = asyncio.Event()
        """Set when there is something to write."""

    async def load(self) -> list[KubeObject]:
        """The objects as an earlier session left them, oldest first."""
        newest: dict[Key, Json] = {}
        for volume in await self._runtime.volumes(self._project.labels(labels.RECORD)):
            obj = decoded(volume["Labels"].get(labels.OBJECT, ""))
            if obj is None:
                continue
            known = newest.setdefault(key_of(obj), obj)
            if _version(obj) > _version(known):  # the session before ended between writing and removing
                newest[key_of(obj)] = obj
        archive = await self._runtime.take(self._project.record, f"/{FOLDER}")
        contents = unpacked(archive).values() if archive is not None else ()
        newest.update({key_of(obj): obj for obj in map(decoded, contents) if obj is not None})
        self._written = {key: _encoded(obj) for key, obj in newest.items()}
        self._volumes = {self._volume(key, content): key for key, content in self._written.items()}
        self._pods = {key for key in newest if key.kind == POD}
        return sorted(newest.values(), key=lambda obj: str(obj["metadata"].get("creationTimestamp", "")))

    def lost(self, volume: str) -> Key | None:
        """A volume was removed: whose object that was, if it was not this session that removed it."""
        key = self._volumes.pop(volume, None)
        if key is not None:
            self._written[key] = b""
        return key

    def include(self, pod: Key) -> None:
        """Keep a pod too, from now on: its sandbox does not know it."""
        self._pods.add(pod)
        self._changed.add(pod)
        self.news.set()

    def listen(self, change: Change) -> None:
        """Note what has to be written."""
        key = key_of(change.object)
        if key.kind == EVENT or (key.kind == POD and key not in self._pods):
            return
        content = b"" if change.type is ChangeType.DELETED else _encoded(change.object)
        if _compared(self._written.get(key, b"")) != _compared(content):
            self._changed.add(key)
            self.news.set()

    async def keep(self, key: Key) -> None:
        """Return once an object is kept as it is now; a session that is killed after that has not lost it."""
        async with self._lock:
            if key in self._changed:
                await self._write({key})

    async def flush(self) -> None:
        """Write all that changed."""
        async with self._lock:
            self.news.clear()
            if self._changed:
                await self._write(set(self._changed))

    def forget(self) -> None:
        """All that was kept is gone."""
        self._written.clear()
        self._volumes.clear()
        self._changed.clear()
        self._pods.clear()

    async def _write(self, keys: set[Key]) -> None:
        self._changed -= keys
        try:
            await self._write_hidden({key for key in keys if key.kind in HIDDEN})
            for key in sorted(keys, key=self._was_owned):
                if key.kind not in HIDDEN:
                    await self._write_volume(key)
        except BaseException:
            self._changed |= keys
            raise

    def _was_owned(self, key: Key) -> bool:
        """Owners go first: another session would replace what seems to be taken from them."""
        content = self._written.get(key, b"")
        return content != b"" and owner_of(msgspec.json.decode(content, type=Json)) is not None

    async def _write_volume(self, key: Key) -> None:
        content = self._content(key)
        before = self._written.get(key, b"")
        if before and before != content:
            self._volumes.pop(self._volume(key, before), None)
        if content:
            self._volumes[self._volume(key, content)] = key
            marks = self._project.labels(labels.RECORD, **{labels.OBJECT: content.decode()})
            await self._runtime.create_volume(self._volume(key, content), marks)
        if before and before != content:
            await self._runtime.remove_volume(self._volume(key, before))
        self._written[key] = content
        if key.kind == POD and not content:
            self._pods.discard(key)

    async def _write_hidden(self, keys: Iterable[Key]) -> None:
        contents = {key: self._content(key) for key in keys}
        if not contents:
            return
        if await self._runtime.inspect(self._project.record) is None:
            if not any(contents.values()):
                return
            base = await self._base()
            request: Json = {
                "Image": base.image,
                "Cmd": pause(),
                "Labels": self._project.labels(labels.RECORD),
                "HostConfig": {"NetworkMode": "none"},
            }
            await self._runtime.create(self._project.record, request)
        files = [plain_file(_path(key), content, 0o600) for key, content in contents.items()]
        await self._runtime.put(self._project.record, packed(files))
        self._written.update(contents)

    def _content(self, key: Key) -> bytes:
        obj = self._store.get(*key)
        return _encoded(obj) if obj is not None else b""

    def _volume(self, key: Key, content: bytes) -> str:
        return f"{self._project.prefix}-object-{digest([*key, content.decode()], 16)}"


class _KeptMetadata(msgspec.Struct):
    name: str
    namespace: str = ""
    uid: str = ""


class _KeptObject(msgspec.Struct):
    kind: str
    metadata: _KeptMetadata


def decoded(content: bytes | str) -> Json | None:
    """An object as it was kept; None where that has been spoilt, or is empty: it is gone then."""
    try:
        decode(content, _KeptObject)
        return decode(content, Json)
    except MalformedJsonError:
        return None


def _path(key: Key) -> str:
    return f"{FOLDER}/{key.kind}/{key.namespace or '-'}/{key.name}.json"


def _version(obj: KubeObject) -> int:
    return int(obj["metadata"].get("resourceVersion") or 0)


def _encoded(obj: KubeObject) -> bytes:
    kept = obj if obj["kind"] in WITH_STATUS else {name: value for name, value in obj.items() if name != "status"}
    return msgspec.json.encode(kept)


def _compared(content: bytes) -> Json:
    """What is kept but for the version, which counts changes of the status too."""
    if not content:
        return {}
    obj = msgspec.json.decode(content, type=Json)
    obj["metadata"].pop("resourceVersion", None)
    return obj
