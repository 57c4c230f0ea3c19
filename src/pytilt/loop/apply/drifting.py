"""Drift: objects that somebody has deleted or changed since they were applied are noticed, and applied again."""

import asyncio
import time
from collections.abc import Callable, Sequence

from pytilt.cluster import drift, objects
from pytilt.cluster.drift import Difference
from pytilt.cluster.seam import ChangeType, Cluster
from pytilt.errors import PytiltError
from pytilt.loop.apply.applied_objects import AppliedObjects, Baseline
from pytilt.loop.apply.repairs import Repair, Repairs, repair_log
from pytilt.loop.pods.connecting import retry_pause
from pytilt.model.clusters import ObjectRef
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.numbers import whole
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.resources import Deploy, KubeObject
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

RETRY_SECONDS = 15.0
"""Between two attempts to watch what may not be watched."""

NAMESPACE_SECONDS = 1.0
"""Between two looks at a namespace that is being deleted."""
NAMESPACE_TRIES = 120

SHOWN_FIELDS = 3

_Watch = tuple[str, str, str]
"""API version, kind and namespace."""


class Drifting:
    """Watches what was applied.

    Args:
        store: the session's objects.
        logs: takes what was noticed.
        cluster: reports of the objects.
        applied: what was applied.
        repair: asks for the repair of a resource.
        clock: seconds that only count up.
        pause: seconds between two looks at a namespace that is being deleted.
    """

    def __init__(
        self,
        store: Store,
        logs: LogStore,
        cluster: Cluster,
        applied: AppliedObjects,
        repair: Repair,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: float = NAMESPACE_SECONDS,
    ) -> None:
        self._store = store
        self._logs = logs
        self._cluster = cluster
        self._applied = applied
        self._repair = repair
        self._watches: dict[_Watch, asyncio.Task[None]] = {}
        self._seen: dict[ObjectRef, KubeObject | None] = {}
        """The newest state of each applied object since it was applied: None for one that is gone."""
        self._gone: dict[ObjectRef, str] = {}
        """The uid of what is gone: an update that deletes an object makes another one of the same name."""
        self._reported: dict[ObjectRef, str] = {}
        """What was said of an object, so that it is said once."""
        self._repairs = Repairs[ObjectRef](clock)
        self._pause = pause
        self._deleted: set[ObjectRef] = set()
        """What is gone and not judged yet, since its namespace may go too."""
        self._some_deleted = asyncio.Event()

    async def run(self) -> None:
        """Keep a watch for every kind of object that was applied, without end."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_updates(), name="drift after updates")
            group.create_task(self._follow_deletions(group), name="deleted objects")
            while True:
                self._applied.changed.clear()
                self._follow(group)
                await self._applied.changed.wait()

    def _follow(self, group: asyncio.TaskGroup) -> None:
        wanted = {(each.ref.api_version, each.ref.kind, each.ref.namespace) for each in self._applied.all()}
        for gone in self._watches.keys() - wanted:
            self._watches.pop(gone).cancel()
        for watch in wanted - self._watches.keys():
            self._watches[watch] = group.create_task(self._watch(*watch), name=f"drift {watch[1]} {watch[2]}")

    async def _watch(self, api_version: str, kind: str, namespace: str) -> None:
        while True:
            listed: set[ObjectRef] = set()
            try:
                async for change in self._cluster.watch(api_version, kind, namespace=namespace):
                    if change.type is ChangeType.LISTED:
                        self._note_missing((api_version, kind, namespace), listed)
                        listed = set()
                    else:
                        ref = objects.ref(change.object)
                        listed.add(ref)
                        deleted = change.type is ChangeType.DELETED
                        self._see(ref, None if deleted else change.object, objects.uid(change.object))
            except PytiltError:
                pass  # what may not be listed is not looked after; a cluster that is gone is reported elsewhere
            await retry_pause(self._store, RETRY_SECONDS)

    def _note_missing(self, watch: _Watch, listed: set[ObjectRef]) -> None:
        for each in self._applied.all():
            ref = each.ref
            if (ref.api_version, ref.kind, ref.namespace) == watch and ref not in listed:
                self._see(ref, None, each.uid)

    def _see(self, ref: ObjectRef, present: KubeObject | None, uid: str) -> None:
        applied = self._applied.find(ref)
        if applied is None:
            return
        if present is None and (before := self._seen.get(ref)) is not None and _is_finished(before):
            return  # a Job that has ended is cleaned up
        self._seen[ref], self._gone[ref] = present, uid
        if present is None and ref.namespace:
            self._deleted.add(ref)
            self._some_deleted.set()
        else:
            self._deleted.discard(ref)
            self._judge(applied)

    async def _follow_updates(self) -> None:
        """What changed while an update ran is judged when it has ended."""
        async for changed in self._store.watch(Resource, aspects={Resource: _judged_by}):
            names = {name for _, name in changed.names}
            for each in self._applied.all() if names else ():
                if each.resource in names and each.ref in self._seen:
                    self._judge(each)

    async def _follow_deletions(self, group: asyncio.TaskGroup) -> None:
        """Judge what was deleted, by namespaces: one that is being deleted takes nothing new."""
        waits: dict[str, asyncio.Task[None]] = {}
        while True:
            await self._some_deleted.wait()
            self._some_deleted.clear()
            for namespace in {ref.namespace for ref in self._deleted}:
                if namespace not in waits or waits[namespace].done():
                    waits[namespace] = group.create_task(self._recreate(namespace), name=f"deleted in {namespace}")

    async def _recreate(self, namespace: str) -> None:
        """Judge what was deleted in a namespace once that is there to stay, or there again."""
        waits = 0
        while waits < NAMESPACE_TRIES and await self._is_going(namespace):
            waits += 1
            for ref, applied in self._deleted_in(namespace):
                text = f"namespace/{namespace} is being deleted, and {ref.kind.lower()}/{ref.name} with it"
                if self._reported.get(ref) != text:
                    self._reported[ref] = text
                    name = ResourceName(applied.resource)
                    repair_log(self._logs, name)(f"{text}; it is applied again afterwards\n", level=Level.WARN)
                    self._repair(name, text, True)
            await asyncio.sleep(self._pause)
        for ref, applied in self._deleted_in(namespace):
            self._deleted.discard(ref)
            self._judge(applied)

    def _deleted_in(self, namespace: str) -> list[tuple[ObjectRef, Baseline]]:
        """What is still gone; what was made again or is not wanted any more is forgotten."""
        every = [(ref, self._applied.find(ref)) for ref in self._deleted if ref.namespace == namespace]
        gone = [(ref, each) for ref, each in every if each is not None and self._gone.get(ref) == each.uid]
        self._deleted -= {ref for ref, _ in every} - {ref for ref, _ in gone}
        return sorted(gone, key=lambda each: str(each[0]))

    async def _is_going(self, namespace: str) -> bool:
        """Is a namespace being deleted, or gone where the session makes it again?"""
        ref = ObjectRef(api_version="v1", kind="Namespace", name=namespace)
        try:
            found = await self._cluster.get(ref)
        except PytiltError:
            return False  # then the repair says what is wrong
        if found is None:
            return self._applied.find(ref) is not None
        return bool(objects.metadata(found).get("deletionTimestamp"))

    def _judge(self, applied: Baseline) -> None:
        resource = self._store.get(Resource, applied.resource)
        if resource is None or not resource.enabled or not resource.spec.deploy.in_cluster:
            return
        if resource.status.busy or applied.ref in self._deleted:
            return
        present = self._seen[applied.ref]
        if present is None and self._gone[applied.ref] != applied.uid:
            return
        if present is not None and _is_older(present, applied):
            return
        found = () if present is None else _of_people(applied, present)
        if present is not None and not found:
            self._reported.pop(applied.ref, None)
            if resource.status.repair_undone and not self._others_reported(applied):
                self._repair(ResourceName(resource.name), "", False)
            return
        text = _sentence(applied.ref, found)
        if self._reported.get(applied.ref) != text:
            self._reported[applied.ref] = text
            self._act(resource, resource.spec.deploy, applied, text, found)

    def _act(
        self,
        resource: Resource,
        deploy: Deploy,
        applied: Baseline,
        text: str,
        found: Sequence[Difference],
    ) -> None:
        name = ResourceName(resource.name)
        span = repair_log(self._logs, name)
        if not (self._repairs_all() if deploy.repair_drift is None else deploy.repair_drift):
            span(f"{text}; it is left so, since `repair_drift` is off\n", level=Level.WARN)
            return
        if self._repairs.exhausted(applied.ref):
            again = f"{text}, again and again; it is left so until the next update of {name}"
            hint = "leave out of the YAML what something else decides" if found else "find out what deletes it"
            span(f"{again}\nhint: {hint}, or set `repair_drift=False`\n", level=Level.WARN)
            self._repair(name, text, True)
            return
        how = "its apply command runs again" if deploy.commands is not None else "it is applied again"
        if not resource.spec.trigger_mode.auto:
            how = f"`tilt trigger {name}` applies it again"
        span(f"{text}; {how}\n", level=Level.WARN)
        self._applied.mark(applied)
        self._repair(name, text, False)

    def _others_reported(self, applied: Baseline) -> bool:
        """Is anything else of the same resource not as it was applied?"""
        same = (each.ref for each in self._applied.all() if each.resource == applied.resource)
        return any(ref in self._reported for ref in same)

    def _repairs_all(self) -> bool:
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        declaration = tiltfile.status.declaration if tiltfile else None
        return declaration is None or declaration.updates.repair_drift


def _judged_by(resource: Resource) -> object:
    if not resource.spec.deploy.in_cluster:
        return None
    return resource.enabled, resource.spec, resource.status.busy, resource.status.repair_undone


def _of_people(applied: Baseline, present: KubeObject) -> tuple[Difference, ...]:
    """What was changed by hand: not by a program whose work that is."""
    found = drift.differences(applied.wanted, applied.leaves, present)
    return tuple(each for each in found if not each.by_controller)


def _is_older(present: KubeObject, applied: Baseline) -> bool:
    """Is it a state from before the apply, or one of an object that is being deleted?"""
    metadata = objects.metadata(present)
    version = whole(str(metadata.get("resourceVersion", "")))
    older = version is not None and version < applied.version
    return older or bool(metadata.get("deletionTimestamp"))


def _is_finished(o: KubeObject) -> bool:
    status = objects.mapping(o, "status")
    conditions = objects.items(o, "status", "conditions")
    ended = any(each.get("type") in ("Complete", "Failed") and each.get("status") == "True" for each in conditions)
    return ended or status.get("phase") in ("Succeeded", "Failed")


def _sentence(ref: ObjectRef, found: Sequence[Difference]) -> str:
    label = f"{ref.kind.lower()}/{ref.name}"
    if not found:
        return f"{label} was deleted by somebody else"
    by = ", ".join(sorted({each.manager for each in found if each.manager})) or "somebody else"
    fields = [f"{each.path}: {each.before} → {each.now}" for each in found[:SHOWN_FIELDS]]
    if ref.kind == "Secret":
        fields = [each.path for each in found[:SHOWN_FIELDS]]
    if len(found) > SHOWN_FIELDS:
        fields.append(f"and {len(found) - SHOWN_FIELDS} more")
    return f"{label} was changed by {by} ({', '.join(fields)})"
