import asyncio
import os
import socket
import struct

import pytest
from msgspec.structs import replace

from pytilt.errors import ClusterUnreachableError, PortClosedError
from pytilt.host.ports import free_port, is_free
from pytilt.model.objects import PortForward, PortForwardStatus
from pytilt.store.logs import LogStore
from pytilt.testing.containers import FakeConnection
from tests.idle import eventually
from tests.loop.pods.forwards import Trial, echo, hang_up, refuse
from tests.loop.waiting import logged, running, until, until_logged


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
