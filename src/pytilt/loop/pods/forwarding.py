"""Port forwards: listeners that stay bound while pods come and go."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial

from msgspec.structs import replace

from pytilt.cluster import ownership
from pytilt.cluster.seam import Containers
from pytilt.errors import PortClosedError, PytiltError
from pytilt.host.listening import PortListener
from pytilt.host.ports import PortHolder, holder_of
from pytilt.loop.failures import first_failure
from pytilt.loop.pods.direct_forwards import DirectForwards
from pytilt.loop.pods.piping import ReplayedSource, pipe
from pytilt.loop.pods.pod_lookup import POD_ASPECTS, POD_SOURCES, Pods, PodSource, pods_of
from pytilt.model.base import Value
from pytilt.model.logs import Level
from pytilt.model.names import SpanId
from pytilt.model.objects import PortForward
from pytilt.model.pods import Pod
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

PATIENCE_SECONDS = 20.0
"""How long a connection waits for a pod to go to, while one is being replaced."""


Settle = Callable[[str, Callable[[], object]], Coroutine[None, None, None] | None]
"""Given a resource, calls what it is given once what was saved before now is in its pods. None: it has; else what is to
be run until then."""


def _at_once(_: str, go: Callable[[], object]) -> None:
    go()


class Rechecks(Value):
    """When to look again whether something listens at a port where nothing did; each time after twice as long."""

    first: float = 1.0
    soon: float = 0.01
    """In a pod that has just been started."""
    longest: float = 15.0
    silence: float = 1.0
    """A connection that lives so long without a word was accepted."""


class Forwarding:
    """Keeps one listener for every `PortForward` and writes its status.

    Args:
        store: the session's objects.
        logs: takes what goes wrong.
        containers: opens connections to pods.
        host: where to listen unless the forward says it.
        direct: has forwards granted to the helper on this machine; None: all connections go through the cluster.
        rechecks: when to look again at a port where nothing listened.
        settle: has connections wait for what was saved before.
    """

    def __init__(
        self,
        store: Store,
        logs: LogStore,
        containers: Containers,
        host: str,
        direct: DirectForwards | None = None,
        rechecks: Rechecks | None = None,
        settle: Settle = _at_once,
    ) -> None:
        self._settle = settle
        self._group: asyncio.TaskGroup | None = None
        self._store = store
        self._logs = logs
        self._containers = containers
        self._host = host
        self._rechecks = rechecks or Rechecks()
        self._direct = direct or DirectForwards()
        self._running: dict[str, tuple[PortForward, asyncio.Task[None]]] = {}
        self._listeners: dict[str, PortListener] = {}
        self._connections: dict[asyncio.Task[None], tuple[PodSource, str]] = {}
        self._rechecking: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Keep listeners equal to what is declared, without end; leaving closes them."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                group.create_task(self._follow_pods(), name="pods of forwards")
                async for _ in self._store.watch(PortForward):
                    await self.turn(group)
            finally:
                self._group = None

    async def turn(self, group: asyncio.TaskGroup) -> None:
        """One turn: close what is not declared any more, listen where nobody does yet."""
        declared = {each.name: each for each in self._store.snapshot().all(PortForward)}
        for name, (what, task) in list(self._running.items()):
            if name not in declared or declared[name].spec != what.spec:
                del self._running[name]
                task.cancel()
                await asyncio.wait([task])
                self._direct.cut(name)
        for name, forward in declared.items():
            if name not in self._running:
                self._running[name] = (forward, group.create_task(self._listen(forward), name=f"forward {name}"))

    async def _follow_pods(self) -> None:
        """Break connections to pods that are gone, and forget what was said of a pod that is replaced."""
        async for _ in self._store.watch(*POD_SOURCES, aspects=POD_ASPECTS):
            for task, (source, pod) in list(self._connections.items()):
                if not self._is_there(source, pod):
                    task.cancel()
            self._direct.cut_unless(self._is_carried)
            self._direct.revoke_unless(self._leads_on)
            for forward in self._store.snapshot().all(PortForward):
                status = forward.status
                if status.listening and status.error and not self._leads_to(forward, status.pod):
                    self._write(forward.name, error="")

    def _is_there(self, source: PodSource, pod: str) -> bool:
        pods = pods_of(self._store, source) or Pods()
        return pod in pods.leaving or any(each.name == pod for each in pods.present)

    def _is_carried(self, name: str, pod: str) -> bool:
        forward = self._store.get(PortForward, name)
        return forward is not None and self._is_there(_source(forward), pod)

    def _leads_on(self, name: str, pod: Pod, port: int) -> bool:
        """Does a forward still lead to a port of a pod that is as it was?"""
        forward = self._store.get(PortForward, name)
        best = self._best(forward) if forward is not None else None
        if forward is None or best is None:
            return False
        same = (best.uid, best.ip, best.ready) == (pod.uid, pod.ip, pod.ready)
        return same and ownership.container_port(best, forward.spec) == port

    def _leads_to(self, forward: PortForward, pod: str) -> bool:
        found = self._best(forward)
        return found is not None and found.name == pod

    def _best(self, forward: PortForward) -> Pod | None:
        pods = pods_of(self._store, _source(forward))
        return ownership.forward_pod(pods.present) if pods else None

    async def _listen(self, forward: PortForward) -> None:
        host = forward.spec.host or self._host
        retry, reported = 0.05, ""
        async with asyncio.TaskGroup() as connections:
            while True:
                try:
                    async with self._server(forward, host, connections):
                        self._write(forward.name, listening=True, error="")
                        await asyncio.Event().wait()
                except OSError as problem:
                    taken = await holder_of(forward.spec.local_port)
                    text = f"cannot listen on {host}:{forward.spec.local_port}: {_why(problem, taken)}"
                    if text != reported:
                        self._say(forward, text)
                    reported = text
                    self._write(forward.name, listening=False, error=text)
                await asyncio.sleep(retry)
                retry = min(2 * retry, 2.0)

    @asynccontextmanager
    async def _server(self, forward: PortForward, host: str, connections: asyncio.TaskGroup) -> AsyncIterator[None]:
        def accept(connection: socket.socket) -> None:
            connections.create_task(
                self._connection(forward, connections, connection), name=f"connection {forward.name}"
            )

        listener = self._listeners[forward.name] = await PortListener.open(host, forward.spec.local_port, accept)
        try:
            yield
        finally:
            del self._listeners[forward.name]
            try:
                await self._direct.withdraw(forward.name)  # somebody else may want the port at once
            finally:
                listener.close()

    async def _connection(
        self,
        forward: PortForward,
        connections: asyncio.TaskGroup,
        accepted: socket.socket,
    ) -> None:
        """Serve one client; whatever happens to it, the listener goes on."""
        try:
            reader, writer = await asyncio.open_connection(sock=accepted)
        except OSError:  # it is broken already
            return
        whole = False
        source, pause = ReplayedSource(reader), self._rechecks.soon
        try:
            if (settled := self._settle(forward.resource, lambda: None)) is not None:
                await settled
            while (pod := await self._pod(forward)) is not None:
                answer = await self._carry(forward, pod, source, writer, connections)
                if answer is not None:
                    whole = answer
                    break
                await asyncio.sleep(pause)
                pause *= 2
        finally:
            if not whole:
                _reset(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _carry(
        self,
        forward: PortForward,
        pod: Pod,
        source: ReplayedSource,
        writer: asyncio.StreamWriter,
        connections: asyncio.TaskGroup,
    ) -> bool | None:
        """Carry bytes until both sides are done.

        Returns:
            Whether none were lost; None where a pod that has just been started does not answer yet.
        """
        port = ownership.container_port(pod, forward.spec)
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = (_source(forward), pod.name)
        problem: BaseException | None = None
        opened = self._direct.now()
        try:
            async with self._containers.forward(pod.namespace, pod.name, port) as stream:
                self._write(forward.name, pod=pod.name, container_port=port)
                await pipe(source, writer, stream, lambda: self._answers(forward, pod, opened, source))
        except ExceptionGroup as failures:
            problem = first_failure(failures)
        except (OSError, PytiltError) as failure:
            problem = failure
        finally:
            del self._connections[task]
        if isinstance(problem, PytiltError) and pod.phase != "Running" and source.rewind():
            return None
        if isinstance(problem, PortClosedError):
            self._closed(forward, pod, port, connections)
        elif isinstance(problem, PytiltError):
            self._say(forward, str(problem))
        elif problem is not None and not isinstance(problem, OSError):  # a client that went away needs no word
            raise problem
        return problem is None

    def _answers(self, forward: PortForward, pod: Pod, opened: float, source: ReplayedSource | None = None) -> None:
        """Something listens in the pod; said again and again of a connection that goes on."""
        if source is not None and source.settled:
            return
        if source is not None:
            source.settle()
        now = self._store.get(PortForward, forward.name)
        if now is not None and now.status.listening and now.status.error:
            self._write(forward.name, error="")
        self._direct.authorize(pod, opened)
        best, listener = self._best(forward), self._listeners.get(forward.name)
        if best is not None and best.uid == pod.uid and listener is not None:
            port = ownership.container_port(best, forward.spec)
            self._direct.grant(forward.name, best, port, listener, partial(self._wait_for_saves, forward.resource))

    def _wait_for_saves(self, resource: str, go: Callable[[], object]) -> None:
        """Have a connection go on that the helper on this machine has accepted, once what was saved before is there."""
        if self._group is None:
            go()
        elif (waits := self._settle(resource, go)) is not None:
            self._group.create_task(waits, name=f"saves of {resource}")

    def _closed(self, forward: PortForward, pod: Pod, port: int, group: asyncio.TaskGroup) -> None:
        """Nothing listens in the pod: say so, once, and look again until something does."""
        text = f"nothing listens at port {port} of pod `{pod.name}`"
        now = self._store.get(PortForward, forward.name)
        if now is None or not now.status.listening or now.status.error == text:
            return
        self._say(forward, f"{text}\nhint: {_remedy(pod, forward, port)}")
        self._write(forward.name, error=text, pod=pod.name, container_port=port)
        previous = self._rechecking.get(forward.name)
        if previous is None or previous.done():
            self._rechecking[forward.name] = group.create_task(
                self._recheck(forward, pod, port, text), name=f"recheck {forward.name}"
            )

    async def _recheck(self, forward: PortForward, pod: Pod, port: int, text: str) -> None:
        """Look again until something listens, or the forward leads elsewhere."""
        pause = self._rechecks.first
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._rechecks.longest)
            now = self._store.get(PortForward, forward.name)
            if now is None or now.status.error != text:
                return
            opened = self._direct.now()
            if await self._accepts(pod, port):
                self._answers(forward, pod, opened)
                return

    async def _accepts(self, pod: Pod, port: int) -> bool:
        try:
            async with (
                asyncio.timeout(self._rechecks.silence) as limit,
                self._containers.forward(pod.namespace, pod.name, port) as stream,
            ):
                await stream.receive()
        except TimeoutError:
            return limit.expired()
        except PytiltError:
            return False
        except ExceptionGroup as failures:
            if not isinstance(first_failure(failures), PytiltError):
                raise
            return False
        return True

    async def _pod(self, forward: PortForward) -> Pod | None:
        """The pod to go to, as soon as there is one; None where there is none for long."""
        if (present := self._best(forward)) is not None:
            return present
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for _ in self._store.watch(*POD_SOURCES):
                    pod = self._best(forward)
                    if pod is not None:
                        return pod
        self._say(forward, "no pod takes connections")
        return None

    def _say(self, forward: PortForward, text: str) -> None:
        span = self._logs.span(forward.resource, SpanId(f"forward:{forward.name}"))
        port = forward.spec.local_port
        whose = forward.discovery or forward.resource
        span(f"Error port-forwarding {whose} ({port}): {text}\n", level=Level.ERROR)

    def _write(self, name: str, **fields: str | int | bool) -> None:
        self._store.change(
            PortForward,
            name,
            lambda forward: replace(forward, status=replace(forward.status, **fields)),
        )


def _source(forward: PortForward) -> PodSource:
    return PodSource(resource=forward.resource, discovery=forward.discovery)


def _why(problem: OSError, taken: PortHolder | None) -> str:
    return f"it is taken by {taken.name} (process {taken.pid})" if taken else problem.strerror or str(problem)


def _remedy(pod: Pod, forward: PortForward, port: int) -> str:
    """What to do where nothing listens at a port: the containers may declare others."""
    declared = {each.name: each.ports for each in pod.containers if each.ports and not each.init}
    if not declared or any(port in ports for ports in declared.values()):
        return "wait until the program listens, and have it listen at that port, on 0.0.0.0 or localhost"
    said = "; ".join(
        f"container `{name}` declares port{'s' * (len(ports) > 1)} {', '.join(map(str, ports))}"
        for name, ports in declared.items()
    )
    first = next(iter(declared.values()))[0]
    return f"{said}: write `port_forwards='{forward.spec.local_port}:{first}'`"


def _reset(writer: asyncio.StreamWriter) -> None:
    """Have the client read an error rather than an end, since not all of the answer has come."""
    handle = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
