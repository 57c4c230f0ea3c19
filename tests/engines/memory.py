"""The built-in context on a container runtime in memory, in virtual time: nothing runs, and nothing is waited for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytilt.engines.cluster import EngineCluster, engine_cluster
from pytilt.engines.objects import labels
from pytilt.model.resources import KubeObject
from pytilt.testing.engine_container import FakeContainer
from pytilt.testing.runtime import FakeRuntime
from tests.engines.trial import Trial
from tests.virtual_time import unix_time

VIRTUAL_PATIENCE = 600.0
"""Virtual seconds."""


class MemoryTrial(Trial):
    """A cluster under test whose engine the test plays."""

    runtime: FakeRuntime

    def __init__(self, cluster: EngineCluster, runtime: FakeRuntime, project: str) -> None:
        super().__init__(cluster, runtime, project)
        self.patience = VIRTUAL_PATIENCE
        self.runtime = runtime

    async def pods(self, app: str) -> list[KubeObject]:
        """The pods of an app, those that are ending too."""
        found = await self.until(lambda _: True)
        return [each for each in found if each["metadata"].get("labels", {}).get("app") == app]

    def container(self, pod: KubeObject, name: str = "c") -> FakeContainer:
        """The newest container of a pod, by its name there or its role."""
        mine = pod["metadata"]["uid"]
        found = [
            each
            for each in self.runtime.all.values()
            if each.labels.get(labels.POD_UID) == mine
            and name in (each.labels.get(labels.CONTAINER), each.labels[labels.ROLE])
        ]
        return found[-1]


@asynccontextmanager
async def in_memory(runtime: FakeRuntime | None = None, project: str = "p") -> AsyncIterator[MemoryTrial]:
    """One session of a project on a runtime of its own, or on one that earlier sessions left."""
    runtime = runtime or FakeRuntime(unix_time)
    async with engine_cluster(runtime, project, clock=unix_time) as cluster:
        yield MemoryTrial(cluster, runtime, project)
