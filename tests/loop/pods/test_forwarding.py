import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Iterator

import pytest
from msgspec.structs import replace

from pytilt.errors import ClusterUnreachableError, PortClosedError
from pytilt.host.listening import PortListener
from pytilt.host.ports import free_port, is_free
from pytilt.loop.pods.direct_forwards import DirectForwards, Settle
from pytilt.loop.pods.forwarding import Forwarding, Rechecks
from pytilt.model.names import ResourceName
from pytilt.model.objects import PortForward, PortForwardStatus, Runtime, RuntimeState
from pytilt.model.pods import Container, Pod
from pytilt.model.resources import PortForwardSpec as Forward
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.containers import FakeConnection, FakeContainers
from tests.idle import eventually
from tests.loop.waiting import logged, running, until, until_logged

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
            self.revoke()

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
        direct = DirectForwards(lambda _: self.helper)
        self.saves: dict[str, asyncio.Event] = {}
        """What is to be live before connections to a resource go on."""
        self.forwarding = Forwarding(store, logs, self.containers, "127.0.0.1", direct, QUICK, self.settled)

    def settled(self, resource: str) -> Awaitable[object] | None:
        return self.saves[resource].wait() if resource in self.saves else None

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


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Iterator[Trial]:
    trial = Trial(store, logs)
    yield trial
    trial.close()


async def test_a_port_of_this_machine_leads_into_the_pod(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"hello") == b"web-1: hello"
        assert (trial.status().pod, trial.status().container_port) == ("web-1", trial.port)


async def test_the_pods_port_is_the_declared_one_or_the_first_it_lists(trial: Trial):
    trial.declare()
    trial.pods("web-1", ports=(8080, 9090))
    async with running(trial.forwarding.run()):
        await trial.listening()
        await trial.ask(b"x")
    trial.declare(container_port=9090)
    async with running(trial.forwarding.run()):
        await trial.listening()
        await trial.ask(b"x")
    assert [port for _, _, port in trial.containers.connections] == [8080, 9090]


async def test_the_listener_stays_while_pods_change(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"x") == b"web-1: x"
        trial.pods("web-2")
        assert await trial.ask(b"x") == b"web-2: x"


async def test_a_connection_waits_for_a_pod(trial: Trial):
    trial.declare()
    async with running(trial.forwarding.run()) as group:
        await trial.listening()
        received = group.create_task(trial.ask(b"x"))
        trial.pods("web-1", phase="Pending")
        await asyncio.sleep(0)
        assert not trial.containers.connections
        trial.pods("web-1")
        assert await received == b"web-1: x"


async def test_a_forward_that_is_declared_no_more_listens_no_more(trial: Trial):
    trial.declare()
    async with running(trial.forwarding.run()):
        await trial.listening()
        trial.store.delete(PortForward, "web:1")
        await until(trial.store, lambda: trial.store.get(PortForward, "web:1") is None)
        await eventually(lambda: is_free(trial.port, "127.0.0.1"))


async def test_another_port_is_another_listener(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    async with running(trial.forwarding.run()):
        await trial.listening()
        trial.store.change(PortForward, "web:1", lambda each: replace(each, status=PortForwardStatus()))
        trial.port = free_port("127.0.0.1")
        trial.declare()
        await trial.listening()
        assert await trial.ask(b"x") == b"web-1: x"


async def test_a_taken_port_is_reported_with_its_holder_and_used_once_it_is_free(trial: Trial, logs: LogStore):
    trial.declare()
    trial.pods("web-1")
    with socket.create_server(("127.0.0.1", trial.port)):
        async with running(trial.forwarding.run()):
            error = await until(trial.store, lambda: trial.status().error)
    assert f"process {os.getpid()}" in error
    assert not trial.status().listening
    assert f"Error port-forwarding web ({trial.port}): cannot listen on 127.0.0.1:{trial.port}" in logged(logs)


async def test_a_taken_port_is_reported_once_and_heals(trial: Trial, logs: LogStore):
    trial.declare()
    trial.pods("web-1")
    with socket.create_server(("127.0.0.1", trial.port)) as holder:
        async with running(trial.forwarding.run()):
            await until(trial.store, lambda: trial.status().error)
            holder.close()
            await trial.listening()
            assert await trial.ask(b"x") == b"web-1: x"
    assert trial.status().error == ""
    assert logged(logs).count("cannot listen") == 1


async def test_a_pod_that_takes_no_connection_is_reported_and_the_next_one_may_succeed(trial: Trial, logs: LogStore):
    trial.declare()
    trial.pods("web-1")
    trial.containers.fail("web-1", ClusterUnreachableError("nothing listens at port 80"))
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"x") == b""
        await until_logged(logs, "nothing listens at port 80")
        trial.containers.fail("web-1", None)
        assert await trial.ask(b"x") == b"web-1: x"


