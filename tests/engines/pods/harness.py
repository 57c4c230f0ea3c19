"""One pod on a container runtime in memory, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from pytilt.engines.health.probing import Prober
from pytilt.engines.network.infrastructure import SERVICE_RANGE, Infrastructure
from pytilt.engines.network.reach import PodNetwork
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import Json, condition, key_of
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.objects.store import EventRecorder, ObjectStore
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.pods.pulling import anonymous
from pytilt.engines.pods.runner import PodRunner
from pytilt.engines.podspec.placement import NodeInfo
from pytilt.errors import ClusterUnreachableError
from pytilt.model.resources import KubeObject
from pytilt.testing.runtime import FakeRuntime
from tests.virtual_time import unix_time, until

PROJECT = EngineProject(id="p")
FIRST_PAUSE = 0.1


def container(name: str, **more: Any) -> Json:
    """A container; its image is called as it is, so that a program can be given to it."""
    return {"name": name, "image": name, **more}


def a_pod(*containers: Json, **spec: Any) -> Json:
    """A pod that is not stored yet."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "uid": "1234"},
        "spec": {"containers": list(containers), **spec},
        "status": {"phase": "Pending"},
    }


async def nothing() -> None:
    """Nobody has to be waited for."""


async def kept(_: object) -> None:
    """Nothing outlives this process."""


class Harness:
    """What a pod needs of everything else."""

    def __init__(self) -> None:
        self.runtime = FakeRuntime(unix_time)
        self.store = ObjectStore(unix_time)
        network = PodNetwork(self.runtime)
        self.context = EngineContext(
            runtime=self.runtime,
            project=PROJECT,
            store=self.store,
            infrastructure=Infrastructure(self.runtime, PROJECT, "amd64", SERVICE_RANGE),
            network=network,
            prober=Prober(self.runtime, network),
            events=EventRecorder(self.store, unix_time),
            node=NodeInfo(architecture="amd64"),
            credentials=anonymous,
            settled=nothing,
            keep=kept,
            clock=unix_time,
        )

    @asynccontextmanager
    async def running(self, pod: Json) -> AsyncIterator[PodRunner]:
        """Run a pod for as long as the block; its containers stay."""
        stored = self.store.put(pod) if self.store.get(*key_of(pod)) is None else self.pod
        found = await self.runtime.containers({labels.POD_UID: "1234"})
        runner = PodRunner(self.context, stored, found)
        async with asyncio.TaskGroup() as tasks:
            lives = tasks.create_task(runner.live(), name="life")
            events = tasks.create_task(self._follow(runner), name="events")
            try:
                yield runner
            finally:
                lives.cancel()
                events.cancel()

    async def ended(self, pod: Json) -> float:
        """Run a pod, then delete it; seconds until nothing of it was left."""
        async with self.running(pod):
            await self.phase("Running")
        began = unix_time()
        async with asyncio.TaskGroup() as tasks:
            runner = PodRunner(self.context, self.pod, await self.runtime.containers({labels.POD_UID: "1234"}))
            events = tasks.create_task(self._follow(runner), name="events")
            await runner.end()
            events.cancel()
        return unix_time() - began

    @property
    def pod(self) -> KubeObject:
        """The pod as it is now."""
        found = self.store.get("Pod", "default", "web")
        assert found is not None
        return found

    @property
    def ready(self) -> bool:
        """Does it say that it is ready?"""
        return condition(self.pod, "Ready") == "True"

    def status(self, name: str) -> Json:
        """What the pod says of a container."""
        status = self.pod.get("status", {})
        every = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        return next((dict(item) for item in every if item["name"] == name), {})

    def waiting(self, name: str) -> str:
        """Why a container does not run."""
        return str(self.status(name).get("state", {}).get("waiting", {}).get("reason", ""))

    def called(self, *verbs: str) -> list[str]:
        """What was done to the pod's containers with these verbs."""
        ours = ("sandbox", "forwarder")
        done = [call for call in self.runtime.calls if call.partition(" ")[0].partition("(")[0] in verbs]
        return [call for call in done if not call.endswith(ours)]

    def messages(self, reason: str) -> list[str]:
        """What events say for a reason."""
        return [event["message"] for event in self.store.all("Event") if event["reason"] == reason]

    async def phase(self, wanted: str) -> None:
        """Wait for a phase of the pod."""
        await until(lambda: self.pod.get("status", {}).get("phase") == wanted)

    async def _follow(self, runner: PodRunner) -> None:
        """Report what happens to the runner, as the built-in context does."""
        while True:
            try:
                async with aclosing(self.runtime.events({labels.PROJECT: "p"})) as events:
                    async for _ in events:
                        runner.mark_dirty()
            except ClusterUnreachableError:
                runner.mark_dirty()
                await asyncio.sleep(FIRST_PAUSE)
