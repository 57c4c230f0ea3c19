"""Is what runs the same as what is on disk? Pure questions about the state, for `schedule` and the updates."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import cast

from pytilt.liveupdate.inferring import UnseenTree, plan_changes
from pytilt.liveupdate.planning import ChangedFile, FallBack
from pytilt.loop.planning.identity_cache import IdentityCache
from pytilt.model import references
from pytilt.model.base import Value
from pytilt.model.images import Image, LiveUpdate
from pytilt.model.inference import InferenceMode, Inferred
from pytilt.model.names import CONFIGS, TILTFILE, ImageName
from pytilt.model.objects import FileWatch, ImageMap, Resource, Runtime, Tiltfile
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.updates import Outcome, Reason, Strategy, SyncedContainer, Update
from pytilt.store.objects import Snapshot

CRASHED = frozenset(
    {"CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "RunContainerError", "StartError", "Error"}
)
"""Reasons of waiting from which a container does not recover by waiting; the list is Tilt's."""


IMAGE_WATCH = "image:"

# Every change asks the same about the same pods. By identity alone: other objects of the same name find nothing here.
_TARGETS: IdentityCache[tuple["SyncTarget", ...]] = IdentityCache()
_RUNNING: IdentityCache[tuple["SyncTarget", ...]] = IdentityCache()
_BEHIND: IdentityCache[tuple[tuple["SyncTarget", SyncedContainer | None], ...]] = IdentityCache()


def image_watch(name: ImageName) -> str:
    """The name of the watch of an image's files."""
    return f"{IMAGE_WATCH}{name}"


def latest(state: Snapshot) -> int:
    """The sequence of the newest change of any file."""
    return max((watch.status.latest for watch in state.all(FileWatch)), default=0)


def latest_of(state: Snapshot, resource: Resource) -> int:
    """The sequence of the newest change of a file of a resource; 0 where nothing has changed."""
    names = (resource.name, *(image_watch(image.name) for image in resource.spec.images))
    return max((watch.status.latest for name in names if (watch := state.get(FileWatch, name))), default=0)


def changes(state: Snapshot, watch: str, *, above: int) -> Mapping[str, int]:
    """The files of a watch that changed after a sequence."""
    found = state.get(FileWatch, watch)
    if found is None or found.status.latest <= above:
        return {}
    known = cast("dict[str, int]", found.status.changes)
    newest_first = takewhile(lambda change: change[1] > above, reversed(known.items()))  # most may be old
    return dict(newest_first)


def consumed(state: Snapshot, watch: str) -> int:
    """The sequence up to which nobody needs to know any more which files of a watch changed.

    The files of an image are needed until it is built anew: a container that is started from it lacks all of them.
    """
    if watch == CONFIGS:
        tiltfile = state.get(Tiltfile, TILTFILE)
        return tiltfile.status.consumed if tiltfile else 0
    if watch.startswith(IMAGE_WATCH):
        built = state.get(ImageMap, watch.removeprefix(IMAGE_WATCH))
        return built.status.sequence if built else 0
    resource = state.get(Resource, watch)
    return resource.status.consumed if resource else 0


def unconsumed(state: Snapshot, resource: Resource) -> Mapping[str, int]:
    """The files of a resource that changed since its last update began."""
    above = resource.status.consumed
    found = dict(changes(state, resource.name, above=above))
    for image in resource.spec.images:
        built = state.get(ImageMap, image.name)
        # What another resource has built meanwhile is in the image already.
        included = built.status.sequence if built and built.status.built else 0
        found.update(changes(state, image_watch(image.name), above=max(above, included)))
    return found


def held(state: Snapshot, resource: Resource) -> bool:
    """Has more of its files changed, of which only git knows whether they stay so?"""
    names = (resource.name, *(image_watch(image.name) for image in resource.spec.images))
    return any(found.status.held for name in names if (found := state.get(FileWatch, name)) is not None)


def unbuilt(state: Snapshot, image: Image, *, above: int = 0) -> Mapping[str, int]:
    """The files of an image that changed since it was built; of one that is not built here, since the session began.

    Args:
        state: of the session.
        image: built or not.
        above: only changes after this sequence.
    """
    built = state.get(ImageMap, image.name)
    return changes(state, image_watch(image.name), above=max(built.status.sequence if built else 0, above))


def has_newer_images(state: Snapshot, resource: Resource) -> bool:
    """Was an image of this resource, or one that it builds upon, built anew after the resource was deployed?"""
    for applied in resource.status.applied_images:
        image = state.get(ImageMap, applied.name)
        present = image.status.references if image is not None else frozenset()
        if present and applied.reference not in present:
            return True
    return False