async def test_a_connection_that_breaks_on_the_pods_side_is_reported(trial: Trial, logs: LogStore):
    async def break_down(connection: FakeConnection) -> None:
        await connection.read()
        raise ClusterUnreachableError("the pod is gone")

    trial.declare()
    trial.pods("web-1")
    trial.containers.answer_forward(break_down)
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"x") == b""
        await until_logged(logs, "the pod is gone")
        trial.containers.answer_forward(echo)
        assert await trial.ask(b"x") == b"web-1: x"


async def test_a_client_that_resets_its_connection_disturbs_nobody(trial: Trial, logs: LogStore):
    trial.declare()
    trial.pods("web-1")
    async with running(trial.forwarding.run()):
        await trial.listening()
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", trial.port)) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.send(b"x")
        assert await trial.ask(b"y") == b"web-1: y"
    assert logged(logs) == ""


async def test_what_the_pod_says_last_arrives_before_the_connection_ends(trial: Trial):
    async def say_much(connection: FakeConnection) -> None:
        await connection.read()
        for _ in range(10):
            connection.write(b"x" * 1000)

    trial.declare()
    trial.pods("web-1")
    trial.containers.answer_forward(say_much)
    async with running(trial.forwarding.run()):
        await trial.listening()
        reader, writer = await asyncio.open_connection("127.0.0.1", trial.port)
        writer.write(b"go")
        writer.write_eof()
        assert await reader.read() == b"x" * 10_000
        writer.close()
        await writer.wait_closed()


async def refuse(_: FakeConnection) -> None:
    """As a cluster that reports a refused connection only when it is read."""
    raise PortClosedError("nothing listens")


async def test_a_forward_behind_which_nothing_listens_says_so_once_and_heals_without_a_client(
    trial: Trial, logs: LogStore
):
    trial.declare(container_port=8000)
    trial.pods("web-1")
    trial.containers.answer_forward(refuse)
    async with running(trial.forwarding.run()):
        await trial.listening()
        for _ in range(3):
            assert await trial.ask(b"x") == b""
        assert trial.status().error == "nothing listens at port 8000 of pod `web-1`"
        assert trial.status().listening
        assert logged(logs).count("nothing listens at port 8000") == 1
        assert "wait until the program listens" in logged(logs)
        trial.containers.answer_forward(echo)
        await until(trial.store, lambda: not trial.status().error)


async def test_a_forward_to_a_port_that_no_container_declares_says_which_are_declared(trial: Trial, logs: LogStore):
    trial.declare(container_port=9999)
    trial.pods("web-1", ports=(8000, 8443))
    trial.containers.fail("web-1", PortClosedError("nothing listens"))
    async with running(trial.forwarding.run()):
        await trial.listening()
        await trial.ask(b"x")
        await until_logged(logs, f"write `port_forwards='{trial.port}:8000'`")
    assert "nothing listens at port 9999 of pod `web-1`" in logged(logs)
    assert "container `c` declares ports 8000, 8443" in logged(logs)


async def test_what_was_said_of_one_pod_is_not_said_of_the_next(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    trial.containers.fail("web-1", PortClosedError("nothing listens"))
    async with running(trial.forwarding.run()):
        await trial.listening()
        await trial.ask(b"x")
        assert trial.status().error
        trial.pods("web-2")
        await until(trial.store, lambda: not trial.status().error)


async def test_connections_to_a_pod_that_is_gone_are_broken_and_those_to_one_that_leaves_are_not(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    async with running(trial.forwarding.run()):
        await trial.listening()
        reader, writer = await asyncio.open_connection("127.0.0.1", trial.port)
        writer.write(b"1")
        assert await reader.read(100) == b"web-1: 1"
        trial.pods("web-2", leaving=("web-1",))
        writer.write(b"2")
        assert await reader.read(100) == b"web-1: 2"
        trial.pods("web-2")
        with pytest.raises(ConnectionResetError):
            await reader.read(100)
        await hang_up(writer)
        assert await trial.ask(b"3") == b"web-2: 3"


async def test_the_end_of_what_a_client_says_reaches_the_pod(trial: Trial):
    async def answer_at_the_end(connection: FakeConnection) -> None:
        received = b""
        while data := await connection.read():
            received += data
        connection.write(received[::-1])

    trial.declare()
    trial.pods("web-1")
    trial.containers.answer_forward(answer_at_the_end)
    async with running(trial.forwarding.run()):
        await trial.listening()
        reader, writer = await asyncio.open_connection("127.0.0.1", trial.port)
        writer.write(b"abc")
        writer.write_eof()
        assert await reader.read() == b"cba"
        await hang_up(writer)


async def test_an_answer_that_breaks_off_is_no_proper_end_for_the_client(trial: Trial):
    async def break_off(connection: FakeConnection) -> None:
        await connection.read()
        connection.write(b"half")
        raise ClusterUnreachableError("the connection broke")

    trial.declare()
    trial.pods("web-1")
    trial.containers.answer_forward(break_off)
    async with running(trial.forwarding.run()):
        await trial.listening()
        reader, writer = await asyncio.open_connection("127.0.0.1", trial.port)
        writer.write(b"go")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        await hang_up(writer)


async def test_a_pod_that_was_started_is_asked_before_its_status_says_that_it_runs(trial: Trial):
    trial.declare()
    trial.pods("web-1", phase="Pending", started=True)
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"hello") == b"web-1: hello"


async def test_a_started_pod_that_does_not_listen_yet_is_asked_again(trial: Trial, logs: LogStore):
    refusals = 3

    async def late(connection: FakeConnection) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            await connection.read()
            raise PortClosedError("nothing listens at port 80 of pod `web-1`")
        await echo(connection)

    trial.containers.answer_forward(late)
    trial.declare()
    trial.pods("web-1", phase="Pending", started=True)
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"hello") == b"web-1: hello"
    assert trial.status().error == ""
    assert logged(logs) == ""


