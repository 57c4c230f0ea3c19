"""Forwards to pods that a test plays, and the helper of this machine that may carry their connections."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from pytilt.errors import PortClosedError
from pytilt.host.listening import PortListener
from pytilt.host.ports import free_port
from pytilt.loop.pods.direct_forwards import DirectForwards, Settle
from pytilt.loop.pods.forwarding import Forwarding, Rechecks
from pytilt.model.names import ResourceName
from pytilt.model.objects import PortForward, PortForwardStatus, Runtime, RuntimeState
from pytilt.model.pods import Container, Pod
from pytilt.model.resources import PortForwardSpec as Forward
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.containers import FakeConnection, FakeContainers
from tests.loop.waiting import running, until

QUICK = Rechecks(first=0.02, longest=0.02, silence=0.1)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionResetError):
        await writer.wait_closed()


async def echo(connection: FakeConnection) -> None:
    """A pod that sends its name before all it receives."""
    while True:
        connection.write(connection.pod.encode() + b": " + await connection.read())


class FakeGrant:
    """Leave to accept at a listener; what it accepts is greeted, and kept."""

    def __init__(self, listener: PortListener, *, takes: bool) -> None:
        self.listener = listener
        self.takes = takes
        self.holds, self.over = True, False
        self.open: list[socket.socket] = []
        self.returned = 0
        self._sockets = [socket.socket(fileno=os.dup(each)) for each in listener.descriptors]
        listener.pause()
        for each in self._sockets:
            asyncio.get_running_loop().add_reader(each, self._accept, each)

    def _accept(self, listening: socket.socket) -> None:
        connection, _ = listening.accept()
        if self.takes:
            connection.send(b"directly")
            self.open.append(connection)
        else:
            self.listener.take(connection)
            self.returned += 1
            self.revoke()

    @property
    def carried(self) -> int:
        return len(self.open)

    def revoke(self) -> None:
        if self.holds:
            self.holds = False
            self.listener.resume()
            for each in self._sockets:
                asyncio.get_running_loop().remove_reader(each)
                each.close()

    async def stopped(self) -> None:
        await asyncio.sleep(0)
        assert not self.holds

    def cut(self) -> None:
        for each in self.open:
            each.close()
        self.open.clear()


class PodHelper:
    """The helper in every pod."""

    def __init__(self) -> None:
        self.takes = False
        self.grants: list[FakeGrant] = []
        self.ports: list[int] = []
        self.settle: Settle = lambda go: go()

    def grant(
        self, listener: PortListener, port: int, address: str = "", settle: Settle = lambda go: go()
    ) -> FakeGrant:
        assert not address
        self.ports.append(port)
        self.settle = settle
        self.grants.append(FakeGrant(listener, takes=self.takes))
        return self.grants[-1]

    def carries(self) -> bool:
        return any(each.open for each in self.grants)


class Trial:
    """Forwards to pods that the test plays."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store = store
        self.containers = FakeContainers()
        self.containers.answer_forward(echo)
        self.port = free_port("127.0.0.1")
        self.helper = PodHelper()
        direct = DirectForwards(lambda _: self.helper, lambda: 0.0)
        self.saves: dict[str, asyncio.Event] = {}
        """What is to be live before connections to a resource go on."""
        self.forwarding = Forwarding(store, logs, self.containers, "127.0.0.1", direct, QUICK, self.settle)

    def settle(self, resource: str, go: Callable[[], object]) -> Coroutine[None, None, None] | None:
        if resource not in self.saves:
            go()
            return None
        return self._after(self.saves[resource], go)

    async def _after(self, saved: asyncio.Event, go: Callable[[], object]) -> None:
        await saved.wait()
        go()

    def close(self) -> None:
        for each in self.helper.grants:
            each.cut()

    def declare(self, **fields: object) -> None:
        spec = Forward(**{"local_port": self.port, **fields})  # type: ignore[arg-type]  # fields of a forward
        self.store.put(PortForward(name="web:1", resource=ResourceName("web"), spec=spec))

    def pods(self, *names: str, ports: tuple[int, ...] = (), leaving: tuple[str, ...] = (), **fields: object) -> None:
        """Say that these pods of `web` run, the best first."""
        container = Container(name="c", image="i", ports=ports)
        found = tuple(
            Pod(
                **{
                    "name": name,
                    "namespace": "default",
                    "uid": name,
                    "created_at": "2026-01-01T00:00:00Z",
                    "phase": "Running",
                    "containers": (container,),
                    **fields,
                }  # type: ignore[arg-type]  # fields of a pod
            )
            for name in names
        )
        self.store.put(Runtime(name="web", status=RuntimeState(pods=found, leaving=leaving)))

    def status(self) -> PortForwardStatus:
        found = self.store.get(PortForward, "web:1")
        assert found
        return found.status

    @asynccontextmanager
    async def forwards_to(self, pod: str) -> AsyncIterator[asyncio.TaskGroup]:
        """Forward to a pod for as long as the block."""
        self.declare()
        self.pods(pod)
        async with running(self.forwarding.run()) as group:
            await self.listening()
            yield group

    async def listening(self) -> None:
        await until(self.store, lambda: self.status().listening)

    async def ask(self, text: bytes) -> bytes:
        """What a client receives that sends this."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(text)
            return await reader.read(1000)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()
            with contextlib.suppress(ConnectionResetError):
                await writer.wait_closed()


async def refuse(_: FakeConnection) -> None:
    """As a cluster that reports a refused connection only when it is read."""
    raise PortClosedError("nothing listens")
