import random
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from pytilt.loop.planning.planner import Planner
from pytilt.loop.planning.schedule import Key, QueueKind, Slots
from pytilt.model.clusters import ClusterInfo
from pytilt.model.commands import Command
from pytilt.model.files import FileRule
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import (
    ClusterState,
    FileWatch,
    FileWatchStatus,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Tiltfile,
    TiltfileStatus,
)
from pytilt.model.resources import KubernetesDeploy, LocalDeploy, ResourceSpec
from pytilt.model.updates import Hold, Outcome, Reason, Strategy, Trigger, Update
from pytilt.store.objects import Store

NAMES = [ResourceName(f"r{number}") for number in range(8)]
SLOTS = Slots(commands=2)


def update(outcome: Outcome = Outcome.OK) -> Update:
    span, reason = SpanId("build:1"), Reason.INITIAL_BUILD
    return Update(id=1, span=span, reason=reason, strategy=Strategy.COMMAND, started_at="", outcome=outcome)


class World:
    """A session that a planner follows from change to change."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.store = Store()
        self.planner = Planner()
        self.due: dict[ResourceName, Reason] = {}
        self.holds: dict[ResourceName, Hold] = {}
        self.sequence = 0
        self.changed: set[Key] = set()
        self.put(Tiltfile(name=TILTFILE, path="/T", status=TiltfileStatus(history=(update(),))))
        for order, name in enumerate(NAMES):
            self.put(self.resource(name, order))

    def resource(self, name: ResourceName, order: int) -> Resource:
        command = Command(argv=("true",), dir="/")
        parallel = self.random.random() < 0.7
        deploy = LocalDeploy(update=command, files=FileRule(paths=("/p",)), allow_parallel=parallel)
        deps = tuple(self.random.sample(NAMES[:order], min(order, self.random.choice((0, 0, 1, 2)))))
        spec = ResourceSpec(name=name, deploy=deploy, resource_deps=deps)
        return Resource(name=name, spec=spec, digest="d", order=order, status=ResourceStatus(applied_digest="d"))

    def put(self, each: Resource | Tiltfile | FileWatch | Runtime | ClusterState) -> None:
        self.store.put(each)
        self.changed.add((type(each), each.name))

    def step(self) -> None:
        steps: list[Callable[[ResourceName], None]] = [
            self.end,
            self.end,
            self.save,
            self.trigger,
            self.ready,
            self.toggle,
        ]
        self.random.choice(steps)(self.random.choice(NAMES))
        if self.random.random() < 0.1:
            self.evaluate()

    def end(self, name: ResourceName) -> None:
        resource = self.store.get(Resource, name)
        if resource is not None and resource.status.current:
            status = replace(resource.status, current=(), history=(update(),), consumed=self.sequence)
            self.put(replace(resource, status=status))
            self.ready(name)

    def end_of(self, name: ResourceName) -> None:
        resource = self.store.get(Resource, name)
        assert resource is not None
        self.put(replace(resource, status=replace(resource.status, history=(update(),))))

    def save(self, name: ResourceName) -> None:
        self.sequence += 1
        changes = {f"/p/{self.sequence}": self.sequence}
        self.put(FileWatch(name=name, status=FileWatchStatus(changes=changes, latest=self.sequence)))

    def trigger(self, name: ResourceName) -> None:
        resource = self.store.get(Resource, name)
        if resource is not None:
            trigger = Trigger(reason=Reason.CLI_TRIGGER, sequence=self.sequence)
            self.put(replace(resource, status=replace(resource.status, trigger=trigger)))

    def ready(self, name: ResourceName) -> None:
        self.put(Runtime(name=name, status=RuntimeState(ready_once=True)))

    def toggle(self, name: ResourceName) -> None:
        resource = self.store.get(Resource, name)
        if resource is None:
            self.put(self.resource(name, NAMES.index(name)))
        elif self.random.random() < 0.5:
            self.put(replace(resource, enabled=not resource.enabled))
        else:
            self.store.delete(Resource, name)
            self.changed.add((Resource, name))

    def evaluate(self) -> None:
        tiltfile = self.store.get(Tiltfile, TILTFILE)
        assert tiltfile is not None
        current = None if tiltfile.status.current else update(Outcome.RUNNING)
        self.put(replace(tiltfile, status=replace(tiltfile.status, current=current)))

    def settle(self) -> None:
        """Plan and start until nothing more starts."""
        while self.changed:
            changed, self.changed = self.changed, set()
            found = self.planner.plan(self.store.snapshot(), SLOTS, changed)
            for name in found.noted:
                self.due.pop(name, None)
                self.holds.pop(name, None)
            self.due.update(found.due)
            self.holds.update(found.holds)
            for start in found.starts:
                resource = self.store.get(Resource, start.resource)
                assert resource is not None
                current = (replace(update(Outcome.RUNNING), sequence=start.sequence),)
                self.put(replace(resource, status=replace(resource.status, current=current, trigger=None)))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_remembered_from_change_to_change_changes_no_answer(seed: int):
    world = World(seed)
    for _ in range(60):
        world.step()
        world.settle()
        anew = Planner().plan(world.store.snapshot(), SLOTS)
        assert (anew.starts, anew.due, anew.holds) == ((), world.due, world.holds)


def test_a_change_has_only_what_it_concerns_looked_at():
    world = World(1)
    world.settle()
    world.save(NAMES[-1])
    found = world.planner.plan(world.store.snapshot(), SLOTS, world.changed)
    assert found.noted <= {NAMES[-1]}


def test_commands_builds_and_what_is_only_applied_have_slots_of_their_own():
    slots = Slots(commands=4, builds=2, applies=8, repeats=16)
    assert [slots.of(kind) for kind in QueueKind] == [1, 4, 2, 8, 16]


def test_first_updates_that_an_earlier_session_has_recorded_have_more_slots():
    world, recorded = World(1), {"r0", "r1", "r2", "r3"}
    for name in NAMES:
        resource = world.store.get(Resource, name)
        assert resource is not None
        spec = replace(resource.spec, deploy=KubernetesDeploy(objects=()), resource_deps=())
        world.put(replace(resource, spec=spec))
    world.put(ClusterState(name="default", info=ClusterInfo(context="c", namespace="n", product="kind")))
    planner = Planner(recorded.__contains__)
    slots = Slots(applies=1, repeats=3)
    first = planner.plan(world.store.snapshot(), slots)
    assert [start.resource for start in first.starts] == ["r0", "r1", "r2", "r4"]
    for start in first.starts:
        world.end_of(start.resource)
    world.save(NAMES[0])
    world.save(NAMES[1])
    later = planner.plan(world.store.snapshot(), slots)
    assert [start.resource for start in later.starts] == ["r3", "r5"]
