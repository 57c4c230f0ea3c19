from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from pytilt.loop.planning.planner import Planner
from pytilt.loop.planning.schedule import Slots, UpdatePlan
from pytilt.model import resources
from pytilt.model.clusters import ClusterInfo
from pytilt.model.commands import Command
from pytilt.model.files import FileRule
from pytilt.model.images import BuiltImage, DockerBuild, Image, LiveUpdate, Sync
from pytilt.model.inference import InferenceMode
from pytilt.model.names import CONFIGS, TILTFILE, UNCATEGORIZED, ImageName, ResourceName, SpanId
from pytilt.model.objects import (
    ClusterState,
    FileWatch,
    FileWatchStatus,
    ImageMap,
    ImageMapStatus,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Tiltfile,
    TiltfileStatus,
)
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import KubernetesDeploy, LocalDeploy, TriggerMode
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import (
    DeployedImage,
    HoldReason,
    Outcome,
    Pause,
    Reason,
    Strategy,
    SyncedContainer,
    Trigger,
    Update,
)
from pytilt.store.objects import Store

IMAGE = ImageName("web-image")
WEB = ResourceName("web")
TRUE = Command(argv=("true",), dir="/p")


def update(strategy: Strategy = Strategy.FULL, outcome: Outcome = Outcome.OK) -> Update:
    return Update(
        id=1, span=SpanId("build:1"), reason=Reason.INITIAL_BUILD, strategy=strategy, started_at="", outcome=outcome
    )


def image(*, live: bool = True, stop: str = "") -> Image:
    rules = LiveUpdate(syncs=(Sync(local="/p/src", remote="/app"),), fall_back_on=(stop,) if stop else ())
    build = DockerBuild(context="/p", contents="FROM busybox")
    return Image(name=IMAGE, build=build, files=FileRule(paths=("/p",)), live_update=rules if live else None)


def local(name: str, **fields: object) -> resources.ResourceSpec:
    deploy = LocalDeploy(update=TRUE, files=FileRule(paths=("/p",)))
    return resources.ResourceSpec(name=ResourceName(name), deploy=deploy, **fields)  # type: ignore[arg-type]  # fields of a resource


def kubernetes(name: str, *images: Image, **fields: object) -> resources.ResourceSpec:
    deploy = KubernetesDeploy(objects=(), images=tuple(each.name for each in images))
    return resources.ResourceSpec(name=ResourceName(name), deploy=deploy, images=images, **fields)  # type: ignore[arg-type]  # fields of a resource


class World:
    """A session's state in which everything is well until a test says otherwise."""

    def __init__(self) -> None:
        self.store = Store()
        self.store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=TiltfileStatus(history=(update(),))))
        self.store.put(ClusterState(name="default", info=ClusterInfo(context="c", namespace="n", product="kind")))
        self._order = 1

    def add(self, spec: resources.ResourceSpec, **status: object) -> None:
        self._order += 1
        digest = str(status.pop("digest", "d"))
        self.store.put(
            Resource(
                name=spec.name,
                spec=spec,
                digest=digest,
                order=self._order,
                status=ResourceStatus(**{"applied_digest": "d", **status}),  # type: ignore[arg-type]  # fields of a status
            )
        )

    def change(self, watch: str, **paths: int) -> None:
        self.changes(watch, {f"/p/{path}": sequence for path, sequence in paths.items()})

    def changes(self, watch: str, paths: Mapping[str, int]) -> None:
        self.store.put(FileWatch(name=watch, status=FileWatchStatus(changes=paths, latest=max(paths.values()))))

    def built(self, spec: Image, *, sequence: int = 0, reference: str = "web-image:tilt-1") -> None:
        made = BuiltImage(name=spec.name, id="sha256:1", reference=reference)
        status = ImageMapStatus(built=made, reference=reference, sequence=sequence)
        self.store.put(ImageMap(name=spec.name, spec=spec, status=status))

    def runtime(self, name: str, *, ready_once: bool = True, **container: object) -> None:
        fields = {"name": "c", "image": "web-image:tilt-1", "id": "c1", "state": ContainerState.RUNNING, **container}
        one = Container(**fields)  # type: ignore[arg-type]  # fields of a container
        pod = Pod(name="web-1", namespace="n", uid="u", created_at="", phase="Running", containers=(one,))
        status = RuntimeState(status=RuntimeStatus.OK, ready_once=ready_once, pods=(pod,))
        self.store.put(Runtime(name=name, status=status))

    def deployed(self, spec: Image, **status: object) -> None:
        applied = (DeployedImage(name=spec.name, reference="web-image:tilt-1"),)
        self.built(spec)
        self.add(kubernetes("web", spec), **{"history": (update(),), "applied_images": applied, **status})
        self.runtime("web")

    def plan(self, max_parallel: int = 3) -> UpdatePlan:
        slots = Slots(commands=max_parallel, builds=max_parallel, applies=max_parallel, total=max_parallel)
        return Planner().plan(self.store.snapshot(), slots)


@pytest.fixture
def world() -> World:
    return World()


def started(found: UpdatePlan) -> list[str]:
    return [start.resource for start in found.starts]


def holds(found: UpdatePlan) -> dict[str, HoldReason]:
    return {name: hold.reason for name, hold in found.holds.items()}


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
