"""Spare sandboxes: those of pods that are still to come, started while the images of these are built."""

import asyncio
from collections.abc import Iterable, Sequence

from pytilt.cluster.seam import Change, ChangeType
from pytilt.docker.seam import ContainerEvent
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import Key, key_of, new_uid, owner_of, uid_of
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.pods.sandbox import Sandbox
from pytilt.engines.podspec.containers import sandbox_shape
from pytilt.engines.podspec.environment import MissingSourceError
from pytilt.engines.workloads import deployments, replicasets
from pytilt.engines.workloads.admission import admitted
from pytilt.errors import ApplyError, ClusterUnreachableError, DockerApiError
from pytilt.model.resources import KubeObject


class Spare:
    """One sandbox that waits for its pod.

    Args:
        context: the collaborators.
        pod: as far as it is known; its name and uid are final.
    """

    def __init__(self, context: EngineContext, pod: KubeObject) -> None:
        self.pod = pod
        self.sandbox = Sandbox(context, pod)
        self.starting: asyncio.Task[None] | None = None
        self.failed = False

    async def start(self) -> None:
        """Start it as far as that can be done; who comes for it sees why it cannot."""
        try:
            await self.sandbox.create()
            await self.sandbox.start()
        except (MissingSourceError, ApplyError, DockerApiError, ClusterUnreachableError):
            self.failed = True

    def fits(self, pod: KubeObject) -> bool:
        """Could the pod, under the name that is waiting here, live in it?"""
        if self.failed or _owner(pod) != _owner(self.pod) or key_of(pod).namespace != key_of(self.pod).namespace:
            return False
        return sandbox_shape(self.named(pod)) == sandbox_shape(self.pod)

    def named(self, pod: KubeObject) -> KubeObject:
        """The pod under the name that is waiting here."""
        own = self.pod["metadata"]
        return {**pod, "metadata": {**pod["metadata"], "name": own["name"], "uid": own["uid"]}}

    async def remove(self) -> None:
        """Leave nothing of it; what the engine refuses now, a later session or `tilt down` removes."""
        if self.starting is not None:
            await asyncio.wait([self.starting])
        try:
            await self.sandbox.remove()
        except (DockerApiError, ClusterUnreachableError):
            return


class Spares:
    """At most one spare sandbox for each Deployment: that of the first pod of its next revision.

    Args:
        context: the collaborators.
        tasks: owns what is started and removed.
        namespace: where objects without namespace go.
    """

    def __init__(self, context: EngineContext, tasks: asyncio.TaskGroup, namespace: str) -> None:
        self._context = context
        self._tasks = tasks
        self._namespace = namespace
        self._waiting: dict[Key, Spare] = {}
        self._promised: dict[str, Spare] = {}
        self._going: set[asyncio.Task[None]] = set()

    def prepare(self, objects: Iterable[KubeObject]) -> None:
        """Start what pods of these objects will need whatever image they get; what cannot be said yet is left out."""
        for wanted in objects:
            if wanted.get("kind") != "Deployment":
                continue
            try:
                deployment = admitted(wanted, self._namespace)
            except ApplyError:
                continue  # `apply` reports it
            self._prepare(deployment)

    def applied(self, deployment: KubeObject) -> None:
        """A Deployment was applied: unless it has a new template, no pod comes for the spare one."""
        sets = self._context.store.owned(deployment, "ReplicaSet")
        if deployments.present_set(deployment, sets) is not None:
            self._drop(key_of(deployment))

    def promise(self, pod: KubeObject) -> KubeObject:
        """A pod that is about to be stored; if one waits for it, under the name of that."""
        for key, spare in self._waiting.items():
            if spare.fits(pod):
                del self._waiting[key]
                self._promised[uid_of(spare.pod)] = spare
                return spare.named(pod)
        return pod

    def take(self, pod: KubeObject) -> Sandbox | None:
        """The sandbox that was promised to a pod."""
        spare = self._promised.pop(uid_of(pod), None)
        if spare is None:
            return None
        spare.sandbox.become(pod)
        return spare.sandbox

    def listen(self, change: Change) -> None:
        """Follow the store: remove the one of a Deployment that is gone."""
        if change.object["kind"] == "Deployment" and change.type is ChangeType.DELETED:
            self._drop(key_of(change.object))

    def handle(self, event: ContainerEvent) -> None:
        """Something happened to a container: one that ended is of no use."""
        if event.action != "start":
            uid = event.labels.get(labels.POD_UID, "")
            for key in [key for key, spare in self._waiting.items() if uid_of(spare.pod) == uid]:
                self._drop(key)

    def mark_dirty(self) -> None:
        """Anything may have happened; those that are still starting see for themselves."""
        for key in [key for key, spare in self._waiting.items() if spare.starting and spare.starting.done()]:
            self._drop(key)

    def drop(self) -> None:
        """Remove all that wait."""
        for key in tuple(self._waiting):
            self._drop(key)

    async def gone(self) -> None:
        """Return when those that were dropped are removed."""
        if self._going:
            await asyncio.wait(tuple(self._going))

    def _prepare(self, deployment: KubeObject) -> None:
        key = key_of(deployment)
        before = self._context.store.get(*key)
        sets: Sequence[KubeObject] = self._context.store.owned(before, "ReplicaSet") if before else ()
        owner = {**deployment, "metadata": {**deployment["metadata"], "uid": uid_of(before) if before else ""}}
        replica_set = deployments.next_set(owner, sets, 1)
        pod = replicasets.next_pod({**replica_set, "metadata": {**replica_set["metadata"], "uid": ""}})
        pod["metadata"]["uid"] = new_uid()
        known = self._waiting.get(key)
        if known is not None and known.fits(pod):
            return
        self._drop(key)
        if deployment["spec"].get("replicas", 1) and not _holds_ports(pod):
            spare = self._waiting[key] = Spare(self._context, pod)
            spare.starting = self._tasks.create_task(spare.start(), name=f"spare sandbox of {key}")

    def _drop(self, key: Key) -> None:
        spare = self._waiting.pop(key, None)
        if spare is not None:
            removing = self._tasks.create_task(spare.remove(), name=f"remove the spare sandbox of {key}")
            self._going.add(removing)
            removing.add_done_callback(self._going.discard)


def _owner(pod: KubeObject) -> str:
    reference = owner_of(pod)
    return "" if reference is None else str(reference["name"])


def _holds_ports(pod: KubeObject) -> bool:
    """Does it bind ports of this machine, which the pod before it may still have?"""
    containers = pod["spec"]["containers"]
    return any(port.get("hostPort") for container in containers for port in container.get("ports") or ())
