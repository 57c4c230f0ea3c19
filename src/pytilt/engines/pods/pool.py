"""All pods of a project: each has a runner from its first moment to its last."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pytilt.cluster.seam import Change, ChangeType
from pytilt.docker.seam import ContainerEvent
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import Json, is_deleting, uid_of
from pytilt.engines.podspec.plan import Instance
from pytilt.model.resources import KubeObject

SOURCES = ("ConfigMap", "Secret", "PersistentVolumeClaim")


class PodSandbox(Protocol):
    """A pod's sandbox, as seen by who wants to reach the pod."""

    @property
    def id(self) -> str:
        """Of its container."""
        ...

    @property
    def running(self) -> bool:
        """Does it run?"""
        ...

    @property
    def address(self) -> str:
        """The pod's."""
        ...


class RunningPod(Protocol):
    """One pod, from its first moment to its last."""

    deletion: asyncio.Event
    """Set when the pod is to end."""
    known: asyncio.Event
    """Set when its status says how it really is."""

    @property
    def namespace(self) -> str:
        """The pod's."""
        ...

    @property
    def sandbox(self) -> PodSandbox:
        """The pod's."""
        ...

    def mark_dirty(self) -> None:
        """Something happened to one of its containers."""
        ...

    def sources_changed(self) -> None:
        """A ConfigMap, Secret or claim of its namespace changed."""
        ...

    def instance(self, container: str) -> Instance | None:
        """The present instance of a container."""
        ...

    def previous_instance(self, container: str) -> Instance | None:
        """The instance of a container before the present one."""
        ...

    async def live(self) -> None:
        """Keep the pod as it is wanted, until cancelled."""
        ...

    async def end(self) -> None:
        """End the pod for good."""
        ...


class PodPool:
    """Starts a runner for every pod of the store, and passes events to it.

    Args:
        tasks: owns the runners.
        new_runner: makes the runner of a pod, given its containers that are there, as the engine lists them.
    """

    def __init__(
        self, tasks: asyncio.TaskGroup, new_runner: Callable[[KubeObject, Sequence[Json]], RunningPod]
    ) -> None:
        self._tasks = tasks
        self._new_runner = new_runner
        self._runners: dict[str, RunningPod] = {}
        self._owned: dict[str, asyncio.Task[None]] = {}

    def adopt(self, pods: Sequence[KubeObject], found: Mapping[str, list[Json]]) -> None:
        """Run pods that were there before.

        Args:
            pods: as stored.
            found: their containers by the pod's uid, as the engine lists them.
        """
        for pod in pods:
            self._run(pod, found.get(uid_of(pod), []))

    def listen(self, change: Change) -> None:
        """Follow the store."""
        kind, obj = change.object["kind"], change.object
        if kind in SOURCES:
            for runner in self._runners.values():
                if runner.namespace == obj["metadata"].get("namespace"):
                    runner.sources_changed()
        if kind != "Pod" or change.type is ChangeType.DELETED:
            return
        if uid_of(obj) not in self._runners:
            self._run(obj, [])
        if is_deleting(obj):
            self._runners[uid_of(obj)].deletion.set()

    def handle(self, event: ContainerEvent) -> None:
        """Something happened to a container."""
        runner = self._runners.get(event.labels.get(labels.POD_UID, ""))
        if runner is not None:
            runner.mark_dirty()

    def mark_dirty(self) -> None:
        """Anything may have happened."""
        for runner in self._runners.values():
            runner.mark_dirty()

    def runner(self, pod: KubeObject) -> RunningPod | None:
        """Who runs a pod."""
        return self._runners.get(uid_of(pod))

    async def known(self, limit: float) -> None:
        """Return when the status of every pod says how it really is, or after so many seconds."""
        try:
            async with asyncio.timeout(limit):
                for runner in tuple(self._runners.values()):
                    await runner.known.wait()
        except TimeoutError:
            return

    async def ended(self) -> None:
        """Return when the pods that are to end have ended."""
        ending = [self._owned[uid] for uid, runner in self._runners.items() if runner.deletion.is_set()]
        if ending:
            await asyncio.wait(ending)

    def close(self) -> None:
        """Leave the pods to themselves: their containers go on."""
        for task in tuple(self._owned.values()):
            task.cancel()

    def _run(self, pod: KubeObject, found: list[Json]) -> None:
        runner = self._new_runner(pod, found)
        uid = uid_of(pod)
        self._runners[uid] = runner
        self._owned[uid] = self._tasks.create_task(self._own(uid, runner), name=f"pod {pod['metadata']['name']}")

    async def _own(self, uid: str, runner: RunningPod) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                living = tasks.create_task(runner.live(), name=f"life of {uid}")
                await runner.deletion.wait()
                living.cancel()
            await runner.end()
        finally:
            del self._runners[uid], self._owned[uid]
