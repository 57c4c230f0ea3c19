import asyncio

import pytest
from msgspec.structs import replace

from pytilt.errors import ApplyError, DockerApiError, PytiltError
from pytilt.loop.pods.connecting import Connecting, retry_pause
from pytilt.model.api.kubernetes_applies import KubernetesApply
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, SpanId
from pytilt.model.objects import ClusterState
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import INFO, FakeCluster
from tests.idle import idle
from tests.loop.declaring import kubernetes, local, prepare
from tests.loop.waiting import logged, running, until


class Trial:
    """The connection of a session."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store = store
        self.cluster = FakeCluster()
        self.connecting = Connecting(store, self.cluster, logs.span(TILTFILE, SpanId("cluster")))

    def state(self) -> ClusterState:
        return self.store.get(ClusterState, "default") or ClusterState(name="default")


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_the_cluster_is_asked_once_something_is_to_be_deployed(trial: Trial):
    prepare(trial.store, local("tool"), connected=False)
    async with running(trial.connecting.run()):
        await idle()
        assert trial.state().info is None
        prepare(trial.store, kubernetes("web"), connected=False)
        await until(trial.store, lambda: trial.state().info)
    assert trial.state().info == INFO
    assert trial.state().connected_at


async def test_a_cluster_that_does_not_answer_is_reported_and_asked_again_until_it_does(trial: Trial, logs: LogStore):
    prepare(trial.store, kubernetes("web"), connected=False)
    trial.cluster.unreachable = "connection refused"
    async with running(trial.connecting.run()):
        await until(trial.store, lambda: trial.state().error)
        trial.cluster.unreachable = ""
        await until(trial.store, lambda: trial.state().info)
    assert trial.state().error == ""
    assert logged(logs) == "connection refused\nThe cluster `kind-fake` answers\n"


async def test_the_same_error_is_reported_once(trial: Trial, logs: LogStore):
    trial.cluster.unreachable = "connection refused"
    assert not await trial.connecting.look()
    assert not await trial.connecting.look()
    trial.cluster.unreachable = "no route to host"
    await trial.connecting.look()
    assert [line.text for line in logs.read(0)[0] if line.level is Level.ERROR] == [
        "connection refused",
        "no route to host",
    ]


async def test_what_is_known_of_a_cluster_outlives_an_error(trial: Trial):
    assert await trial.connecting.look()
    since = trial.state().connected_at
    trial.cluster.unreachable = "connection refused"
    await trial.connecting.look()
    assert trial.state().info == INFO
    failed_at = trial.state().failed_at
    assert failed_at
    await trial.connecting.look()
    assert trial.state().failed_at == failed_at
    trial.cluster.unreachable = ""
    trial.cluster.answer = replace(INFO, version="v1.35.0")
    await trial.connecting.look()
    assert trial.state().info == trial.cluster.answer
    assert trial.state().failed_at == ""
    assert trial.state().connected_at == since


@pytest.mark.parametrize("failure", [DockerApiError("no JSON", status=200), ApplyError("no such kind")])
async def test_a_cluster_that_answers_nonsense_is_reported_and_asked_again(
    trial: Trial, logs: LogStore, failure: PytiltError
):
    prepare(trial.store, kubernetes("web"), connected=False)
    trial.cluster.failing = failure
    async with running(trial.connecting.run()):
        await until(trial.store, lambda: trial.state().error)
        trial.cluster.failing = None
        await until(trial.store, lambda: trial.state().info)
    assert logged(logs) == f"{failure.message}\nThe cluster `kind-fake` answers\n"


async def test_an_object_that_is_to_be_applied_asks_for_the_cluster_too(trial: Trial):
    prepare(trial.store, local("tool"), connected=False)
    async with running(trial.connecting.run()):
        trial.store.put(KubernetesApply(name="x"))
        await until(trial.store, lambda: trial.state().info)


async def test_a_cluster_that_hangs_does_not_answer_but_its_first_answer_may_take_long(store: Store, logs: LogStore):
    trial = Trial(store, logs)
    trial.connecting = Connecting(store, trial.cluster, logs.span(TILTFILE, SpanId("cluster")), answer_seconds=0.01)
    trial.cluster.answers.clear()
    asyncio.get_running_loop().call_later(0.05, trial.cluster.answers.set)
    assert await trial.connecting.look()
    trial.cluster.answers.clear()
    assert not await trial.connecting.look()
    assert trial.state().error == "the cluster `kind-fake` does not answer within 0.01 s"
    trial.cluster.answers.set()
    assert await trial.connecting.look()
    assert trial.state().error == ""


async def test_what_failed_is_tried_again_as_soon_as_the_cluster_answers(trial: Trial):
    assert await trial.connecting.look()
    trial.cluster.unreachable = "connection refused"
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        pausing = group.create_task(retry_pause(trial.store, 3600))
        await idle()
        await trial.connecting.look()
        await idle()
        assert not pausing.done()
        trial.cluster.unreachable = ""
        await trial.connecting.look()
        await pausing
    async with asyncio.timeout(10):
        await retry_pause(trial.store, 0.01)
