"""The running containers of the built-in context: logs, commands, connections. The seam `Containers`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

from pytilt.cluster.log_position import LogPosition
from pytilt.cluster.seam import ByteStream, ContainerRef, ContainerRun, ExecStream
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.pods.log_lines import Lines, LogSource, docker_lines, podman_lines
from pytilt.engines.pods.pool import PodPool, RunningPod
from pytilt.engines.podspec.plan import Instance, RunState, all_containers
from pytilt.errors import ClusterUnreachableError, DockerApiError, SyncError


class EngineContainers:
    """Ways into the containers of a project's pods.

    Args:
        context: the collaborators.
        pool: runs the pods.
    """

    forwards_plainly = True

    def __init__(self, context: EngineContext, pool: PodPool) -> None:
        self._context = context
        self._pool = pool
        self._positions: dict[ContainerRef, dict[str, LogPosition]] = {}
        """How far the logs of the present and the previous instance of a container were read."""
        self._complete: set[str] = set()
        """Instances whose logs were read to the end; only such as are in `_positions`."""

    async def logs(
        self, ref: ContainerRef, *, since: str = "", running: ContainerRun | None = None
    ) -> AsyncGenerator[tuple[str, str]]:
        """Follow the log of one container until it ends; see the seam."""
        del running  # what runs is known here
        instance = await self._first_instance(ref)
        previous = self._previous(ref, instance)
        position = self._note_instances(ref, instance, previous)[instance.id]
        try:
            if previous is not None and previous.id not in self._complete:
                async with aclosing(self._rest_of_previous(ref, previous, since)) as lines:
                    async for line in lines:
                        yield line
            position.connect()
            async with aclosing(self._lines(ref, self._source(ref, instance), since)) as lines:
                async for line in lines:
                    position.is_new(line[0])
                    yield line
            self._complete.add(instance.id)
        except DockerApiError as error:
            raise ClusterUnreachableError(f"the log of `{ref.container}` cannot be read: {error.message}") from error

    def _note_instances(
        self, ref: ContainerRef, instance: Instance, previous: Instance | None
    ) -> Mapping[str, LogPosition]:
        """The positions of the instances that are there; those of earlier ones are forgotten."""
        before = self._positions.get(ref, {})
        present = [each.id for each in (previous, instance) if each is not None]
        found = self._positions[ref] = {identity: before.get(identity) or LogPosition() for identity in present}
        self._complete -= before.keys() - found.keys()
        return found

    async def _rest_of_previous(self, ref: ContainerRef, previous: Instance, since: str) -> Lines:
        """What an instance wrote that ended before its log was read to the end."""
        position = self._positions[ref][previous.id]
        begin = LogPosition(since)
        position.connect()
        async with aclosing(self._lines(ref, self._source(ref, previous), position.upto or since)) as lines:
            async for line in lines:
                if position.is_new(line[0]) and begin.is_new(line[0]):
                    yield line
        self._complete.add(previous.id)

    def _source(self, ref: ContainerRef, instance: Instance) -> LogSource:
        return LogSource(runtime=self._context.runtime, container=instance.id, terminal=self._has_terminal(ref))

    def _lines(self, ref: ContainerRef, source: LogSource, since: str) -> Lines:
        if not self._context.node.podman:
            return docker_lines(source, since)

        def runs() -> bool:
            instance = self._instance(ref)
            return instance is not None and instance.id == source.container and instance.running

        return podman_lines(source, since, runs=runs)

    @asynccontextmanager
    async def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AsyncIterator[ExecStream]:
        """Run a command in a container; see the seam."""
        instance = self._instance(ref)
        if instance is None or not instance.running:
            raise SyncError(f"the container `{ref.container}` of `Pod/{ref.pod}` does not run")
        async with self._context.runtime.exec(instance.id, argv) as stream:
            yield stream

    @asynccontextmanager
    async def forward(self, namespace: str, pod: str, port: int) -> AsyncIterator[ByteStream]:
        """Open one connection to a port of a pod; see the seam.

        A program that listens on the pod's localhost only is reached too, as in a cluster.
        """
        stored = self._context.store.get("Pod", namespace, pod)
        runner = self._pool.runner(stored) if stored is not None else None
        if runner is None or not runner.sandbox.running:
            raise ClusterUnreachableError(f"`Pod/{pod}` does not run")
        sandbox = runner.sandbox
        async with self._context.network.connect_anyhow(sandbox.id, sandbox.address, port) as stream:
            yield stream

    async def _first_instance(self, ref: ContainerRef) -> Instance:
        """The container's present instance, once it has been started."""
        while True:
            changed = asyncio.Event()

            def note(_: object, changed: asyncio.Event = changed) -> None:
                changed.set()

            self._context.store.listen(note)
            try:
                instance = self._instance(ref)
                if instance is not None and instance.id and instance.state is not RunState.CREATED:
                    return instance
                if self._context.store.get("Pod", ref.namespace, ref.pod) is None:
                    self._complete -= self._positions.pop(ref, {}).keys()
                    raise ClusterUnreachableError(f"there is no `Pod/{ref.pod}`")
                await changed.wait()
            finally:
                self._context.store.unlisten(note)

    def _instance(self, ref: ContainerRef) -> Instance | None:
        runner = self._runner(ref)
        return runner.instance(ref.container) if runner is not None else None

    def _previous(self, ref: ContainerRef, instance: Instance) -> Instance | None:
        """The instance before one; None where the engine has none any more."""
        runner = self._runner(ref)
        found = runner.previous_instance(ref.container) if runner is not None else None
        return found if found is not None and found.id and found.attempt < instance.attempt else None

    def _runner(self, ref: ContainerRef) -> RunningPod | None:
        pod = self._context.store.get("Pod", ref.namespace, ref.pod)
        return self._pool.runner(pod) if pod is not None else None

    def _has_terminal(self, ref: ContainerRef) -> bool:
        pod = self._context.store.get("Pod", ref.namespace, ref.pod)
        containers = all_containers(pod) if pod is not None else ()
        return any(bool(c.get("tty")) for c in containers if c["name"] == ref.container)
