"""When that which an update brought is ready: the last step of it, which comes after it has ended."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from pytilt.host.timing import Recording
from pytilt.model.names import ResourceName
from pytilt.model.objects import Resource, ResourceStatus, Runtime
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, StepName, Strategy, Update
from pytilt.store.objects import Snapshot

GIVE_UP_SECONDS = 1800.0
"""What takes longer is no step of an update any more."""


class PriorState(NamedTuple):
    """What a resource had in the cluster when an update began."""

    applied: tuple[object, ...]
    pods: frozenset[str]


class _Awaited(NamedTuple):
    update: int
    recording: Recording
    ended: float
    step: StepName
    replaced: frozenset[str]
    """Pods that do not count: others take their place."""


def before(state: Snapshot, resource: Resource) -> PriorState:
    """What a resource has in the cluster now."""
    runtime = state.get(Runtime, resource.name)
    pods = runtime.status.pods if runtime else ()
    return PriorState(_applied(resource.status), frozenset(pod.uid for pod in pods))


class Readiness:
    """The updates that have ended and whose resource is not ready yet."""

    def __init__(self) -> None:
        self._awaited: dict[ResourceName, _Awaited] = {}

    def begin(self, name: ResourceName) -> None:
        """Another update begins: nobody will know any more what the one before it made ready."""
        self._awaited.pop(name, None)

    def end(self, state: Snapshot, resource: Resource, update: Update, recording: Recording, was: PriorState) -> None:
        """An update has ended.

        Args:
            state: the objects of the session now.
            resource: as it is now.
            update: as it ended.
            recording: its steps.
            was: what there was when it began.
        """
        if update.outcome is not Outcome.OK or not resource.spec.deploy.in_cluster:
            return
        full = update.strategy is Strategy.FULL
        replaced = was.pods if full and _applied(resource.status) != was.applied else frozenset[str]()
        step = StepName.POD if full else StepName.READY
        awaited = _Awaited(update.id, recording, time.monotonic(), step, replaced)
        if not _is_ready(state.get(Runtime, resource.name), awaited):
            self._awaited[ResourceName(resource.name)] = awaited

    def ready(self, state: Snapshot) -> Iterator[tuple[ResourceName, int, Recording]]:
        """The resources that have become ready, each with the number of its update and all its steps."""
        now = time.monotonic()
        for name, each in list(self._awaited.items()):
            if now - each.ended > GIVE_UP_SECONDS or state.get(Resource, name) is None:
                del self._awaited[name]
            elif _is_ready(state.get(Runtime, name), each):
                del self._awaited[name]
                each.recording.add(each.step, each.ended, now)
                yield name, each.update, each.recording


def with_steps(status: ResourceStatus, number: int, recording: Recording) -> ResourceStatus:
    """The status with the steps of one of its updates as they were noted by now."""
    history = tuple(replace(each, steps=recording.steps) if each.id == number else each for each in status.history)
    return replace(status, history=history)


def _applied(status: ResourceStatus) -> tuple[object, ...]:
    return (*status.template_hashes, *status.applied_uids)


def _is_ready(runtime: Runtime | None, awaited: _Awaited) -> bool:
    if runtime is None or runtime.status.status is not RuntimeStatus.OK:
        return False
    return not any(pod.uid in awaited.replaced for pod in runtime.status.pods)
