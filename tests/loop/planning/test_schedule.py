import pytest
from msgspec.structs import replace

from pytilt.model import resources
from pytilt.model.names import CONFIGS, UNCATEGORIZED, ResourceName
from pytilt.model.objects import (
    ClusterState,
    FileWatch,
    Resource,
    Runtime,
    RuntimeState,
)
from pytilt.model.resources import LocalDeploy, TriggerMode
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import (
    HoldReason,
    Outcome,
    Pause,
    Reason,
    Strategy,
    Trigger,
)
from tests.loop.planning.schedule_world import TRUE, WEB, World, holds, image, kubernetes, local, started, update


@pytest.fixture
def world() -> World:
    return World()


def test_everything_is_updated_once_at_first(world: World):
    world.add(local("a"), applied_digest="")
    found = world.plan()
    assert [(start.resource, start.reason, start.strategy) for start in found.starts] == [
        ("a", Reason.INITIAL_BUILD, Strategy.COMMAND)
    ]


def test_nothing_changed_means_nothing_to_do(world: World):
    world.deployed(image())
    found = world.plan()
    assert not found.starts
    assert not found.due


@pytest.mark.parametrize(
    ("mode", "change", "expected"),
    [
        (TriggerMode.AUTO, False, ["a"]),
        (TriggerMode.MANUAL, False, ["a"]),
        (TriggerMode.MANUAL_NO_INIT, False, []),
        (TriggerMode.MANUAL_NO_INIT, True, []),
        (TriggerMode.AUTO_NO_INIT, False, []),
        (TriggerMode.AUTO_NO_INIT, True, ["a"]),
    ],
)
def test_the_trigger_mode_decides_about_the_first_update(
    world: World, mode: TriggerMode, change: bool, expected: list[str]
):
    world.add(local("a", trigger_mode=mode), applied_digest="")
    if change:
        world.change("a", x=1)
    assert started(world.plan()) == expected


def test_in_manual_mode_a_change_waits_for_a_trigger(world: World):
    world.add(local("a", trigger_mode=TriggerMode.MANUAL), history=(update(),))
    assert not world.plan().pending_manual
    world.change("a", x=1)
    plan = world.plan()
    assert (plan.starts, plan.due, plan.pending_manual) == ((), {}, frozenset({"a"}))
    world.add(
        local("a", trigger_mode=TriggerMode.MANUAL),
        history=(update(),),
        trigger=Trigger(reason=Reason.CLI_TRIGGER, sequence=2),
    )
    (start,) = world.plan().starts
    assert start.changed_files == ("/p/x",)
    assert not start.force


def test_while_the_tiltfile_is_stale_nothing_starts_and_everything_due_says_why(world: World):
    world.add(local("a"), history=(update(),))
    world.change("a", x=1)
    world.change(CONFIGS, Tiltfile=2)
    found = world.plan()
    assert not found.starts
    assert holds(found) == {"a": HoldReason.TILTFILE_RELOAD}


def test_a_local_resource_runs_alone_unless_it_allows_others(world: World):
    world.add(local("a"), current=(update(Strategy.COMMAND, Outcome.RUNNING),))
    world.add(local("b"), applied_digest="")
    assert holds(world.plan()) == {"b": HoldReason.WAITING_FOR_LOCAL}


def test_a_local_resource_waits_for_what_runs(world: World):
    world.add(kubernetes("web"), current=(update(Strategy.FULL, Outcome.RUNNING),))
    world.add(local("b"), applied_digest="")
    assert holds(world.plan()) == {"b": HoldReason.IS_UNPARALLELIZABLE_LOCAL}


def test_local_resources_that_allow_it_start_together_up_to_the_limit(world: World):
    for name in "abcd":
        spec = resources.ResourceSpec(name=ResourceName(name), deploy=LocalDeploy(update=TRUE, allow_parallel=True))
        world.add(spec, applied_digest="")
    found = world.plan(max_parallel=3)
    assert started(found) == ["a", "b", "c"]
    assert holds(found) == {"d": HoldReason.WAITING_FOR_SLOT}


