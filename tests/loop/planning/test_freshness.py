from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from pytilt.loop.planning import freshness
from pytilt.loop.planning.freshness import ContainerPending, InPlace, NotInPlace
from pytilt.model.clusters import ObjectRef
from pytilt.model.images import BuiltImage, CustomBuild, Image
from pytilt.model.names import ImageName
from pytilt.model.objects import (
    FileWatch,
    FileWatchStatus,
    ImageMap,
    ImageMapStatus,
    Resource,
    Runtime,
    RuntimeState,
)
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import ResourceSpec
from pytilt.model.updates import DeployedImage, Outcome, Strategy, SyncedContainer
from pytilt.store.objects import Store
from tests.loop.declaring import command, image, kubernetes, local, prepare, update

BASE = image("base", deployed=False)
WEB = image("web", "base", live=True)


class Trial:
    """`web`, deployed with an image upon another, running in one container."""

    def __init__(self, store: Store, *images: Image) -> None:
        self.store = store
        self.declare(kubernetes("web", images=images or (BASE, WEB)))
        for each in images or (BASE, WEB):
            self.built(each.name)
        applied = tuple(DeployedImage(name=ImageName(name), reference=f"{name}:1") for name in ("base", "web"))
        self.status(history=(update(),), applied_images=applied)
        self.runs()

    def declare(self, *specs: ResourceSpec) -> None:
        prepare(self.store, *specs)

    def built(self, name: str, number: int = 1, sequence: int = 0, *, published: bool = True) -> None:
        built = BuiltImage(name=ImageName(name), id=f"sha256:{number}", reference=f"{name}:{number}")
        reference = built.reference if published else ""
        status = ImageMapStatus(built=built, reference=reference, sequence=sequence)
        self.store.change(ImageMap, name, lambda each: replace(each, status=status))

    def status(self, **fields: object) -> None:
        self.store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, **fields)))

    def runs(self, pod: Mapping[str, object] | None = None, **container: object) -> None:
        given = {"name": "c", "image": "web:1", "id": "c1", "state": ContainerState.RUNNING, **container}
        fields = {"name": "web-1", "namespace": "n", "uid": "u", "created_at": "", **(pod or {})}
        one = Container(**given)  # type: ignore[arg-type]  # fields of a container
        found = Pod(containers=(one,), **fields)  # type: ignore[arg-type]  # fields of a pod
        self.store.put(Runtime(name="web", status=RuntimeState(pods=(found,))))

    def change(self, name: str, **paths: int) -> None:
        changes = {f"/p/{name}/{path}": sequence for path, sequence in paths.items()}
        status = FileWatchStatus(changes=changes, latest=max(paths.values()))
        self.store.put(FileWatch(name=f"image:{name}", status=status))

    @property
    def resource(self) -> Resource:
        found = self.store.get(Resource, "web")
        assert found
        return found

    def unconsumed(self) -> set[str]:
        return set(freshness.unconsumed(self.store.snapshot(), self.resource))

    def newer(self) -> bool:
        return freshness.has_newer_images(self.store.snapshot(), self.resource)

    def lacking(self) -> bool:
        return freshness.lacking(self.store.snapshot(), self.resource)

    def in_place(self) -> ContainerPending | NotInPlace | InPlace:
        return freshness.in_place(self.store.snapshot(), self.resource)


@pytest.fixture
def trial(store: Store) -> Trial:
    return Trial(store)


def test_changes_of_every_image_count_until_an_update_took_them(trial: Trial):
    trial.change("base", a=1)
    trial.change("web", b=2)
    assert trial.unconsumed() == {"/p/base/a", "/p/web/b"}
    trial.status(consumed=1)
    assert trial.unconsumed() == {"/p/web/b"}
    trial.status(consumed=2)
    assert not trial.unconsumed()


def test_what_is_in_an_image_already_counts_no_more(trial: Trial):
    trial.change("base", a=1, b=3)
    trial.built("base", 2, sequence=2)
    assert trial.unconsumed() == {"/p/base/b"}


def test_a_local_resource_has_files_of_its_own(store: Store):
    prepare(store, local("tool"))
    store.put(FileWatch(name="tool", status=FileWatchStatus(changes={"/p/tool/a": 1}, latest=1)))
    resource = store.get(Resource, "tool")
    assert resource
    assert set(freshness.unconsumed(store.snapshot(), resource)) == {"/p/tool/a"}


def test_the_newest_change_is_that_of_any_watch(trial: Trial):
    assert freshness.latest(trial.store.snapshot()) == 0
    trial.change("base", a=4)
    trial.change("web", b=2)
    assert freshness.latest(trial.store.snapshot()) == 4


@pytest.mark.parametrize("name", ["base", "web"])
def test_an_image_that_was_built_anew_is_newer_whether_deployed_or_below(trial: Trial, name: str):
    assert not trial.newer()
    trial.built(name, 2, published=name == "web")
    assert trial.newer()


def test_a_base_image_that_was_published_for_another_resource_is_the_same(trial: Trial):
    built = BuiltImage(name=BASE.name, id="sha256:1", reference="base:1")
    status = ImageMapStatus(built=built, reference="localhost:5001/base:1")
    trial.store.change(ImageMap, "base", lambda each: replace(each, status=status))
    assert not trial.newer()


def test_an_image_answers_for_those_it_builds_upon():
    other = image("other")
    resource = Resource(name="web", spec=kubernetes("web", images=(other, BASE, WEB)))
    assert [each.name for each in freshness.sources(resource, WEB)] == ["base", "web"]


