"""Port forwards: listeners that stay bound while pods come and go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from pytilt.cluster import ownership
from pytilt.cluster.seam import ByteStream, Containers
from pytilt.errors import UnreachableError
from pytilt.host.ports import PortHolder, holder_of
from pytilt.loop.failures import first_failure
from pytilt.model.logs import Level
from pytilt.model.names import SpanId
from pytilt.model.objects import PortForward, Runtime
from pytilt.model.pods import Pod
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

PATIENCE_SECONDS = 20.0
"""How long a connection waits for a pod to go to, while one is being replaced."""

LINGER_SECONDS = 5.0
"""How long the pod's side may still answer a client that has closed its own."""

CHUNK = 65536


class Forwarding:
    """Keeps one listener for every `PortForward` and writes its status.

    Args:
        store: the session's objects.
        logs: takes what goes wrong.
        containers: opens connections to pods.
        host: where to listen unless the forward says it.
    """

    def __init__(self, store: Store, logs: LogStore, containers: Containers, host: str) -> None:
        self._store = store
        self._logs = logs
        self._containers = containers
        self._host = host
        self._running: dict[str, tuple[PortForward, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Keep listeners equal to what is declared, without end; leaving closes them."""
        async with asyncio.TaskGroup() as group:
            async for _ in self._store.watch(PortForward):
                await self.turn(group)

    async def turn(self, group: asyncio.TaskGroup) -> None:
        """One turn: close what is not declared any more, listen where nobody does yet."""
        declared = {each.name: each for each in self._store.snapshot().all(PortForward)}
        for name, (what, task) in list(self._running.items()):
            if name not in declared or declared[name].spec != what.spec:
                del self._running[name]
                task.cancel()
                await asyncio.wait([task])
        for name, forward in declared.items():
            if name not in self._running:
                self._running[name] = (forward, group.create_task(self._listen(forward), name=f"forward {name}"))

    async def _listen(self, forward: PortForward) -> None:
        host = forward.spec.host or self._host
        retry, told = 0.05, ""
        async with asyncio.TaskGroup() as connections:
            while True:
                try:
                    async with self._server(forward, host, connections):
                        self._write(forward.name, listening=True, error="")
                        await asyncio.Event().wait()
                except OSError as problem:
                    taken = await holder_of(forward.spec.local_port)
                    text = f"cannot listen on {host}:{forward.spec.local_port}: {_why(problem, taken)}"
                    if text != told:
                        self._say(forward, text)
                    told = text
                    self._write(forward.name, listening=False, error=text)
                await asyncio.sleep(retry)
                retry = min(2 * retry, 2.0)

    @asynccontextmanager
    async def _server(self, forward: PortForward, host: str, connections: asyncio.TaskGroup) -> AsyncIterator[None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.create_task(self._connection(forward, reader, writer), name=f"connection {forward.name}")

        server = await asyncio.start_server(accept, host, forward.spec.local_port, backlog=128)
        try:
            yield
        finally:
            server.close()

    async def _connection(
        self, forward: PortForward, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one client; whatever happens to it, the listener goes on."""
        try:
            await self._carry(forward, reader, writer)
        except ExceptionGroup as failures:
            self._lost(forward, first_failure(failures))
        except (OSError, UnreachableError) as problem:
            self._lost(forward, problem)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _carry(self, forward: PortForward, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                pod = await self._pod(forward)
        except TimeoutError:
            self._say(forward, "no pod takes connections")
            return
        port = ownership.container_port(pod, forward.spec)
        async with self._containers.forward(pod.namespace, pod.name, port) as stream:
            self._write(forward.name, pod=pod.name, container_port=port, error="")
            await _pump(reader, writer, stream)

    def _lost(self, forward: PortForward, problem: BaseException) -> None:
        if isinstance(problem, UnreachableError):
            self._say(forward, str(problem))
        elif not isinstance(problem, OSError):  # a client that went away needs no word
            raise problem

    async def _pod(self, forward: PortForward) -> Pod:
        """The pod to go to, as soon as there is one."""
        async for _ in self._store.watch(Runtime):
            runtime = self._store.get(Runtime, forward.resource)
            pod = ownership.forward_pod(runtime.status.pods) if runtime else None
            if pod is not None:
                return pod
        raise AssertionError  # a watch has no end

    def _say(self, forward: PortForward, text: str) -> None:
        span = self._logs.span(forward.resource, SpanId(f"forward:{forward.name}"))
        port = forward.spec.local_port
        span(f"Error port-forwarding {forward.resource} ({port}): {text}\n", level=Level.ERROR)

    def _write(self, name: str, **fields: str | int | bool) -> None:
        self._store.change(
            PortForward,
            name,
            lambda forward: replace(forward, status=replace(forward.status, **fields)),
        )


def _why(problem: OSError, taken: PortHolder | None) -> str:
    return f"it is taken by {taken.name} (process {taken.pid})" if taken else problem.strerror or str(problem)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: ByteStream) -> None:
    """Carry bytes both ways until the pod's side ends, or says nothing more once the client is done."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:

            async def out() -> None:
                while data := await reader.read(CHUNK):
                    await stream.send(data)
                limit.reschedule(asyncio.get_running_loop().time() + LINGER_SECONDS)

            sending = group.create_task(out(), name="to pod")
            while data := await stream.receive():
                writer.write(data)
                await writer.drain()
            sending.cancel()