class SyncTarget(Value):
    """A container that runs an image with a live update."""

    image: Image
    rules: LiveUpdate | Inferred
    pod: Pod
    container: Container

    @property
    def running(self) -> bool:
        """Can it be updated now?"""
        return self.container.state is ContainerState.RUNNING

    @property
    def crashed(self) -> bool:
        """Will it not run again by itself?"""
        return self.container.state is ContainerState.TERMINATED or self.container.reason in CRASHED


def sync_targets(state: Snapshot, resource: Resource) -> tuple[SyncTarget, ...]:
    """The containers of the present pods of a resource that could be updated in place."""
    live = [(image, rules) for image in resource.spec.images if (rules := rules_of(resource, image)) is not None]
    runtime = state.get(Runtime, resource.name)
    if not live or runtime is None:
        return ()
    given = runtime, *sync_inputs(resource)
    return _TARGETS.get(resource.name, given, lambda: tuple(_sync_targets(resource, live, runtime.status.pods)))


def _sync_targets(
    resource: Resource, live: Iterable[tuple[Image, LiveUpdate | Inferred]], pods: Iterable[Pod]
) -> Iterator[SyncTarget]:
    applied = {image.name: image.reference for image in resource.status.applied_images}
    for pod in pods:
        for container in pod.containers if not pod.deleting else ():
            for image, rules in live if not container.init else ():
                if image.live_update_only:
                    runs = bool(resource.status.applied) and _runs_in(image, container)
                else:
                    runs = container.image == applied.get(image.name)
                if runs:
                    yield SyncTarget(image=image, rules=rules, pod=pod, container=container)


def running_targets(state: Snapshot, resource: Resource) -> tuple[SyncTarget, ...]:
    """Those of them that run, and so can be updated now."""
    found = sync_targets(state, resource)
    return _RUNNING.get(resource.name, (found,), lambda: tuple(target for target in found if target.running))


def sync_inputs(resource: Resource) -> tuple[object, ...]:
    """What of a resource decides about its sync targets."""
    status = resource.status
    return resource.spec.images, bool(status.applied), status.applied_images, status.inferences


def rules_of(resource: Resource, image: Image) -> LiveUpdate | Inferred | None:
    """How containers of an image may be updated in place: as the Tiltfile says, else as it was inferred."""
    if image.live_update is not None:
        return image.live_update
    return next((each.rules for each in resource.status.inferences if each.image == image.name), None)


def _runs_in(image: Image, container: Container) -> bool:
    """Is it the container that an image is for which is only updated in place?"""
    if image.container_name:
        return container.name == image.container_name
    return references.means(container.image, image)


def sources(resource: Resource, image: Image) -> tuple[Image, ...]:
    """The images whose files an image's live update answers for: its own and those it builds upon."""
    below = {image.name}
    for other in reversed(resource.spec.images):
        if other.name in below:
            below.update(other.base_images)
    return tuple(other for other in resource.spec.images if other.name in below)


def since_built(
    state: Snapshot, resource: Resource, target: SyncTarget, *, upto: int, above: int = 0
) -> Mapping[str, int]:
    """The files that changed after the image of a container was built, by changes above one sequence up to another."""
    if above >= upto:
        return {}
    found: dict[str, int] = {}
    for image in sources(resource, target.image):
        found.update(unbuilt(state, image, above=above))
    found = {path: sequence for path, sequence in found.items() if sequence <= upto}
    if target.image.live_update_only:
        # No full update brings the others either.
        return {path: sequence for path, sequence in found.items() if _can_be_synced(path, target.rules)}
    return found


def _can_be_synced(path: str, rules: LiveUpdate | Inferred) -> bool:
    return not isinstance(plan_changes([ChangedFile(path=path)], rules, UnseenTree()), FallBack)


def lacking(state: Snapshot, resource: Resource) -> bool:
    """Does a running container lack what was synced into the containers before it?"""
    status, running = resource.status, running_targets(state, resource)
    synced, kept = status.synced, status.kept
    given = running, status.containers, synced, kept
    behind = _BEHIND.get(resource.name, given, lambda: tuple(_behind(running, status.containers, synced, kept)))
    for target, before in behind:
        if before is not None and before.tried and before.tried >= synced:
            continue  # what failed there is tried again with the next change
        starts = isinstance(target.rules, LiveUpdate) and (target.rules.initial_sync or target.rules.followed)
        built = state.get(ImageMap, target.image.name)
        above = before.sequence if before else 0
        if (
            (starts and before is None)
            or kept > max(above, built.status.sequence if built else 0)
            or since_built(state, resource, target, above=above, upto=synced)
        ):
            return True
    return False


