import pytest
from msgspec.structs import replace

from pytilt.model.images import Image
from pytilt.model.inference import InferenceMode
from pytilt.model.objects import (
    Resource,
)
from pytilt.model.pods import ContainerState
from pytilt.model.resources import TriggerMode
from pytilt.model.updates import (
    HoldReason,
    Outcome,
    Reason,
    Strategy,
    SyncedContainer,
)
from tests.loop.planning.schedule_world import World, holds, image, local, started, update


@pytest.fixture
def world() -> World:
    return World()


def test_a_change_that_is_synced_goes_into_the_running_container(world: World):
    world.deployed(image())
    world.changes("image:web-image", {"/p/src/main.py": 5})
    (start,) = world.plan().starts
    assert (start.strategy, start.sequence, start.changed_files) == (Strategy.LIVE, 5, ("/p/src/main.py",))


@pytest.mark.parametrize(
    ("spec", "path", "note"),
    [
        (image(live=False), "/p/src/main.py", ""),
        (image(), "/p/go.mod", "Found file(s) not matching any sync (files: [/p/go.mod])"),
        (image(stop="/p/src/req.txt"), "/p/src/req.txt", 'Detected change to stop file "/p/src/req.txt"'),
    ],
)
def test_a_change_that_cannot_be_synced_asks_for_a_full_update_and_says_why(
    world: World, spec: Image, path: str, note: str
):
    world.deployed(spec)
    world.changes("image:web-image", {path: 5})
    (start,) = world.plan().starts
    assert (start.strategy, start.note.partition("; ")[0]) == (Strategy.FULL, note)


def test_where_the_update_mode_asks_for_an_image_it_is_said(world: World):
    world.deployed(replace(image(live=False), inference=InferenceMode.BUILT))
    world.changes("image:web-image", {"/p/src/main.py": 5})
    (start,) = world.plan().starts
    assert (start.strategy, start.note) == (Strategy.FULL, "the update mode is `image`")


def test_a_change_waits_for_a_container_that_is_about_to_start(world: World):
    world.deployed(image())
    world.changes("image:web-image", {"/p/src/main.py": 5})
    world.runtime("web", state=ContainerState.WAITING, reason="ContainerCreating")
    assert holds(world.plan()) == {"web": HoldReason.WAITING_FOR_DEPLOY}


def test_a_crashed_container_asks_for_a_full_update(world: World):
    world.deployed(image())
    world.changes("image:web-image", {"/p/src/main.py": 5})
    world.runtime("web", state=ContainerState.WAITING, reason="CrashLoopBackOff")
    (start,) = world.plan().starts
    assert start.strategy is Strategy.FULL
    assert "CrashLoopBackOff" in start.note


def test_after_a_live_update_that_fell_back_comes_a_full_one(world: World):
    fell = replace(update(Strategy.LIVE, Outcome.FELL_BACK), error="the stream broke")
    world.deployed(image(), history=(fell, update()))
    world.changes("image:web-image", {"/p/src/main.py": 5})
    (start,) = world.plan().starts
    assert (start.strategy, start.note) == (Strategy.FULL, "the stream broke")


def test_a_failed_full_update_is_not_tried_again_until_something_changes(world: World):
    world.deployed(image(), history=(update(outcome=Outcome.FAILED),), consumed=5)
    world.changes("image:web-image", {"/p/src/main.py": 5})
    assert not world.plan().starts
    world.changes("image:web-image", {"/p/src/main.py": 6})
    (start,) = world.plan().starts
    assert start.strategy is Strategy.FULL


def test_a_new_container_gets_what_was_synced_into_the_old_one(world: World):
    world.deployed(image(), consumed=5, synced=5, containers=(SyncedContainer(id="c1", sequence=5),))
    world.changes("image:web-image", {"/p/src/main.py": 5})
    assert not world.plan().starts
    world.runtime("web", id="c2")
    (start,) = world.plan().starts
    assert (start.strategy, start.reason) == (Strategy.LIVE, Reason.CONTAINER_REPLACED)


def manual(world: World) -> None:
    (resource,) = world.store.snapshot().all(Resource)
    world.store.put(replace(resource, spec=replace(resource.spec, trigger_mode=TriggerMode.MANUAL)))


