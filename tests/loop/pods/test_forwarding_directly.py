import asyncio

import pytest

from pytilt.errors import PortClosedError
from pytilt.host.ports import is_free
from pytilt.loop.pods.direct_forwards import TRIES
from pytilt.model.objects import PortForward
from pytilt.model.pods import Container
from tests.idle import eventually
from tests.loop.pods.forwards import Trial, hang_up
from tests.loop.waiting import until


async def test_connections_are_carried_directly_once_one_through_the_cluster_was_answered(trial: Trial):
    trial.helper.takes = True
    async with trial.forwards_to("web-1"):
        assert await trial.ask(b"x") == b"web-1: x"
        assert await trial.ask(b"x") == b"directly"
        assert (trial.status().pod, trial.status().container_port) == ("web-1", trial.port)
        trial.pods("web-2")
        assert await trial.ask(b"x") == b"web-2: x"
        assert await trial.ask(b"x") == b"directly"
    assert trial.helper.ports == [trial.port, trial.port]
    assert len(trial.containers.connections) == 2


async def test_connections_wait_for_what_was_saved_before_them_on_both_ways(trial: Trial):
    saved = trial.saves["web"] = asyncio.Event()
    async with trial.forwards_to("web-1") as group:
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
    async with trial.forwards_to("web-1"):
        for i in range(20):
            assert await trial.ask(b"%d" % i) == b"web-1: %d" % i
    assert len(trial.containers.connections) == 20
    assert trial.helper.ports == [trial.port] * TRIES, "what is never carried is not tried again and again"


async def test_where_nothing_listens_any_more_the_message_is_the_clusters(trial: Trial):
    async with trial.forwards_to("web-1"):
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
    trial.helper.takes = True
    async with trial.forwards_to("web-1"):
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
    trial.helper.takes = True
    async with trial.forwards_to("web-1"):
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
    trial.helper.takes = True
    async with trial.forwards_to("web-1"):
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
