"""The running containers of the built-in context: logs, commands, connections. The seam `Containers`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from pytilt.cluster.seam import ByteStream, ContainerRef, ContainerRun, ExecStream
from pytilt.docker.runtime import pieces
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.pods.pool import PodPool
from pytilt.engines.podspec.plan import Instance, RunState, all_containers
from pytilt.errors import ClusterUnreachableError, DockerApiError, SyncError
from pytilt.model.times import engine_since, in_utc, podman_since


class EngineContainers:
    """Ways into the containers of a project's pods.

    Args:
        context: the collaborators.
        pool: runs the pods.
    """

    def __init__(self, context: EngineContext, pool: PodPool) -> None:
        self._context = context
        self._pool = pool

    async def logs(
        self, ref: ContainerRef, *, since: str = "", running: ContainerRun | None = None
    ) -> AsyncGenerator[tuple[str, str]]:
        """Follow the log of one container until it ends; see the seam."""
        del running  # what runs is known here
        instance = await self._first_instance(ref)
        start = (podman_since(since) if self._context.node.podman else engine_since(since)) if since else ""
        terminal = self._has_terminal(ref)
        try:
            async with (
                self._context.runtime.logs(instance.id, since=start) as chunks,
                aclosing(_lines(chunks, terminal=terminal)) as lines,
            ):
                async for line in lines:
                    yield line
        except DockerApiError as error:
            raise ClusterUnreachableError(f"the log of `{ref.container}` cannot be read: {error.message}") from error

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
                    raise ClusterUnreachableError(f"there is no `Pod/{ref.pod}`")
                await changed.wait()
            finally:
                self._context.store.unlisten(note)

    def _instance(self, ref: ContainerRef) -> Instance | None:
        pod = self._context.store.get("Pod", ref.namespace, ref.pod)
        runner = self._pool.runner(pod) if pod is not None else None
        return runner.instance(ref.container) if runner is not None else None

    def _has_terminal(self, ref: ContainerRef) -> bool:
        pod = self._context.store.get("Pod", ref.namespace, ref.pod)
        containers = all_containers(pod) if pod is not None else ()
        return any(bool(c.get("tty")) for c in containers if c["name"] == ref.container)


async def _lines(chunks: AsyncIterator[bytes], *, terminal: bool) -> AsyncGenerator[tuple[str, str]]:
    """Times and lines of a log; the engine cuts long lines into pieces, which are put together again."""
    open_lines: dict[int, tuple[str, bytes]] = {}
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        for channel, piece in _records(buffer, terminal=terminal):
            stamp, _, text = piece.partition(b" ")
            begun, before = open_lines.pop(channel, (in_utc(stamp.decode(errors="replace")) or "", b""))
            if text.endswith(b"\n"):
                yield begun, (before + text).decode(errors="replace")
            else:
                open_lines[channel] = begun, before + text
    for begun, text in open_lines.values():
        yield begun, text.decode(errors="replace") + "\n"


def _records(buffer: bytearray, *, terminal: bool) -> list[tuple[int, bytes]]:
    if not terminal:
        return list(pieces(buffer))
    *whole, rest = bytes(buffer).split(b"\n")
    buffer[:] = rest
    return [(1, line.rstrip(b"\r") + b"\n") for line in whole]