def test_uncategorized_objects_are_applied_before_other_kubernetes_resources(world: World):
    world.add(kubernetes("web"), applied_digest="")
    world.add(kubernetes(UNCATEGORIZED), applied_digest="")
    found = world.plan()
    assert started(found) == [UNCATEGORIZED]
    assert holds(found) == {"web": HoldReason.WAITING_FOR_UNCATEGORIZED}


def test_a_first_update_waits_until_what_it_depends_on_was_ready_once(world: World):
    world.add(kubernetes("db"), history=(update(),))
    world.add(kubernetes("web", resource_deps=(ResourceName("db"),)), applied_digest="")
    world.runtime("db", ready_once=False)
    found = world.plan()
    assert found.holds[WEB].reason is HoldReason.WAITING_FOR_DEP
    assert found.holds[WEB].on == ("db",)
    world.runtime("db", ready_once=True)
    assert started(world.plan()) == ["web"]


def test_without_a_cluster_kubernetes_resources_wait_and_local_ones_run(world: World):
    world.store.put(ClusterState(name="default", error="refused"))
    world.add(kubernetes("web"), applied_digest="")
    world.add(local("a"), applied_digest="")
    found = world.plan()
    assert started(found) == ["a"]
    world.add(local("a"), history=(update(),))
    assert holds(world.plan()) == {"web": HoldReason.WAITING_FOR_CLUSTER}


def test_a_changed_definition_asks_for_a_full_update(world: World):
    world.deployed(image(), digest="other")
    (start,) = world.plan().starts
    assert (start.strategy, start.reason) == (Strategy.FULL, Reason.CONFIG_CHANGED)


def test_an_image_that_another_resource_built_anew_is_deployed(world: World):
    spec = image()
    world.deployed(spec)
    world.built(spec, reference="web-image:tilt-2")
    (start,) = world.plan().starts
    assert start.reason is Reason.DEPENDENCY_UPDATED


def test_a_trigger_in_auto_mode_forces_everything(world: World):
    world.deployed(image(), trigger=Trigger(reason=Reason.CLI_TRIGGER, sequence=1))
    (start,) = world.plan().starts
    assert (start.strategy, start.force) == (Strategy.FULL, True)


def test_first_updates_come_before_later_ones_and_local_ones_before_all(world: World):
    world.deployed(image(live=False))
    world.changes("image:web-image", {"/p/x": 1})
    world.add(kubernetes("second"), applied_digest="")
    spec = resources.ResourceSpec(name=ResourceName("tool"), deploy=LocalDeploy(update=TRUE, allow_parallel=True))
    world.add(spec, applied_digest="")
    assert started(world.plan(max_parallel=9)) == ["tool", "second", "web"]


def test_a_disabled_resource_is_left_alone(world: World):
    world.add(local("a"), applied_digest="")
    world.store.change(Resource, "a", lambda each: replace(each, enabled=False))
    assert not world.plan().due


@pytest.mark.parametrize(
    ("changed", "trigger", "waits"),
    [
        ({"/p/out": 7}, None, True),
        ({"/p/out": 8}, None, False),
        ({"/p/out": 7, "/p/main.c": 7}, None, False),
        ({"/p/out": 7}, Trigger(reason=Reason.CLI_TRIGGER, sequence=8), False),
    ],
)
def test_runs_that_change_their_own_files_wait_for_another_change_or_a_trigger(
    world: World, changed: dict[str, int], trigger: Trigger | None, waits: bool
):
    pause = Pause(files=("/p/out",), sequence=7)
    world.add(local("a"), history=(update(),), pause=pause, consumed=6, trigger=trigger)
    world.changes("a", changed)
    found = world.plan()
    assert started(found) == ([] if waits else ["a"])
    assert holds(found) == ({"a": HoldReason.CHANGES_OWN_DEPS} if waits else {})
    assert list(found.due) == ["a"]