def _behind(
    targets: Iterable[SyncTarget], containers: Iterable[SyncedContainer], synced: int, kept: int
) -> Iterator[tuple[SyncTarget, SyncedContainer | None]]:
    """The containers that may lack something, with what they have."""
    known = {container.id: container for container in containers}
    for target in targets:
        before = known.get(target.container.id)
        if before is None or before.sequence < max(synced, kept):
            yield target, before


def failed_update(resource: Resource, *, repairs: bool = True) -> Update | None:
    """The last full update, if it failed.

    Args:
        resource: whose updates they are.
        repairs: count those that only apply again what somebody has undone.
    """
    every = (update for update in resource.status.history if repairs or update.reason != Reason.DRIFTED)
    full = next((update for update in every if update.strategy is Strategy.FULL), None)
    return full if full is not None and full.outcome is not Outcome.OK else None


class ContainerPending(Value):
    """The container is about to run; then it can be updated."""


class NotInPlace(Value):
    """It takes a full update. `why` is empty where nobody would expect anything else."""

    why: str = ""


class InPlace(Value):
    """Every container that runs can be updated now."""

    targets: tuple[SyncTarget, ...]


def in_place(state: Snapshot, resource: Resource, *, replay: bool = False) -> ContainerPending | NotInPlace | InPlace:
    """Can what changed be brought into the running containers?

    Args:
        state: of the session.
        resource: which.
        replay: only what was brought before, into containers that started since; whatever else there is waits.
    """
    live = [image for image in resource.spec.images if rules_of(resource, image) is not None]
    if not live:
        return NotInPlace(
            why=_built_by_mode(state, resource) or next((each.why for each in resource.status.inferences), "")
        )
    if not any(update.strategy is Strategy.FULL for update in resource.status.history):
        return NotInPlace()
    if not replay and failed_update(resource) is not None:
        return NotInPlace()
    last = resource.status.last
    if last is not None and last.outcome is Outcome.FELL_BACK:
        return NotInPlace(why=last.error)
    why = None if replay else _outside(state, resource, live)
    if why is not None:
        return NotInPlace(why=why)
    if running := running_targets(state, resource):
        return InPlace(targets=running)
    found = sync_targets(state, resource)
    crashed = next((target for target in found if target.crashed), None)
    if crashed is not None:
        return NotInPlace(why=f"container {crashed.container.name} is down: {crashed.container.reason or 'terminated'}")
    return ContainerPending()


def _ruled_below(resource: Resource, image: Image, paths: Mapping[str, int], state: Snapshot) -> str:
    """That the live update of a base image does not count here, where it would be about what changed."""
    for base in sources(resource, image):
        if base is not image and base.live_update is not None and not paths.keys().isdisjoint(unbuilt(state, base)):
            return f"; the live_update of {base.name} is for containers that run {base.name} itself"
    return ""


def _built_by_mode(state: Snapshot, resource: Resource) -> str:
    """That the session builds what changed, though it might have been brought in place."""
    changed = any(image.inference is InferenceMode.BUILT and unbuilt(state, image) for image in resource.spec.images)
    return "the update mode is `image`" if changed else ""


def _outside(state: Snapshot, resource: Resource, live: list[Image]) -> str | None:
    """Why some changed file cannot be brought in place, or None when all can."""
    covered: set[ImageName] = set()
    for image in live:
        paths: dict[str, int] = {}
        for source in sources(resource, image):
            covered.add(source.name)
            above = resource.status.synced  # what was synced before can be synced into other containers too
            if source.live_update_only:  # what a full update could not bring before, it does not bring now
                above = max(above, resource.status.consumed)
            paths.update(unbuilt(state, source, above=above))
        rules = rules_of(resource, image)
        assert rules is not None  # of every live one
        answer = plan_changes([ChangedFile(path=path) for path in sorted(paths)], rules, UnseenTree())
        if isinstance(answer, FallBack):
            return answer.explained + _ruled_below(resource, image, paths, state)
    for image in resource.spec.images:
        if image.name not in covered and unbuilt(state, image):
            why = next((each.why for each in resource.status.inferences if each.image == image.name), "")
            why = why or _built_by_mode(state, resource)
            return why or f"image {image.name} has no live_update; with one, what changed could be brought in place"
    return None
