import asyncio
import time
from collections.abc import Sequence
from functools import partial

import pytest
from msgspec.structs import replace

from pytilt.errors import (
    ApplyError,
    BuildError,
    ClusterUnreachableError,
    CommandError,
    EngineUnreachableError,
    PytiltError,
    SyncError,
)
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.loop.updates.updating import HISTORY, Updating, remembered
from pytilt.loop.updates.watching import Watching
from pytilt.model.files import FileRule
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName
from pytilt.model.objects import (
    ClusterState,
    ImageMap,
    ImageMapStatus,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Tiltfile,
)
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import ResourceSpec, TriggerMode, UpdateSettings
from pytilt.model.status import RuntimeStatus
from pytilt.model.times import seconds_between
from pytilt.model.updates import DeployedImage, HoldReason, Outcome, Reason, StepName, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.spans import Span
from pytilt.testing.host import FakeFileWatcher
from tests.idle import eventually, idle
from tests.loop.declaring import image, kubernetes, local, prepare, update
from tests.loop.waiting import logged, running, until

TOOL = ResourceName("tool")
OK = Done(outcome=Outcome.OK)


class Worker:
    """Carries out updates as the test says: `answers` in turn, then success; held while `gate` is closed."""

    def __init__(self) -> None:
        self.starts: list[Start] = []
        self.answers: list[Done | PytiltError] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, _: Resource, start: Start, span: Span, __: UpdateSettings) -> Done:
        self.starts.append(start)
        answer = self.answers.pop(0) if self.answers else OK
        span("working\n")
        await self.gate.wait()
        if isinstance(answer, PytiltError):
            raise answer
        return answer


