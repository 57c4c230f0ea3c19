import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.loop.planning.verdict import Verdict
from pytilt.loop.pods.confirmations import Confirmations
from pytilt.loop.session import CONFIRM_SECONDS, judge, run_session
from pytilt.model.names import ResourceName
from pytilt.model.objects import ClusterState, Resource, ResourceStatus, Runtime, RuntimeState, Session
from pytilt.model.pods import Condition, Container, ContainerState, Pod
from pytilt.model.resources import CiSettings
from pytilt.model.status import RuntimeStatus
from pytilt.model.times import moment, precise
from pytilt.model.updates import Outcome
from pytilt.store.objects import Store
from tests.idle import idle
from tests.loop.declaring import INFO, deployment, kubernetes, local, prepare, update
from tests.loop.waiting import PATIENCE_SECONDS, running


class Endless:
    """A task that knows whether it was ended."""

    def __init__(self) -> None:
        self.ended = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


def ci(store: Store, **settings: float) -> None:
    prepare(store, local("tool"))
    store.change(Session, "Tiltfile", lambda each: replace(each, ci=True, ci_settings=CiSettings(**settings)))  # type: ignore[arg-type]  # fields of the settings


def updated(store: Store, outcome: Outcome = Outcome.OK) -> None:
    store.put(Runtime(name="tool", status=RuntimeState(status=RuntimeStatus.NOT_APPLICABLE)))
    status = ResourceStatus(history=(update(outcome=outcome),))
    store.change(Resource, "tool", lambda each: replace(each, status=status))


@pytest.mark.parametrize(("outcome", "error"), [(Outcome.OK, ""), (Outcome.FAILED, "it failed")])
async def test_the_verdict_ends_the_session_and_is_written_down(store: Store, outcome: Outcome, error: str):
    endless = Endless()
    ci(store)

    async def work() -> None:
        updated(store, outcome)
        await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE_SECONDS):
        found = await run_session(store, {"endless": endless.run(), "work": work()})
    assert replace(found, results=()) == Verdict(error=error, resource=ResourceName("tool" if error else ""))
    assert [each.name for each in found.results] == ["(Tiltfile)", "tool"]
    assert endless.ended
    session = store.get(Session, "Tiltfile")
    assert session
    assert (session.status.done, session.status.error) == (True, error)


async def test_pods_that_are_healthy_for_a_moment_only_are_no_success(store: Store):
    prepare(store, kubernetes("web", deployment("web")))
    store.change(Session, "Tiltfile", lambda each: replace(each, ci=True))
    status = ResourceStatus(history=(update(),), deployed_at=store.now())
    store.change(Resource, "web", lambda each: replace(each, status=status))
    pod = Pod(name="web-1", namespace="default", uid="1", created_at=store.now())

    def is_(status: RuntimeStatus, reason: str = "") -> None:
        store.put(Runtime(name="web", status=RuntimeState(status=status, reason=reason, pods=(pod,))))

    is_(RuntimeStatus.OK)
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        judging = group.create_task(judge(store))
        await idle()
        assert not judging.done()
        is_(RuntimeStatus.ERROR, "it ended with exit code 3")
    assert judging.result().error == "it ended with exit code 3"


async def test_pods_that_have_been_healthy_for_a_while_are_a_success_at_once(store: Store):
    prepare(store, kubernetes("web", deployment("web")))
    store.change(Session, "Tiltfile", lambda each: replace(each, ci=True))
    status = ResourceStatus(history=(update(),), deployed_at=store.now(), adopted=True)
    store.change(Resource, "web", lambda each: replace(each, status=status))
    pod = Pod(name="web-1", namespace="default", uid="1", created_at=store.now())
    state = RuntimeState(status=RuntimeStatus.OK, pods=(pod,), since="2026-01-01T00:00:00Z")
    store.put(Runtime(name="web", status=state))
    async with asyncio.timeout(CONFIRM_SECONDS / 2):
        assert (await judge(store)).error == ""


def ready_pod(since: str) -> Pod:
    return Pod(
        name="web-1",
        namespace="default",
        uid="1",
        created_at=since,
        phase="Running",
        containers=(Container(name="c", image="i", state=ContainerState.RUNNING, ready=True, started_at=since),),
        conditions=(Condition(type="Ready", status="True", last_transition_time=since),),
    )


