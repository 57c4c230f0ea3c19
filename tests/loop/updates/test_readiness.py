from collections.abc import Sequence

from msgspec.structs import replace

from pytilt.host.timing import Recording
from pytilt.loop.updates.readiness import Readiness, before, with_steps
from pytilt.model.objects import Resource, ResourceStatus, Runtime, RuntimeState
from pytilt.model.pods import Pod
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, StepName, Strategy
from pytilt.store.objects import Store
from tests.loop.declaring import kubernetes, local, update


class Trial:
    """A resource that was deployed, and an update of it."""

    def __init__(self, store: Store, strategy: Strategy = Strategy.FULL) -> None:
        self.store = store
        self.strategy = strategy
        self.spec = kubernetes("web")
        self.recording = Recording()
        self.readiness = Readiness()
        self.hashes: tuple[str, ...] = ("old",)
        self.put()

    def put(self) -> Resource:
        return self.store.put(Resource(name="web", spec=self.spec, status=ResourceStatus(template_hashes=self.hashes)))

    def runs(self, status: RuntimeStatus, pods: Sequence[str] = ()) -> None:
        found = tuple(Pod(name=uid, namespace="default", uid=uid, created_at="", phase="Running") for uid in pods)
        self.store.put(Runtime(name="web", status=RuntimeState(status=status, pods=found)))

    def ends(self, *, hashes: tuple[str, ...] = ("old",), outcome: Outcome = Outcome.OK) -> None:
        was = before(self.store.snapshot(), self.put())
        self.hashes = hashes
        done = replace(update(3), strategy=self.strategy, outcome=outcome)
        self.readiness.end(self.store.snapshot(), self.put(), done, self.recording, was)

    def ready(self) -> list[StepName]:
        assert all(found[:2] == ("web", 3) for found in self.readiness.ready(self.store.snapshot()))
        return [each.name for each in self.recording.steps]


def test_the_new_pods_are_waited_for_whatever_the_old_ones_say(store: Store):
    trial = Trial(store)
    trial.runs(RuntimeStatus.OK, ["a"])
    trial.ends(hashes=("new",))
    assert trial.ready() == []
    trial.runs(RuntimeStatus.PENDING, ["b"])
    assert trial.ready() == []
    trial.runs(RuntimeStatus.OK, ["b"])
    assert trial.ready() == [StepName.POD]
    assert trial.ready() == [StepName.POD]


def test_what_is_ready_all_the_time_has_no_such_step(store: Store):
    trial = Trial(store)
    trial.runs(RuntimeStatus.OK, ["a"])
    trial.ends()
    trial.runs(RuntimeStatus.PENDING, ["a"])
    trial.runs(RuntimeStatus.OK, ["a"])
    assert trial.ready() == []


def test_a_container_that_is_restarted_is_ready_again(store: Store):
    trial = Trial(store, Strategy.LIVE)
    trial.runs(RuntimeStatus.PENDING, ["a"])
    trial.ends()
    trial.runs(RuntimeStatus.OK, ["a"])
    assert trial.ready() == [StepName.READY]


def test_what_failed_makes_nothing_ready(store: Store):
    trial = Trial(store)
    trial.ends(outcome=Outcome.FAILED)
    trial.runs(RuntimeStatus.OK)
    assert trial.ready() == []


def test_a_command_of_this_machine_has_no_pods(store: Store):
    trial = Trial(store, Strategy.COMMAND)
    trial.spec = local("web")
    trial.ends()
    trial.runs(RuntimeStatus.OK)
    assert trial.ready() == []


def test_another_update_ends_the_waiting(store: Store):
    trial = Trial(store)
    trial.ends(hashes=("new",))
    trial.readiness.begin(trial.spec.name)
    trial.runs(RuntimeStatus.OK)
    assert trial.ready() == []


def test_the_steps_of_one_update_are_written_and_no_other_is_touched():
    recording = Recording()
    recording.add(StepName.POD, recording.origin, recording.origin + 1)
    first, second = (update(number) for number in (1, 2))
    status = with_steps(ResourceStatus(history=(second, first)), 1, recording)
    assert status.history == (second, replace(first, steps=recording.steps))