def test_in_manual_mode_a_new_container_gets_it_too_and_a_change_still_waits(world: World):
    world.deployed(image(), consumed=5, synced=5, containers=(SyncedContainer(id="c1", sequence=5),))
    manual(world)
    world.changes("image:web-image", {"/p/src/main.py": 5})
    world.runtime("web", id="c2")
    (start,) = world.plan().starts
    assert (start.strategy, start.reason) == (Strategy.LIVE, Reason.CONTAINER_REPLACED)
    world.changes("image:web-image", {"/p/src/main.py": 6})
    assert not world.plan().starts


@pytest.mark.parametrize("waiting", ["/p/src/other.py", "/p/Makefile"])
def test_in_manual_mode_what_waits_keeps_no_new_container_from_what_was_synced(world: World, waiting: str):
    world.deployed(image(), consumed=5, synced=5, containers=(SyncedContainer(id="c1", sequence=5),))
    manual(world)
    world.changes("image:web-image", {"/p/src/main.py": 5, waiting: 6})
    assert world.plan().pending_manual == {"web"}
    world.runtime("web", id="c2")
    (start,) = world.plan().starts
    assert (start.strategy, start.reason) == (Strategy.LIVE, Reason.CONTAINER_REPLACED)
    assert (start.sequence, start.changed_files, start.only_in_place) == (5, (), True)


def test_in_manual_mode_what_waits_is_not_built_for_the_sake_of_a_new_container(world: World):
    world.deployed(image(), consumed=5, synced=5, containers=(SyncedContainer(id="c1", sequence=5),))
    manual(world)
    world.changes("image:web-image", {"/p/src/main.py": 5, "/p/src/other.py": 6})
    world.runtime("web", id="c2", state=ContainerState.WAITING, reason="CrashLoopBackOff")
    plan = world.plan()
    assert not plan.starts
    assert plan.pending_manual == {"web"}


def test_in_manual_mode_a_new_container_gets_what_is_kept_of_files_that_changed_since(world: World):
    world.deployed(image(), consumed=5, synced=5, kept=5, containers=(SyncedContainer(id="c1", sequence=5),))
    manual(world)
    world.changes("image:web-image", {"/p/src/main.py": 6})
    assert not world.plan().starts
    world.runtime("web", id="c2")
    (start,) = world.plan().starts
    assert (start.strategy, start.sequence) == (Strategy.LIVE, 5)
    world.built(image(), sequence=5)
    assert not world.plan().starts


def test_in_manual_mode_a_live_update_that_fell_back_is_followed_by_a_full_one(world: World):
    fell = replace(update(Strategy.LIVE, Outcome.FELL_BACK), error="the stream broke")
    world.deployed(image(), history=(fell, update()))
    manual(world)
    world.changes("image:web-image", {"/p/src/main.py": 5})
    (start,) = world.plan().starts
    assert (start.strategy, start.note) == (Strategy.FULL, "the stream broke")


def test_while_a_build_is_broken_a_new_container_gets_what_was_synced_and_nothing_is_built_again(world: World):
    broken = (update(outcome=Outcome.FAILED), update())
    world.deployed(image(), history=broken, consumed=6, synced=5, containers=(SyncedContainer(id="c1", sequence=5),))
    world.changes("image:web-image", {"/p/src/main.py": 5, "/p/Makefile": 6})
    assert not world.plan().starts
    world.runtime("web", id="c2")
    (start,) = world.plan().starts
    assert (start.strategy, start.sequence, start.only_in_place) == (Strategy.LIVE, 5, True)
    world.runtime("web", id="c2", state=ContainerState.WAITING, reason="CrashLoopBackOff")
    plan = world.plan()
    assert (plan.starts, plan.due) == ((), {})


def test_live_updates_do_not_wait_for_a_local_resource_that_runs(world: World):
    world.add(local("a"), current=(update(Strategy.COMMAND, Outcome.RUNNING),))
    world.deployed(image())
    world.changes("image:web-image", {"/p/src/main.py": 5})
    assert started(world.plan()) == ["web"]