def test_what_runs_as_declared_can_be_updated_in_place(trial: Trial):
    trial.change("web", a=1)
    answer = trial.in_place()
    assert isinstance(answer, InPlace)
    assert [target.container.id for target in answer.targets] == ["c1"]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"history": ()}, ""),
        ({"history": (update(outcome=Outcome.FAILED),)}, ""),
        ({"history": (update(2, Outcome.FELL_BACK, Strategy.LIVE), update())}, "it failed"),
    ],
)
def test_only_after_a_good_full_update_can_it_be_in_place(trial: Trial, status: Mapping[str, object], why: str):
    trial.status(**status)
    assert trial.in_place() == NotInPlace(why=why)


def test_a_live_update_that_failed_in_the_container_does_not_rule_out_the_next(trial: Trial):
    trial.status(history=(update(2, Outcome.FAILED, Strategy.LIVE), update()))
    assert isinstance(trial.in_place(), InPlace)


def test_a_change_of_a_base_image_that_no_sync_covers_takes_a_full_update(trial: Trial):
    trial.change("base", a=1)
    answer = trial.in_place()
    assert isinstance(answer, NotInPlace)
    assert "/p/base/a" in answer.why
    assert "the live_update of base" not in answer.why


def test_the_live_update_of_a_base_image_is_for_the_containers_of_that_image(store: Store):
    trial = Trial(store, image("base", deployed=False, live=True), WEB)
    trial.change("base", a=1)
    answer = trial.in_place()
    assert isinstance(answer, NotInPlace)
    assert answer.why.endswith("; the live_update of base is for containers that run base itself")


def test_what_was_synced_before_is_not_planned_again_with_every_save(trial: Trial):
    trial.change("base", a=1)
    trial.status(synced=1)
    trial.change("web", b=2)
    assert isinstance(trial.in_place(), InPlace)


def test_a_change_of_an_image_without_live_update_beside_one_with_takes_a_full_update(store: Store):
    trial = Trial(store, image("side"), WEB)
    trial.change("side", a=1)
    answer = trial.in_place()
    assert isinstance(answer, NotInPlace)
    assert answer.why.startswith("image side has no live_update; ")


@pytest.mark.parametrize(
    ("container", "pod", "expected"),
    [
        ({"state": ContainerState.WAITING, "reason": "ContainerCreating"}, {}, ContainerPending()),
        ({"state": ContainerState.TERMINATED}, {}, NotInPlace(why="container c is down: terminated")),
        (
            {"state": ContainerState.WAITING, "reason": "CrashLoopBackOff"},
            {},
            NotInPlace(why="container c is down: CrashLoopBackOff"),
        ),
        ({"image": "web:0"}, {}, ContainerPending()),
        ({}, {"deleting": True}, ContainerPending()),
        ({"init": True}, {}, ContainerPending()),
    ],
)
def test_a_container_that_does_not_run_what_was_deployed_is_waited_for_or_given_up(
    trial: Trial, container: Mapping[str, object], pod: Mapping[str, object], expected: ContainerPending | NotInPlace
):
    trial.change("web", a=1)
    trial.runs(pod, **container)
    assert trial.in_place() == expected


def test_a_new_container_lacks_what_was_synced_before_it(trial: Trial):
    trial.change("web", a=3)
    trial.status(synced=3, containers=(SyncedContainer(id="c1", sequence=3),))
    assert not trial.lacking()
    trial.runs(id="c2")
    assert trial.lacking()
    trial.built("web", 1, sequence=3)
    assert not trial.lacking()


def test_a_container_that_never_got_a_live_update_lacks_nothing(trial: Trial):
    trial.change("web", a=3)
    assert not trial.lacking()


def test_with_initial_sync_every_new_container_lacks_its_files(store: Store):
    assert WEB.live_update
    trial = Trial(store, BASE, replace(WEB, live_update=replace(WEB.live_update, initial_sync=True)))
    assert trial.lacking()
    trial.status(containers=(SyncedContainer(id="c1", sequence=0),))
    assert not trial.lacking()


LIVE_ONLY = image("ready", live=True, build=CustomBuild(command=command(":")))


@pytest.fixture
def ready(store: Store) -> Trial:
    """A container whose image is not built here, with a file that was synced and one that no sync covers."""
    trial = Trial(store, LIVE_ONLY)
    trial.store.delete(ImageMap, "ready")
    trial.status(applied=(ObjectRef(api_version="apps/v1", kind="Deployment", name="web"),), applied_images=())
    trial.runs(image="docker.io/library/ready:v1.2")
    return trial


def test_a_container_that_runs_the_image_of_the_yaml_is_updated_in_place(ready: Trial):
    assert isinstance(ready.in_place(), InPlace)
    ready.runs(image="unready:v1")
    assert ready.in_place() == ContainerPending()


def test_a_new_container_of_an_image_that_is_not_built_here_lacks_all_changes(ready: Trial):
    ready.change("ready", a=1, b=2)
    ready.status(synced=2, containers=(SyncedContainer(id="c1", sequence=2),))
    assert not ready.lacking()
    ready.runs(image="ready", id="c2")
    assert ready.lacking()


def test_what_a_full_update_could_not_bring_is_in_the_way_of_no_later_live_update(ready: Trial):
    status = FileWatchStatus(changes={"/p/elsewhere": 1, "/p/ready/a": 2}, latest=2)
    ready.store.put(FileWatch(name="image:ready", status=status))
    answer = ready.in_place()
    assert isinstance(answer, NotInPlace)
    assert answer.why.startswith(
        "Found file(s) not matching any sync (files: [/p/elsewhere]); a `sync` that covers them"
    )
    ready.status(synced=2, consumed=2)
    assert ready.lacking()
    answer = ready.in_place()
    assert isinstance(answer, InPlace)
    (target,) = answer.targets
    assert freshness.since_built(ready.store.snapshot(), ready.resource, target, upto=2) == {"/p/ready/a": 2}