@pytest.mark.parametrize(
    ("ahead", "believed"),
    [
        (0.0, True),
        pytest.param(-3600.0, False, id="the cluster's clock is an hour behind, so the pod has only just been started"),
        pytest.param(None, False, id="nobody knows how the clocks differ"),
    ],
)
async def test_pods_that_were_ready_long_before_the_session_are_a_success_at_once(
    store: Store, ahead: float | None, believed: bool
):
    prepare(store, kubernetes("web", deployment("web")))
    store.change(Session, "Tiltfile", lambda each: replace(each, ci=True))
    store.put(ClusterState(name="default", info=replace(INFO, clock_ahead_seconds=ahead)))
    status = ResourceStatus(history=(update(),), deployed_at=store.now(), adopted=True)
    store.change(Resource, "web", lambda each: replace(each, status=status))
    since = precise(moment(store.now()) - timedelta(hours=1))
    pod = ready_pod(since)
    state = RuntimeState(status=RuntimeStatus.OK, pods=(pod,), since=store.now())
    store.put(Runtime(name="web", status=state))
    judged: list[Verdict] = []

    async def run() -> None:
        judged.append(await judge(store))

    async with running(run()):
        await idle()
        assert [each.error for each in judged] == [""] * believed


@pytest.mark.parametrize(
    ("adopted", "new", "restarts"),
    [
        pytest.param(False, False, 0, id="something was applied just now, of which no pod is seen yet"),
        pytest.param(True, True, 0, id="the clock of the node is behind that of the cluster"),
        pytest.param(True, False, 1, id="it was restarted, on a node whose clock may be behind"),
    ],
)
async def test_that_pods_seem_to_have_been_ready_for_long_is_not_always_believed(
    store: Store, adopted: bool, new: bool, restarts: int
):
    prepare(store, kubernetes("web", deployment("web")))
    store.change(Session, "Tiltfile", lambda each: replace(each, ci=True))
    store.put(ClusterState(name="default", info=replace(INFO, clock_ahead_seconds=0.0)))
    status = ResourceStatus(history=(update(),), deployed_at=store.now(), adopted=adopted)
    store.change(Resource, "web", lambda each: replace(each, status=status))
    pod = ready_pod(precise(moment(store.now()) - timedelta(hours=1)))
    containers = (replace(pod.containers[0], restarts=restarts),)
    pod = replace(pod, containers=containers, created_at=store.now() if new else pod.created_at)
    store.put(Runtime(name="web", status=RuntimeState(status=RuntimeStatus.OK, pods=(pod,), since=store.now())))
    judged: list[Verdict] = []

    async def run() -> None:
        judged.append(await judge(store))

    async with running(run()):
        await idle()
        assert not judged


async def test_pods_that_an_earlier_session_saw_stay_healthy_are_a_success_at_once(store: Store, tmp_path: Path):
    prepare(store, kubernetes("web", deployment("web")))
    store.change(Session, "Tiltfile", lambda each: replace(each, ci=True))
    status = ResourceStatus(history=(update(),), deployed_at=store.now(), adopted=True)
    store.change(Resource, "web", lambda each: replace(each, status=status))
    since = store.now()
    pod = ready_pod(since)
    records = Records(StateDirectory(tmp_path))

    def is_healthy(pod: Pod, since: str) -> None:
        state = RuntimeState(status=RuntimeStatus.OK, pods=(pod,), since=since)
        store.put(Runtime(name="web", status=state))

    async with asyncio.timeout(CONFIRM_SECONDS / 2):
        is_healthy(pod, "2026-01-01T00:00:00Z")
        assert (await judge(store, Confirmations(records))).error == ""
        is_healthy(pod, store.now())
        assert (await judge(store, Confirmations(records))).error == ""
    is_healthy(replace(pod, uid="2"), store.now())
    judged: list[Verdict] = []

    async def run() -> None:
        judged.append(await judge(store, Confirmations(records)))

    async with running(run()):
        await idle()
        assert not judged


async def test_what_runs_goes_on_until_the_last_words_after_the_verdict(store: Store):
    ci(store)
    updated(store, Outcome.FAILED)
    endless, went_on = Endless(), []

    async def last_words() -> None:
        went_on.append(not endless.ended)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await run_session(store, {"endless": endless.run()}, last_words)
    assert went_on == [True]


async def test_time_alone_may_end_it(store: Store):
    ci(store, timeout_seconds=0.001)
    async with asyncio.timeout(PATIENCE_SECONDS):
        found = await judge(store)
    assert found.error.startswith("Timeout after 1ms: 1 resources waiting")


async def test_a_session_that_is_not_for_ci_goes_on_when_all_is_healthy(store: Store):
    prepare(store, local("tool"))
    updated(store)
    judged: list[Verdict] = []

    async def run() -> None:
        judged.append(await run_session(store, {}))

    async with running(run()):
        await idle()
        assert not judged


async def test_a_task_that_fails_ends_the_others_and_the_session(store: Store):
    endless = Endless()
    prepare(store)

    async def fail() -> None:
        raise UserError("the disk is full")

    with pytest.raises(ExceptionGroup) as caught:
        await run_session(store, {"endless": endless.run(), "fail": fail()})
    assert [str(each) for each in caught.value.exceptions] == ["the disk is full"]
    assert endless.ended