def hold(world: World, watch: str) -> None:
    found = world.store.get(FileWatch, watch) or FileWatch(name=watch)
    world.store.put(replace(found, status=replace(found.status, held=True)))


def test_what_git_holds_is_said_to_be_due_and_waits(world: World):
    world.deployed(image())
    world.add(local("a", debounce_seconds=2.0), history=(update(),))
    hold(world, "a")
    hold(world, "image:web-image")
    found = world.plan()
    assert started(found) == []
    assert holds(found) == {"a": HoldReason.WAITING_FOR_GIT, "web": HoldReason.WAITING_FOR_GIT}
    assert set(found.due) == {"a", "web"}


def test_what_git_holds_keeps_nothing_else_from_being_updated(world: World):
    trigger = Trigger(reason=Reason.CLI_TRIGGER, sequence=8)
    running = replace(update(outcome=Outcome.RUNNING), sequence=5)
    world.add(kubernetes("asked"), history=(update(),), trigger=trigger)
    world.add(kubernetes("changed"), history=(update(),))
    world.add(kubernetes("runs"), history=(update(),), current=(running,))
    world.change("changed", a=5)
    for name in ("asked", "changed", "runs"):
        hold(world, name)
    found = world.plan()
    assert set(started(found)) == {"asked", "changed"}
    assert "runs" in found.due


def test_what_waits_for_another_resource_on_each_update_waits_until_that_is_up_to_date_and_ready(world: World):
    done = {"history": (update(),)}
    world.add(local("gen"), **done)
    world.add(local("app", resource_deps=(ResourceName("gen"),), each_update=(ResourceName("gen"),)), **done)
    world.store.put(Runtime(name="gen", status=RuntimeState(status=RuntimeStatus.NOT_APPLICABLE, ready_once=True)))
    world.change("app", a=5)
    assert [start.resource for start in world.plan().starts] == ["app"]
    world.change("gen", b=6)
    decided = world.plan()
    assert [start.resource for start in decided.starts] == ["gen"]
    assert (decided.holds[ResourceName("app")].reason, decided.holds[ResourceName("app")].on) == (
        HoldReason.WAITING_FOR_DEP,
        ("gen",),
    )
    world.add(local("gen"), history=(update(outcome=Outcome.FAILED),), consumed=6)
    assert world.plan().holds[ResourceName("app")].on == ("gen",)
    world.add(local("gen"), consumed=6, **done)
    assert [start.resource for start in world.plan().starts] == ["app"]


def test_what_is_debounced_waits_until_its_files_were_quiet_but_not_when_somebody_asks(world: World):
    spec = local("a", debounce_seconds=2.0)
    world.add(spec, history=(update(),))
    world.change("a", a=5)
    assert world.plan().holds[ResourceName("a")].reason is HoldReason.DEBOUNCE
    world.add(spec, history=(update(),), quiet=5)
    assert [start.resource for start in world.plan().starts] == ["a"]
    world.change("a", a=6)
    assert not world.plan().starts
    world.add(spec, history=(update(),), quiet=5, trigger=Trigger(reason=Reason.CLI_TRIGGER, sequence=7))
    assert [start.resource for start in world.plan().starts] == ["a"]


def test_what_is_undone_as_often_as_it_is_repaired_is_not_green_and_waits_for_another_reason(world: World):
    fields = {"history": (update(),), "drift": "it was deleted", "deployed_at": "2026-01-01"}
    world.add(kubernetes("web"), **fields)
    assert [start.reason for start in world.plan().starts] == [Reason.DRIFTED]
    world.add(kubernetes("web"), repair_undone=True, **fields)
    decided = world.plan()
    assert decided.due[WEB] is Reason.DRIFTED
    assert decided.holds[WEB].reason is HoldReason.REPAIR_UNDONE
    world.add(kubernetes("web"), repair_undone=True, trigger=Trigger(reason=Reason.CLI_TRIGGER, sequence=7), **fields)
    assert len(world.plan().starts) == 1
