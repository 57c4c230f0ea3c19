"""The controllers of workloads: one loop that asks each what it wants next, whenever something of its changed."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from pytilt.cluster.seam import Change, ChangeType
from pytilt.engines.objects.fields import Key, key_of, owner_of, uid_of
from pytilt.engines.objects.store import ObjectStore
from pytilt.engines.workloads import cronjobs, daemonsets, deployments, jobs, replicasets, statefulsets
from pytilt.engines.workloads.outcome import ReconcileOutcome
from pytilt.model.resources import KubeObject

Decide = Callable[[ObjectStore, KubeObject, float], ReconcileOutcome]


def _of_pods(
    decide: Callable[..., ReconcileOutcome], store: ObjectStore, obj: KubeObject, now: float
) -> ReconcileOutcome:
    return decide(obj, store.owned(obj, "Pod"), now)


def _deployment(store: ObjectStore, obj: KubeObject, now: float) -> ReconcileOutcome:
    pods = store.all("Pod", obj["metadata"]["namespace"])
    return deployments.decide(obj, store.owned(obj, "ReplicaSet"), pods, now)


def _stateful_set(store: ObjectStore, obj: KubeObject, _: float) -> ReconcileOutcome:
    claims = store.all("PersistentVolumeClaim", obj["metadata"]["namespace"])
    return statefulsets.decide(obj, store.owned(obj, "Pod"), claims)


def _cron_job(store: ObjectStore, obj: KubeObject, now: float) -> ReconcileOutcome:
    return cronjobs.decide(obj, store.owned(obj, "Job"), now)


DECIDERS: dict[str, Decide] = {
    "CronJob": _cron_job,
    "DaemonSet": partial(_of_pods, daemonsets.decide),
    "Deployment": _deployment,
    "Job": partial(_of_pods, jobs.decide),
    "ReplicaSet": partial(_of_pods, replicasets.decide),
    "ReplicationController": partial(_of_pods, replicasets.decide),
    "StatefulSet": _stateful_set,
}
"""How each kind of workload decides."""


class Controllers:
    """Runs the controllers. Deciding and storing are quick and without I/O, so one loop is enough for all.

    Args:
        store: the objects.
        clock: returns the Unix time.
        promise: is asked for every pod that is to be created, which may be given another name and a uid.
    """

    def __init__(
        self,
        store: ObjectStore,
        clock: Callable[[], float] = time.time,
        promise: Callable[[KubeObject], KubeObject] = lambda pod: pod,
    ) -> None:
        self._store = store
        self._clock = clock
        self._promise = promise
        self._due: dict[Key, None] = {}
        self._later: dict[Key, float] = {}
        self._gone: list[str] = []
        self._news = asyncio.Event()

    def listen(self, change: Change) -> None:
        """Note who has to decide anew."""
        key = key_of(change.object)
        if change.type is ChangeType.DELETED:
            self._gone.append(uid_of(change.object))
            self._later.pop(key, None)
        elif key.kind in DECIDERS:
            self._due[key] = None
        owner = self._note_owner(change.object)
        if owner is not None:
            self._note_owner(owner)
        self._news.set()

    def _note_owner(self, obj: KubeObject) -> KubeObject | None:
        reference = owner_of(obj)
        if reference is None:
            return None
        key = Key(reference["kind"], obj["metadata"].get("namespace", ""), reference["name"])
        if key.kind in DECIDERS:
            self._due[key] = None
        return self._store.get(*key)

    async def run(self) -> None:
        """Decide and act, without end."""
        self._collect_orphans()
        while True:
            self._news.clear()
            self.turn()
            until = min(self._later.values(), default=None)
            try:
                async with asyncio.timeout(None if until is None else max(0.0, until - self._clock())):
                    await self._news.wait()
            except TimeoutError:
                continue

    def turn(self) -> None:
        """Do all that is due now."""
        now = self._clock()
        for key in [key for key, at in self._later.items() if at <= now]:
            del self._later[key]
            self._due[key] = None
        while self._due or self._gone:
            while self._gone:
                self._collect(self._gone.pop())
            if self._due:
                key = next(iter(self._due))
                del self._due[key]
                self._decide(key, now)

    def _decide(self, key: Key, now: float) -> None:
        obj = self._store.get(*key)
        if obj is None:
            return
        outcome = DECIDERS[key.kind](self._store, obj, now)
        for gone in outcome.delete:
            self._store.delete(gone)
        for made in outcome.create:
            if self._store.get(*key_of(made)) is None:
                self._store.put(self._promise(made) if made["kind"] == "Pod" else made)
        for changed in outcome.replace:
            self._store.put(changed)
        if outcome.status is not None:
            self._store.set_status(key, outcome.status)
        if outcome.again_at is not None:
            self._later[key] = outcome.again_at

    def _collect(self, owner: str) -> None:
        """Delete what belonged to an object that is gone."""
        for obj in self._store.all():
            if any(reference["uid"] == owner for reference in obj["metadata"].get("ownerReferences") or ()):
                self._store.delete(key_of(obj))

    def _collect_orphans(self) -> None:
        """Delete what belonged to objects that went while nobody looked."""
        present = {uid_of(obj) for obj in self._store.all()}
        for obj in self._store.all():
            reference = owner_of(obj)
            if reference is not None and reference["uid"] not in present:
                self._store.delete(key_of(obj))
