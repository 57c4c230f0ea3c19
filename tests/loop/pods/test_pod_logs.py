import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from pytilt.cluster.seam import ContainerRef
from pytilt.loop.pods.pod_logs import PodLogs
from pytilt.model.objects import Resource, ResourceStatus, Runtime, RuntimeState
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.updates import Reason
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.containers import FakeContainers
from tests.idle import eventually, idle
from tests.loop.declaring import kubernetes, local, prepare, update
from tests.loop.waiting import logged, running, until_logged

PAST, FUTURE = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
MAIN = ContainerRef(namespace="default", pod="web-1", container="main")


def container(name: str = "main", **fields: object) -> Container:
    given = {"name": name, "image": "i", "id": "c1", "state": ContainerState.RUNNING, **fields}
    return Container(**given)  # type: ignore[arg-type]  # fields of a container


def pod(*containers: Container, name: str = "web-1", created_at: str = FUTURE) -> Pod:
    return Pod(name=name, namespace="default", uid=name, created_at=created_at, containers=containers or (container(),))


class Trial:
    """Pods whose containers write what the test says."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        prepare(store, kubernetes("web"), local("tool"))
        self.store = store
        self.logs = logs
        self.containers = FakeContainers()
        self.podlogs = PodLogs(store, logs, self.containers)

    def pods(self, *pods: Pod, name: str = "web") -> None:
        self.store.put(Runtime(name=name, status=RuntimeState(pods=pods)))

    @property
    def followed(self) -> Sequence[str]:
        return [f"{ref.pod}/{ref.container}" for ref, _ in self.containers.followed]


def updating(trial: Trial, **fields: object) -> None:
    status = ResourceStatus(**fields)  # type: ignore[arg-type]  # fields of the status
    trial.store.change(Resource, "web", lambda each: replace(each, status=status))


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_what_a_container_writes_is_reported_under_its_resource(trial: Trial):
    trial.pods(pod())
    async with running(trial.podlogs.run()):
        trial.containers.write_log(MAIN, "hello")
        await until_logged(trial.logs, "hello")
    (line,) = trial.logs.read(0)[0]
    assert (line.resource, line.span, line.text, line.build) == ("web", "pod:web:web-1", "hello", False)


async def test_where_there_are_several_containers_each_line_names_its_own(trial: Trial):
    trial.pods(pod(container("setup", init=True, id="c0"), container(), container("istio-proxy", id="c2")))
    setup = ContainerRef(namespace="default", pod="web-1", container="setup")
    async with running(trial.podlogs.run()):
        trial.containers.write_log(setup, "ready")
        trial.containers.write_log(MAIN, "hello")
        await until_logged(trial.logs, "hello")
        await until_logged(trial.logs, "ready")
    assert sorted(logged(trial.logs, "web").splitlines()) == ["[main] hello", "[setup] ready"]
    assert sorted(trial.followed) == ["web-1/main", "web-1/setup"]


async def test_a_container_is_followed_once_it_was_created(trial: Trial):
    trial.pods(pod(container(id="", state=ContainerState.WAITING)))
    async with running(trial.podlogs.run()):
        await idle()
        assert not trial.followed
        trial.pods(pod())
        await eventually(lambda: trial.followed)


async def test_a_run_that_has_ended_too_is_reported_before_the_next_one_starts(trial: Trial):
    trial.pods(pod())
    async with running(trial.podlogs.run()):
        trial.containers.write_log(MAIN, "first run")
        await until_logged(trial.logs, "first run")
        trial.containers.end_log(MAIN)
        await idle()
        trial.containers.write_log(MAIN, "second run")
        waiting = container(id="c2", state=ContainerState.WAITING, reason="CrashLoopBackOff", restarts=1)
        trial.pods(pod(waiting))
        await until_logged(trial.logs, "second run")


async def test_a_restarted_container_is_reported_on_without_gaps_or_repetitions(trial: Trial):
    trial.pods(pod())
    trial.containers.write_log(MAIN, "one")
    trial.containers.write_log(MAIN, "two")
    async with running(trial.podlogs.run()):
        await until_logged(trial.logs, "two")
        trial.containers.end_log(MAIN)
        trial.pods(pod(container(state=ContainerState.WAITING, reason="CrashLoopBackOff")))
        await idle()
        assert len(trial.followed) == 1
        trial.containers.write_log(MAIN, "three")
        trial.pods(pod(container(id="c2", restarts=1)))
        await until_logged(trial.logs, "three")
    assert logged(trial.logs) == "one\ntwo\nthree\n"
    assert trial.containers.followed[1][1] == "2026-01-01T00:00:01.000000000Z"


async def test_a_broken_connection_costs_no_line_and_repeats_none(trial: Trial):
    trial.pods(pod())
    trial.containers.write_log(MAIN, "one")
    trial.containers.write_log(MAIN, "two")
    async with running(trial.podlogs.run()):
        await until_logged(trial.logs, "two")
        trial.containers.break_log(MAIN)
        trial.containers.write_log(MAIN, "three")
        await until_logged(trial.logs, "three")
        await eventually(lambda: True)
        trial.containers.break_log(MAIN)
        trial.containers.write_log(MAIN, "four")
        await until_logged(trial.logs, "four")
    assert logged(trial.logs) == "one\ntwo\nthree\nfour\n"


@pytest.mark.parametrize("second", ["2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.4Z"])
async def test_lines_of_one_moment_and_lines_out_of_order_are_all_reported(trial: Trial, second: str):
    trial.pods(pod())
    trial.containers.write_log(MAIN, "one", time="2026-01-01T00:00:00.5Z")
    trial.containers.write_log(MAIN, "two", time=second)
    trial.containers.write_log(MAIN, "three", time="2026-01-01T00:00:01Z")
    async with running(trial.podlogs.run()):
        await until_logged(trial.logs, "three")
    assert logged(trial.logs) == "one\ntwo\nthree\n"


async def test_where_times_are_whole_seconds_no_line_is_lost_or_repeated_either(trial: Trial):
    second = "2026-01-01T00:00:07Z"
    trial.pods(pod())
    trial.containers.write_log(MAIN, "one", time="2026-01-01T00:00:06Z")
    trial.containers.write_log(MAIN, "two", time=second)
    trial.containers.write_log(MAIN, "three", time=second)
    async with running(trial.podlogs.run()):
        await until_logged(trial.logs, "three")
        trial.containers.break_log(MAIN)
        trial.containers.write_log(MAIN, "four", time=second)
        await until_logged(trial.logs, "four")
        trial.containers.break_log(MAIN)
        trial.containers.write_log(MAIN, "five", time=second)
        trial.containers.write_log(MAIN, "six", time="2026-01-01T00:00:08Z")
        await until_logged(trial.logs, "six")
    assert logged(trial.logs) == "one\ntwo\nthree\nfour\nfive\nsix\n"


async def test_the_next_run_may_begin_in_the_second_in_which_the_last_one_ended(trial: Trial):
    second = "2026-01-01T00:00:07Z"
    trial.pods(pod())
    trial.containers.write_log(MAIN, "one", time=second)
    async with running(trial.podlogs.run()):
        await until_logged(trial.logs, "one")
        trial.containers.end_log(MAIN)
        trial.containers.begin_log(MAIN)
        trial.containers.write_log(MAIN, "two", time=second)
        trial.pods(pod(container(id="c2", restarts=1)))
        await until_logged(trial.logs, "two")
    assert logged(trial.logs) == "one\ntwo\n"


async def test_the_session_may_begin_within_a_second(trial: Trial):
    trial.pods(pod(created_at="2020-01-01T00:00:00Z"))
    began = trial.store.now()
    trial.containers.write_log(MAIN, "new", time=f"{began[:19]}Z")
    async with running(trial.podlogs.run()):
        await until_logged(trial.logs, "new")


async def test_logs_of_older_pods_wait_until_no_update_runs_or_is_due(trial: Trial):
    updating(trial, due=Reason.INITIAL_BUILD)
    trial.pods(pod(created_at=PAST), pod(name="web-2"))
    async with running(trial.podlogs.run()):
        await idle()
        assert trial.followed == ["web-2/main"]
        updating(trial, current=(update(),))
        await idle()
        assert trial.followed == ["web-2/main"]
        updating(trial)
        await eventually(lambda: trial.followed == ["web-2/main", "web-1/main"])


async def test_an_older_container_that_ends_while_updates_run_is_read_at_once(trial: Trial):
    updating(trial, current=(update(),))
    trial.pods(pod(created_at=PAST))
    async with running(trial.podlogs.run()):
        await idle()
        assert not trial.followed
        trial.pods(pod(container(state=ContainerState.TERMINATED, exit_code=1), created_at=PAST))
        await eventually(lambda: trial.followed == ["web-1/main"])


async def test_of_a_pod_that_is_older_than_the_session_only_what_is_new_is_reported(trial: Trial):
    trial.pods(pod(created_at="2020-01-01T00:00:00Z"))
    trial.containers.write_log(MAIN, "old", time="2020-01-01T00:00:01.000000000Z")
    trial.containers.write_log(MAIN, "new", time="2999-01-01T00:00:00.000000000Z")
    async with running(trial.podlogs.run()):
        await until_logged(trial.logs, "new")
    assert logged(trial.logs) == "new\n"


async def test_who_waits_for_last_words_gets_those_of_a_container_that_has_ended(trial: Trial):
    trial.pods(pod(container(state=ContainerState.TERMINATED, exit_code=3), container("side", id="c2")))
    async with running(trial.podlogs.run()):
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(trial.podlogs.caught_up(), name="last words")
            await idle()
            assert not waiting.done()
            trial.containers.write_log(MAIN, "fatal: no database")
            trial.containers.end_log(MAIN)
        assert logged(trial.logs) == "[main] fatal: no database\n"


async def test_nobody_waits_for_the_last_words_of_a_pod_that_is_gone(trial: Trial):
    trial.pods(pod(container(state=ContainerState.TERMINATED)))
    async with running(trial.podlogs.run()), asyncio.TaskGroup() as group:
        waiting = group.create_task(trial.podlogs.caught_up(), name="last words")
        await idle()
        assert not waiting.done()
        trial.pods()
        trial.containers.break_log(MAIN)


async def test_a_pod_that_is_gone_is_reported_to_its_end(trial: Trial):
    trial.pods(pod())
    trial.containers.write_log(MAIN, "one")
    async with running(trial.podlogs.run()):
        await until_logged(trial.logs, "one")
        trial.pods(pod(name="web-2"))
        trial.containers.write_log(MAIN, "bye")
        trial.containers.end_log(MAIN)
        await until_logged(trial.logs, "bye")
    assert trial.followed == ["web-1/main", "web-2/main"]


async def test_a_local_resource_has_no_pods(trial: Trial):
    trial.pods(replace(pod(), name="tool-1"), name="tool")
    async with running(trial.podlogs.run()):
        await idle()
    assert not trial.followed
