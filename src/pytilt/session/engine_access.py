"""The built-in context `engine`, opened when it is first needed: a project of processes needs none."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from pytilt.cluster.seam import (
    ByteStream,
    Change,
    ClusterInfo,
    ContainerRef,
    ContainerRun,
    ExecStream,
    Notify,
    ObjectRef,
)
from pytilt.docker.engine import Engine
from pytilt.errors import PytiltError
from pytilt.images.credentials import RegistryCredentials
from pytilt.loop.failures import first_failure
from pytilt.model.resources import KubeObject

if TYPE_CHECKING:
    from pytilt.engines.cluster import EngineCluster


class EngineAccess:
    """Both seams to the machine's container engine.

    Args:
        engine: the engine.
        credentials: finds those for pulling images.
        project: whose pods they are.
        namespace: where objects without namespace go.
        expected: open it at once and make it ready, since something will be deployed.
    """

    forwards_plainly = True

    def __init__(
        self, engine: Engine, credentials: RegistryCredentials, project: str, namespace: str, *, expected: bool
    ) -> None:
        self._engine = engine
        self._credentials = credentials
        self._project = project
        self._namespace = namespace
        self._asked = asyncio.Event()
        self._over = asyncio.Event()
        self._opened: asyncio.Future[EngineCluster] = asyncio.get_running_loop().create_future()
        self._expected = expected
        if expected:
            self._asked.set()

    async def hold(self) -> None:
        """Open the context when it is first needed, and hold it until `close`; a failure is raised to who asked."""
        while not self._over.is_set():
            await self._asked.wait()
            self._asked.clear()
            if self._over.is_set():
                return
            from pytilt.docker.runtime import DockerRuntime  # imported here: most sessions need none of it
            from pytilt.engines.cluster import engine_cluster

            try:
                runtime = DockerRuntime(await self._engine.api())
                async with engine_cluster(
                    runtime, self._project, self._namespace, credentials=self._credentials.find
                ) as cluster:
                    self._opened.set_result(cluster)
                    if self._expected:
                        with suppress(PytiltError):  # what is applied prepares it again, and reports why that fails
                            await cluster.prepare(())
                    await self._over.wait()
            except PytiltError as problem:
                failed, self._opened = self._opened, asyncio.get_running_loop().create_future()
                if failed.done():
                    raise
                failed.set_exception(problem)
                failed.exception()  # nobody may have asked yet; who does gets it from another try

    def close(self) -> None:
        """Let `hold` end in order."""
        self._over.set()
        self._asked.set()

    async def info(self) -> ClusterInfo:
        """See `Cluster.info`."""
        return await (await self._cluster()).info()

    async def prepare(self, objects: Sequence[KubeObject]) -> None:
        """See `Cluster.prepare`."""
        await (await self._cluster()).prepare(objects)

    async def apply(
        self,
        wanted: KubeObject,
        *,
        timeout: float,  # noqa: ASYNC109 - as in the seam
        notify: Notify = lambda _: None,
    ) -> KubeObject:
        """See `Cluster.apply`."""
        return await (await self._cluster()).apply(wanted, timeout=timeout, notify=notify)

    async def delete(self, ref: ObjectRef, *, wait: bool = False) -> bool:
        """See `Cluster.delete`."""
        return await (await self._cluster()).delete(ref, wait=wait)

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """See `Cluster.get`."""
        return await (await self._cluster()).get(ref)

    async def watch(self, api_version: str, kind: str, *, namespace: str = "") -> AsyncIterator[Change]:
        """See `Cluster.watch`."""
        async for change in (await self._cluster()).watch(api_version, kind, namespace=namespace):
            yield change

    async def logs(
        self, ref: ContainerRef, *, since: str = "", running: ContainerRun | None = None
    ) -> AsyncIterator[tuple[str, str]]:
        """See `Containers.logs`."""
        async for line in (await self._cluster()).containers.logs(ref, since=since, running=running):
            yield line

    @asynccontextmanager
    async def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AsyncIterator[ExecStream]:
        """See `Containers.exec`."""
        async with (await self._cluster()).containers.exec(ref, argv) as stream:
            yield stream

    @asynccontextmanager
    async def forward(self, namespace: str, pod: str, port: int) -> AsyncIterator[ByteStream]:
        """See `Containers.forward`."""
        async with (await self._cluster()).containers.forward(namespace, pod, port) as stream:
            yield stream

    async def _cluster(self) -> "EngineCluster":
        opened = self._opened
        if not opened.done():
            self._asked.set()
        return await asyncio.shield(opened)


@asynccontextmanager
async def engine_access(
    engine: Engine, credentials: RegistryCredentials, project: str, namespace: str, *, expected: bool = False
) -> AsyncIterator[EngineAccess]:
    """Access to the built-in context for as long as the block; what runs there runs on after it.

    The arguments are those of `EngineAccess`.
    """
    try:
        async with asyncio.TaskGroup() as group:
            access = EngineAccess(engine, credentials, project, namespace, expected=expected)
            group.create_task(access.hold(), name="engine")
            yield access
            access.close()
    except ExceptionGroup as failures:
        problems, bugs = failures.split(PytiltError)
        # A bug in the context makes everything else fail too; it must not hide behind that.
        raise bugs or first_failure(problems or failures) from None