async def test_connections_are_carried_directly_once_one_through_the_cluster_was_answered(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    trial.helper.takes = True
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"x") == b"web-1: x"
        assert await trial.ask(b"x") == b"directly"
        assert (trial.status().pod, trial.status().container_port) == ("web-1", trial.port)
        trial.pods("web-2")
        assert await trial.ask(b"x") == b"web-2: x"
        assert await trial.ask(b"x") == b"directly"
    assert trial.helper.ports == [trial.port, trial.port]
    assert len(trial.containers.connections) == 2


async def test_connections_wait_for_what_was_saved_before_them_on_both_ways(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    saved = trial.saves["web"] = asyncio.Event()
    async with running(trial.forwarding.run()) as group:
        await trial.listening()
        received = group.create_task(trial.ask(b"x"))
        await asyncio.sleep(0.02)
        assert not trial.containers.connections
        saved.set()
        assert await received == b"web-1: x"
        assert trial.helper.grants
        saved.clear()
        gone: list[int] = []
        trial.helper.settle(lambda: gone.append(1))
        await asyncio.sleep(0.01)
        assert not gone
        saved.set()
        await eventually(lambda: gone)
        del trial.saves["web"]
        trial.helper.settle(lambda: gone.append(2))
        assert gone == [1, 2]
    saved.clear()
    trial.saves["web"] = saved
    trial.helper.settle(lambda: gone.append(3))  # the session is ending
    assert gone == [1, 2, 3]


async def test_a_connection_that_is_not_carried_directly_goes_through_the_cluster_with_all_that_was_said(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    async with running(trial.forwarding.run()):
        await trial.listening()
        for i in range(20):
            assert await trial.ask(b"%d" % i) == b"web-1: %d" % i
    assert len(trial.containers.connections) == 20
    assert trial.helper.ports == [trial.port] * 20


async def test_where_nothing_listens_any_more_the_message_is_the_clusters(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"x") == b"web-1: x"
        trial.containers.fail("web-1", PortClosedError("nothing listens at port 80"))
        assert await trial.ask(b"x") == b""
        assert await until(trial.store, lambda: trial.status().error) == (
            f"nothing listens at port {trial.port} of pod `web-1`"
        )
        trial.containers.fail("web-1", None)
        trial.helper.takes = True
        await until(trial.store, lambda: not trial.status().error)
        assert await trial.ask(b"x") == b"directly"


async def test_a_pod_that_is_not_as_it_was_is_reached_through_the_cluster_once_more(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    trial.helper.takes = True
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"x") == b"web-1: x"
        for change in (
            {"ip": "10.0.0.2"},
            {"containers": (Container(name="c", image="i", ready=True),)},
            {"uid": "new"},
        ):
            assert await trial.ask(b"x") == b"directly"
            trial.pods("web-1", **change)
            await eventually(lambda: not trial.helper.grants[-1].holds)
            assert await trial.ask(b"x") == b"web-1: x"
        assert trial.helper.carries(), "what is open goes on"


async def test_a_port_is_free_for_others_when_its_forward_is_declared_no_more(trial: Trial):
    trial.declare()
    trial.pods("web-1")
    trial.helper.takes = True
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"x") == b"web-1: x"
        assert await trial.ask(b"x") == b"directly"
        assert not is_free(trial.port, "127.0.0.1")
        trial.store.delete(PortForward, "web:1")
        await eventually(lambda: is_free(trial.port, "127.0.0.1"))
        trial.declare()
        await trial.listening()
        assert await trial.ask(b"x") == b"web-1: x"


@pytest.mark.parametrize("end", ["pod", "forward"])
async def test_what_is_carried_directly_ends_with_its_pod_and_with_its_forward(trial: Trial, end: str):
    trial.declare()
    trial.pods("web-1")
    trial.helper.takes = True
    async with running(trial.forwarding.run()):
        await trial.listening()
        assert await trial.ask(b"x") == b"web-1: x"
        reader, writer = await asyncio.open_connection("127.0.0.1", trial.port)
        assert await reader.read(100) == b"directly"
        trial.pods("web-2", leaving=("web-1",))
        assert await trial.ask(b"x") == b"web-2: x"
        assert trial.helper.carries()
        if end == "pod":
            trial.pods("web-2")
        else:
            trial.store.delete(PortForward, "web:1")
        assert await reader.read(100) == b""
        assert not trial.helper.carries()
        await hang_up(writer)