class Trial:
    """Updates of a session whose work is the test's."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store = store
        self.worker = Worker()
        self.watching = Watching(store, FakeFileWatcher())
        self.updating = Updating(store, logs, self.watching, dict.fromkeys(Strategy, self.worker), "/p")

    async def declare(self, *specs: ResourceSpec) -> None:
        prepare(self.store, *specs)
        await self.watching.declare({spec.name: spec.files for spec in specs})

    def status(self, name: str = TOOL) -> ResourceStatus:
        found = self.store.get(Resource, name)
        assert found
        return found.status

    def change(self, *paths: str, watch: str = TOOL) -> None:
        self.watching.record({watch: frozenset(paths)})

    def is_newest(self, number: int, name: str = TOOL) -> bool:
        last = self.status(name).last
        return last is not None and last.id == number

    async def ended(self, count: int, name: str = TOOL) -> ResourceStatus:
        """The status once so many updates have ended."""
        await eventually(lambda: len(self.status(name).history) == count and not self.status(name).current)
        return self.status(name)


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_the_first_update_runs_and_is_remembered(trial: Trial, logs: LogStore):
    await trial.declare(local("tool"))
    async with running(trial.updating.run()):
        status = await trial.ended(1)
    (done,) = status.history
    assert (done.reason, done.strategy, done.outcome) == (Reason.INITIAL_BUILD, Strategy.COMMAND, Outcome.OK)
    assert done.finished_at
    assert status.due is Reason.NONE
    assert logged(logs, "tool") == "Initial Build\nworking\n"


async def test_an_update_says_when_its_save_was_seen_and_how_long_its_steps_took(trial: Trial):
    await trial.declare(local("tool"))
    async with running(trial.updating.run()):
        first = (await trial.ended(1)).history[0]
        trial.watching.record({TOOL: frozenset({"/p/tool/a"})}, seen=time.monotonic() - 2)
        saved = (await trial.ended(2)).history[0]
    assert (first.saved_at, first.steps) == ("", ())
    assert seconds_between(saved.saved_at, saved.started_at) == pytest.approx(2, abs=0.5)
    assert [step.name for step in saved.steps] == [StepName.EVENT, StepName.PLAN]
    assert saved.steps[0].seconds == pytest.approx(2, abs=0.5)


async def test_an_update_does_its_work_before_those_who_only_look_at_the_resource(trial: Trial):
    await trial.declare(local("tool"))
    trial.worker.gate.clear()

    async def look() -> int:
        async for _ in trial.store.watch(Resource):
            if trial.status().current:
                break
        return len(trial.worker.starts)

    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look())
        await idle()
        async with running(trial.updating.run()):
            assert await looking == 1
            trial.worker.gate.set()


async def test_a_save_that_waits_for_the_update_before_it_says_so(trial: Trial):
    await trial.declare(local("tool"))
    trial.worker.gate.clear()
    async with running(trial.updating.run()):
        await eventually(lambda: trial.worker.starts)
        trial.change("/p/tool/a")
        trial.worker.gate.set()
        saved = (await trial.ended(2)).history[0]
    assert [step.name for step in saved.steps] == [StepName.EVENT, StepName.WAIT, StepName.PLAN]


async def test_an_update_that_somebody_asked_for_begins_with_its_work(trial: Trial):
    await trial.declare(local("tool", trigger_mode=TriggerMode.MANUAL))
    async with running(trial.updating.run()):
        await trial.ended(1)
        trial.change("/p/tool/a")
        trial.updating.trigger(TOOL, Reason.CLI_TRIGGER)
        asked = (await trial.ended(2)).history[0]
    assert (asked.saved_at, asked.steps) == ("", ())


async def test_a_change_during_an_update_is_part_of_the_next(trial: Trial):
    await trial.declare(local("tool"))
    trial.worker.gate.clear()
    async with running(trial.updating.run()):
        await eventually(lambda: trial.worker.starts)
        trial.change("/p/tool/a")
        trial.change("/p/tool/b")
        await eventually(lambda: trial.status().due)
        trial.worker.gate.set()
        status = await trial.ended(2)
    assert [start.changed_files for start in trial.worker.starts] == [(), ("/p/tool/a", "/p/tool/b")]
    assert status.consumed == 2


async def test_what_failed_is_red_and_not_tried_again_until_something_changes(trial: Trial, logs: LogStore):
    await trial.declare(local("tool"))
    trial.worker.answers = [BuildError("no such file")]
    async with running(trial.updating.run()):
        status = await trial.ended(1)
        await idle()
        assert len(trial.worker.starts) == 1
        assert status.last
        assert (status.last.outcome, status.last.error) == (Outcome.FAILED, "no such file")
        trial.change("/p/tool/a")
        status = await trial.ended(2)
    assert [each.outcome for each in status.history] == [Outcome.OK, Outcome.FAILED]
    failed = [line for line in logs.read(0)[0] if line.level is Level.ERROR]
    assert [line.text for line in failed] == ["Build Failed: no such file"]


async def test_what_a_program_printed_is_reported_once_in_the_log_and_is_in_the_error(trial: Trial, logs: LogStore):
    trial.worker.answers = [BuildError("[2/2] RUN make: exit code: 1", output="error: no semicolon", hint="mend it")]
    await trial.declare(local(TOOL))
    async with running(trial.updating.run()):
        status = await trial.ended(1)
    assert status.history[0].error == "[2/2] RUN make: exit code: 1\nerror: no semicolon\nhint: mend it"
    assert "Build Failed: [2/2] RUN make: exit code: 1\nhint: mend it" in logged(logs)
    assert "no semicolon" not in logged(logs)


async def test_no_secret_is_in_an_error(trial: Trial, logs: LogStore):
    logs.hide([("hunter2", "[redacted secret db:password]")])
    trial.worker.answers = [BuildError("exit status 1", output="cannot log in with hunter2")]
    await trial.declare(local(TOOL))
    async with running(trial.updating.run()):
        status = await trial.ended(1)
    assert status.history[0].error == "exit status 1\ncannot log in with [redacted secret db:password]"


async def test_only_the_newest_updates_are_remembered(trial: Trial):
    await trial.declare(local("tool"))
    async with running(trial.updating.run()):
        for number in range(1, HISTORY + 4):
            await eventually(partial(trial.is_newest, number))
            trial.change(f"/p/tool/{number}")
    ids = [each.id for each in trial.status().history]
    assert ids == list(range(HISTORY + 3, 3, -1))


def test_the_last_full_and_the_last_good_update_are_never_forgotten():
    failed = [update(number, Outcome.FAILED, Strategy.LIVE) for number in range(2 * HISTORY, 3, -1)]
    good, full = update(2, Outcome.OK, Strategy.LIVE), update(1, Outcome.FAILED)
    kept = remembered([*failed, good, full, update(0)])
    assert kept == (*failed[:HISTORY], good, full)


async def test_a_trigger_runs_an_update_even_where_nothing_changed(trial: Trial):
    await trial.declare(local("tool"))
    async with running(trial.updating.run()):
        await trial.ended(1)
        trial.updating.trigger(TOOL, Reason.CLI_TRIGGER)
        status = await trial.ended(2)
    assert trial.worker.starts[1].reason is Reason.CLI_TRIGGER
    assert status.trigger is None


async def test_a_trigger_during_an_update_asks_for_one_more(trial: Trial):
    await trial.declare(local("tool"))
    trial.worker.gate.clear()
    async with running(trial.updating.run()):
        await eventually(lambda: trial.worker.starts)
        trial.updating.trigger(TOOL, Reason.WEB_TRIGGER)
        trial.updating.trigger(TOOL, Reason.CLI_TRIGGER)
        trial.worker.gate.set()
        await trial.ended(2)
        await idle()
    assert [start.reason for start in trial.worker.starts] == [Reason.INITIAL_BUILD, Reason.WEB_TRIGGER]


async def test_in_manual_mode_a_change_is_shown_as_waiting_until_somebody_asks(trial: Trial):
    await trial.declare(local("tool", trigger_mode=TriggerMode.MANUAL))
    async with running(trial.updating.run()):
        await trial.ended(1)
        trial.change("/p/tool/a")
        await idle()
        assert len(trial.worker.starts) == 1
        trial.updating.trigger(TOOL, Reason.CLI_TRIGGER)
        await trial.ended(2)
    assert trial.worker.starts[1].changed_files == ("/p/tool/a",)


async def test_a_cancelled_update_is_ended_and_says_so(trial: Trial):
    await trial.declare(local("tool"))
    trial.worker.gate.clear()
    async with running(trial.updating.run()):
        await eventually(lambda: trial.worker.starts)
        await trial.updating.cancel(TOOL)
        status = trial.status()
    assert status.current == ()
    assert status.last
    assert (status.last.outcome, status.last.error) == (Outcome.CANCELED, "build canceled")


async def test_leaving_cancels_what_runs(trial: Trial):
    await trial.declare(local("tool"))
    trial.worker.gate.clear()
    async with running(trial.updating.run()):
        await eventually(lambda: trial.worker.starts)
    assert [each.outcome for each in trial.status().history] == [Outcome.CANCELED]


async def test_a_forgotten_resource_begins_anew(trial: Trial):
    await trial.declare(local("tool"))
    async with running(trial.updating.run()):
        await trial.ended(1)
        trial.updating.forget(TOOL)
        await eventually(lambda: len(trial.worker.starts) == 2)
        await trial.ended(1)
    assert trial.worker.starts[1].reason is Reason.INITIAL_BUILD


async def test_what_waits_says_for_what(trial: Trial):
    await trial.declare(local("db"), local("web", resource_deps=(ResourceName("db"),)))
    async with running(trial.updating.run()):
        await eventually(lambda: trial.status("web").hold)
        hold, since = trial.status("web").hold, trial.status("web").due_since
        assert hold
        assert (hold.reason, hold.on) == (HoldReason.WAITING_FOR_DEP, ("db",))
        assert since
        trial.store.put(Runtime(name="db", status=RuntimeState(ready_once=True)))
        status = await trial.ended(1, "web")
    assert status.hold is None
    assert status.due_since == ""


async def test_the_tiltfile_says_how_many_updates_run_at_a_time(trial: Trial):
    await trial.declare(*(local(name) for name in "abc"))
    settings = UpdateSettings(max_parallel_updates=2)
    trial.store.change(Tiltfile, "(Tiltfile)", lambda each: replace(each, status=_with(each, settings)))
    trial.worker.gate.clear()
    async with running(trial.updating.run()):
        await eventually(lambda: len(trial.worker.starts) == 2)
        await idle()
        assert len(trial.worker.starts) == 2
        trial.worker.gate.set()
        await eventually(lambda: len(trial.worker.starts) == 3)


def _with(tiltfile: Tiltfile, settings: UpdateSettings):
    assert tiltfile.status.declaration
    return replace(tiltfile.status, declaration=replace(tiltfile.status.declaration, updates=settings))


async def deployed(trial: Trial) -> None:
    """`web` runs in a container that can be updated in place."""
    spec = image("img", live=True)
    await trial.declare(kubernetes("web", images=[spec]))
    await trial.watching.declare({"image:img": [FileRule(paths=("/p/img",))]})
    trial.store.put(ImageMap(name="img", spec=spec, status=ImageMapStatus(reference="img:1")))
    container = Container(name="c", image="img:1", id="c1", state=ContainerState.RUNNING)
    pod = Pod(name="web-1", namespace="default", uid="u", created_at="", containers=(container,))
    trial.store.put(Runtime(name="web", status=RuntimeState(pods=(pod,))))
    applied = (DeployedImage(name=spec.name, reference="img:1"),)
    status = ResourceStatus(history=(update(),), applied_images=applied, deployed_at="2026-01-01T00:00:00Z")
    trial.store.change(Resource, "web", lambda each: replace(each, status=status))


async def test_a_live_update_that_does_not_reach_its_container_is_followed_by_a_full_one(trial: Trial, logs: LogStore):
    await deployed(trial)
    trial.worker.answers = [SyncError("the stream broke")]
    async with running(trial.updating.run()):
        trial.change("/p/img/main.py", watch="image:img")
        status = await trial.ended(3, "web")
    assert [start.strategy for start in trial.worker.starts] == [Strategy.LIVE, Strategy.FULL]
    assert trial.worker.starts[1].note == "the stream broke"
    assert [each.outcome for each in status.history] == [Outcome.OK, Outcome.FELL_BACK, Outcome.OK]
    assert "Live update failed: the stream broke" in logged(logs)
    assert "Updating with a full build: the stream broke" in logged(logs)


async def test_a_command_that_fails_in_the_container_is_no_reason_to_fall_back(trial: Trial):
    await deployed(trial)
    trial.worker.answers = [Done(outcome=Outcome.FAILED, error="exit status 1")]
    async with running(trial.updating.run()):
        trial.change("/p/img/main.py", watch="image:img")
        status = await trial.ended(2, "web")
        await idle()
    assert [start.strategy for start in trial.worker.starts] == [Strategy.LIVE]
    assert status.last
    assert status.last.outcome is Outcome.FAILED


async def test_a_deployment_that_failed_counts_its_images_as_tried(trial: Trial):
    spec = image("img")
    await trial.declare(kubernetes("web", images=[spec]))
    trial.store.put(ImageMap(name="img", spec=spec, status=ImageMapStatus(reference="img:2")))
    trial.worker.answers = [ApplyError("refused")]
    async with running(trial.updating.run()):
        status = await trial.ended(1, "web")
        await idle()
    assert status.applied_images == (DeployedImage(name=spec.name, reference="img:2"),)
    assert list(map(str, status.applied)) == ["Deployment/web"]
    assert len(trial.worker.starts) == 1


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        (["/p/tool/a"], "1 File Changed: [tool/a]"),
        (["/p/tool/a", "/q/b"], "2 Files Changed: [tool/a /q/b]"),
    ],
)
async def test_an_update_begins_with_what_changed(trial: Trial, logs: LogStore, changes: Sequence[str], shown: str):
    await trial.declare(local("tool"))
    async with running(trial.updating.run()):
        await trial.ended(1)
        trial.change(*changes)
        await trial.ended(2)
    starts = [line.text for line in logs.read(0)[0] if line.start]
    assert starts == ["Initial Build", shown]


class Cluster:
    """Answers or not, as the test says, and writes so."""

    def __init__(self, trial: Trial) -> None:
        self._store = trial.store
        self.error = ""
        self.asked = 0

    async def ask(self) -> bool:
        self.asked += 1
        self.say(self.error)
        return not self.error

    def say(self, error: str) -> None:
        self.error = error
        self._store.change(ClusterState, "default", lambda state: replace(state, error=error))


@pytest.mark.parametrize(
    "problem",
    [ClusterUnreachableError("no route"), EngineUnreachableError("no socket"), CommandError("`kubectl apply` failed")],
)
async def test_an_update_that_the_cluster_cut_short_begins_again_when_it_answers(
    store: Store, logs: LogStore, problem: PytiltError
):
    trial = Trial(store, logs)
    cluster = Cluster(trial)
    trial.updating = Updating(
        store, logs, trial.watching, dict.fromkeys(Strategy, trial.worker), "/p", ask_cluster=cluster.ask
    )
    await trial.declare(kubernetes("web"))
    trial.worker.answers = [problem]
    cluster.error = "no route"
    async with running(trial.updating.run()):
        await trial.ended(1, "web")
        await idle()
        status = trial.status("web")
        assert status.hold is not None
        assert (status.hold.reason, len(status.history)) == (HoldReason.WAITING_FOR_CLUSTER, 1)
        cluster.say("")
        status = await trial.ended(2, "web")
        await idle()
    assert [each.outcome for each in status.history] == [Outcome.OK, Outcome.INTERRUPTED]
    assert [start.reason for start in trial.worker.starts] == [Reason.INITIAL_BUILD] * 2
    assert cluster.asked == 1
    assert "The update begins again when the cluster answers" in logged(logs)
    assert len(trial.worker.starts) == 2


async def test_a_live_update_that_the_cluster_cut_short_is_tried_again_without_a_build(store: Store, logs: LogStore):
    trial = Trial(store, logs)
    cluster = Cluster(trial)
    trial.updating = Updating(
        store, logs, trial.watching, dict.fromkeys(Strategy, trial.worker), "/p", ask_cluster=cluster.ask
    )
    await deployed(trial)
    trial.worker.answers = [ClusterUnreachableError("no route")]
    cluster.error = "no route"
    async with running(trial.updating.run()):
        trial.change("/p/img/main.py", watch="image:img")
        await trial.ended(2, "web")
        trial.change("/p/img/other.py", watch="image:img")
        await idle()
        assert len(trial.worker.starts) == 1
        cluster.say("")
        await trial.ended(3, "web")
    assert [start.strategy for start in trial.worker.starts] == [Strategy.LIVE] * 2
    assert trial.worker.starts[1].changed_files == ("/p/img/main.py", "/p/img/other.py")


async def test_nobody_sees_a_new_deployment_beside_what_was_ready_before_it(store: Store, logs: LogStore):
    def judge() -> None:
        store.put(Runtime(name="web", status=RuntimeState(status=RuntimeStatus.PENDING)))

    trial = Trial(store, logs)
    trial.updating = Updating(store, logs, trial.watching, dict.fromkeys(Strategy, trial.worker), "/p", judge=judge)
    await trial.declare(kubernetes("web"))
    store.put(Runtime(name="web", status=RuntimeState(status=RuntimeStatus.OK)))
    async with running(trial.updating.run()):
        await until(store, lambda: trial.status("web").history)
        runtime = store.get(Runtime, "web")
        assert runtime is not None
        assert runtime.status.status is RuntimeStatus.PENDING
