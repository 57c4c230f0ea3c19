"""Which resources are due, and what keeps each from starting: pure functions of the state."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from pytilt.loop.planning import freshness
from pytilt.model.base import Value
from pytilt.model.names import CONFIGS, TILTFILE, UNCATEGORIZED, ResourceName
from pytilt.model.objects import ClusterState, Resource, Runtime, Tiltfile
from pytilt.model.status import RuntimeStatus
from pytilt.model.stored import Object
from pytilt.model.updates import TRIGGERS, Hold, HoldReason, Outcome, Reason, Strategy, Update
from pytilt.store.objects import Snapshot

_OTHER_THAN_CHANGES = ~(Reason.CHANGED_FILES | Reason.CONTAINER_REPLACED)


class Start(Value):
    """An update to start now."""

    resource: ResourceName
    reason: Reason
    strategy: Strategy
    sequence: int
    """Every change up to this one is part of it."""
    changed_files: tuple[str, ...] = ()
    first_change: int = 0
    """The sequence of the oldest of these changes."""
    note: str = ""
    """Why not in place, where that was possible in principle."""
    force: bool = False
    """Delete what is deployed and build everything anew: a trigger in auto mode with nothing to do."""
    only_in_place: bool = False
    """It brings new containers what the ones before them had, and no full update may follow should that fail: one would
    bring what waits for somebody, or fail as the last one did."""


class UpdatePlan(Value):
    """What to do about the resources that were looked at."""

    noted: frozenset[ResourceName] = frozenset()
    """The resources that were looked at; what is said of the others before still holds."""

    starts: tuple[Start, ...] = ()
    holds: Mapping[ResourceName, Hold] = msgspec.field(default_factory=dict)
    due: Mapping[ResourceName, Reason] = msgspec.field(default_factory=dict)
    pending_manual: frozenset[ResourceName] = frozenset()
    """In manual mode: what changed waits until somebody asks for an update."""


def tiltfile_pending(state: Snapshot) -> bool:
    """Is the Tiltfile being evaluated, or about to be?"""
    tiltfile = state.get(Tiltfile, TILTFILE)
    if tiltfile is None or tiltfile.status.current or tiltfile.status.trigger:
        return True
    changes, pause = evaluation_changes(state), tiltfile.status.pause
    if pause and all(pause.covers(*each) for each in changes.items()):
        return False
    return not tiltfile.status.history or bool(changes)


def evaluation_changes(state: Snapshot) -> Mapping[str, int]:
    """The config files that changed since the Tiltfile was evaluated."""
    tiltfile = state.get(Tiltfile, TILTFILE)
    consumed = tiltfile.status.consumed if tiltfile else 0
    return freshness.changes(state, CONFIGS, above=consumed)


class Need(Value):
    """A resource that is due, and why."""

    resource: Resource
    reason: Reason
    changed: Mapping[str, int]
    only_in_place: bool = False
    """See `Start.only_in_place`."""

    @property
    def asked(self) -> bool:
        """May it be updated now?

        A new container gets what the one before it had in every mode: that was asked for.
        """
        return _may_update(self.resource) or self.replays

    @property
    def replays(self) -> bool:
        """Does it bring new containers what the ones before them had, and nothing else?"""
        return self.reason == Reason.CONTAINER_REPLACED

    @property
    def taken(self) -> bool:
        """Does the update that runs bring all that is due?"""
        taken = max((update.sequence for update in self.resource.status.current), default=0)
        return self.reason == Reason.CHANGED_FILES and not self.held and self.latest_change <= taken

    @property
    def held(self) -> bool:
        """Is all that asks for it held back while git is at work?"""
        return self.reason == Reason.CHANGED_FILES and not self.changed

    @property
    def first_change(self) -> int:
        """The sequence of the oldest change; 0 for none."""
        return min(self.changed.values(), default=0)

    @property
    def latest_change(self) -> int:
        """The sequence of the newest change; 0 for none."""
        return max(self.changed.values(), default=0)

    @property
    def first(self) -> bool:
        """Is it the resource's first update?"""
        return bool(self.reason & Reason.INITIAL_BUILD)


def need_of(state: Snapshot, resource: Resource) -> Need | None:
    """Why a resource is due; None for one that is not."""
    if not resource.enabled:
        return None
    changed = freshness.unconsumed(state, resource)
    reason = _reason(state, resource, changed)
    if reason & Reason.CONTAINER_REPLACED:
        rest = reason & ~Reason.CONTAINER_REPLACED
        waits = bool(rest) and not _may_update(resource)
        if waits or (not rest and freshness.failed_update(resource) is not None):
            possible = not isinstance(freshness.in_place(state, resource, replay=True), freshness.NotInPlace)
            if possible:
                return Need(resource=resource, reason=Reason.CONTAINER_REPLACED, changed={}, only_in_place=True)
            reason = rest
    return Need(resource=resource, reason=reason, changed=changed) if reason else None


def _may_update(resource: Resource) -> bool:
    """May what changed start an update? In manual mode only a trigger says so, or what began and is to be completed."""
    status = resource.status
    begins = (not status.history and not status.current) or bool(status.interrupted & ~Reason.CONTAINER_REPLACED)
    goes_on = status.last is not None and status.last.outcome is Outcome.FELL_BACK
    return resource.spec.trigger_mode.auto or status.trigger is not None or begins or goes_on


def _reason(state: Snapshot, resource: Resource, changed: Mapping[str, int]) -> Reason:
    status, mode = resource.status, resource.spec.trigger_mode
    reason = status.trigger.reason if status.trigger else Reason.NONE
    if not status.history and not status.current:
        wanted = mode.auto_init or reason or (mode.auto and changed)
        return reason | Reason.INITIAL_BUILD if wanted else reason
    reason |= status.interrupted
    if changed or freshness.held(state, resource):
        reason |= Reason.CHANGED_FILES
    if status.history and resource.digest != status.applied_digest:
        reason |= Reason.CONFIG_CHANGED
    if freshness.has_newer_images(state, resource):
        reason |= Reason.DEPENDENCY_UPDATED
    if status.drift:
        reason |= Reason.DRIFTED
    if freshness.lacking(state, resource):
        reason |= Reason.CONTAINER_REPLACED
    return reason


def order(need: Need) -> tuple[int, int, int]:
    """What goes first: first updates, then what was asked for, then the oldest change."""
    deploy, status = need.resource.spec.deploy, need.resource.status
    if need.first:
        if not deploy.in_cluster:
            return 0, 0, need.resource.order
        if need.resource.name == UNCATEGORIZED:
            return 0, 1, need.resource.order
        return 0, 3 if need.resource.spec.images else 2, need.resource.order
    if status.trigger:
        return 1, status.trigger.sequence, need.resource.order
    return 2, need.first_change, need.resource.order


class QueueKind(StrEnum):
    """What an update that takes a slot is about: each kind has slots of its own."""

    ALONE = "alone"
    """A command that must not run beside anything else."""
    COMMAND = "command"
    BUILD = "build"
    APPLY = "apply"
    REPEAT = "repeat"
    """What an earlier session did already, so that most likely there is nothing to do but to look."""


class Slots(Value):
    """How many updates may run at a time; live updates and evaluations do not count."""

    commands: int = 3
    builds: int = 3
    applies: int = 3
    repeats: int = 3
    total: int = 0
    """Of all kinds together; 0: the sum of them."""

    def of(self, kind: QueueKind) -> int:
        """The slots of one kind."""
        match kind:
            case QueueKind.COMMAND:
                return self.commands
            case QueueKind.BUILD:
                return self.builds
            case QueueKind.APPLY:
                return self.applies
            case QueueKind.REPEAT:
                return self.repeats
            case QueueKind.ALONE:
                return 1


def queue_kind(resource: Resource, *, recorded: bool = False) -> QueueKind:
    """The kind of slot that an update of a resource takes.

    Args:
        resource: which.
        recorded: has an earlier session recorded an update of it?
    """
    deploy = resource.spec.deploy
    if not deploy.parallel:
        return QueueKind.ALONE
    if not deploy.in_cluster:
        return QueueKind.COMMAND
    if recorded and not resource.status.history:
        return QueueKind.REPEAT
    return QueueKind.BUILD if resource.spec.images else QueueKind.APPLY


Key = tuple[type[Object], str]
"""Kind and name of an object."""


class Blocked(Value):
    """A hold that lasts until one of some objects changes."""

    hold: Hold
    until: tuple[Key, ...] = ()
    """Besides those that the resource itself is judged by."""


class Queued(Value):
    """Nothing but other updates keeps it from starting."""

    note: str = ""
    """Why not in place."""


def decide(state: Snapshot, need: Need, sequence: int) -> Start | Blocked | Queued:
    """What to do about a resource that is due, as far as other updates are not concerned.

    Args:
        state: the objects of the session.
        need: of a resource of which no update runs.
        sequence: of the newest change.
    """
    if need.held:
        return Blocked(hold=Hold(reason=HoldReason.WAITING_FOR_GIT))
    pause = need.resource.status.pause
    if pause and need.reason == Reason.CHANGED_FILES and all(pause.covers(*each) for each in need.changed.items()):
        return Blocked(hold=Hold(reason=HoldReason.CHANGES_OWN_DEPS, files=pause.files))
    if need.reason == Reason.DRIFTED and need.resource.status.repair_undone:
        return Blocked(hold=Hold(reason=HoldReason.REPAIR_UNDONE))
    before = _debounced(need) or _waiting_for_each_update(state, need)
    if before:
        return before
    live = _in_place(state, need, sequence)
    if isinstance(live, Start):
        return _waiting_for_cluster(state, need) or live
    if isinstance(live, Blocked):
        return live
    return _waiting_for_dependencies(state, need) or _waiting_for_cluster(state, need) or Queued(note=live)


def full_start(need: Need, sequence: int, note: str) -> Start:
    """The start of an update that is not in place."""
    strategy = need.resource.spec.deploy.strategy
    force = need.reason.triggered and need.resource.spec.trigger_mode.auto and bool(need.resource.status.history)
    return Start(
        resource=ResourceName(need.resource.name),
        reason=need.reason,
        strategy=strategy,
        sequence=sequence,
        changed_files=tuple(sorted(need.changed)),
        first_change=need.first_change,
        note=note,
        force=force and strategy is Strategy.FULL,
    )


def waiting_for_uncategorized(need: Need) -> Blocked | None:
    """The hold of what goes into the cluster while the objects of no workload are applied."""
    if not need.resource.spec.deploy.in_cluster:
        return None
    hold = Hold(reason=HoldReason.WAITING_FOR_UNCATEGORIZED, on=(UNCATEGORIZED,))
    return Blocked(hold=hold, until=((Resource, UNCATEGORIZED),))


def _in_place(state: Snapshot, need: Need, sequence: int) -> Start | Blocked | str:
    """A live update, a wait for the container, or the reason why it has to be a full update."""
    if need.reason & _OTHER_THAN_CHANGES and not _only_changes(need):
        return ""
    answer = freshness.in_place(state, need.resource, replay=need.only_in_place)
    if isinstance(answer, freshness.ContainerPending):
        return Blocked(hold=Hold(reason=HoldReason.WAITING_FOR_DEPLOY, on=(ResourceName(need.resource.name),)))
    if isinstance(answer, freshness.NotInPlace):
        return answer.why
    return Start(
        resource=ResourceName(need.resource.name),
        reason=need.reason,
        strategy=Strategy.LIVE,
        sequence=need.resource.status.synced if need.replays else sequence,
        changed_files=tuple(sorted(need.changed)),
        first_change=need.first_change,
        only_in_place=need.only_in_place,
    )


def _waiting_for_dependencies(state: Snapshot, need: Need) -> Blocked | None:
    if not need.first:
        return None
    waiting = tuple(name for name in need.resource.spec.resource_deps if not _ready_once(state, name))
    if not waiting:
        return None
    return Blocked(
        hold=Hold(reason=HoldReason.WAITING_FOR_DEP, on=waiting), until=tuple((Runtime, name) for name in waiting)
    )


def _debounced(need: Need) -> Blocked | None:
    """The hold of what only changed files ask for, which have not been quiet for long enough."""
    waits = need.reason == Reason.CHANGED_FILES and need.resource.spec.debounce_seconds
    if not waits or need.latest_change <= need.resource.status.quiet:
        return None
    return Blocked(hold=Hold(reason=HoldReason.DEBOUNCE))


def _waiting_for_each_update(state: Snapshot, need: Need) -> Blocked | None:
    """The hold of what waits for another resource before each of its updates."""
    waiting = tuple(name for name in need.resource.spec.each_update if not _is_settled(state, name))
    if not waiting:
        return None
    until = tuple((kind, name) for name in waiting for kind in (Resource, Runtime))
    return Blocked(hold=Hold(reason=HoldReason.WAITING_FOR_DEP, on=waiting), until=until)


def _is_settled(state: Snapshot, name: ResourceName) -> bool:
    """Is a resource up to date and ready? What is disabled, or waits for somebody, keeps nobody waiting."""
    resource, runtime = state.get(Resource, name), state.get(Runtime, name)
    if resource is None or not resource.enabled:
        return True
    due, status = need_of(state, resource), resource.status
    if (
        status.current
        or (due is not None and due.asked)
        or status.last is None
        or status.last.outcome is not Outcome.OK
    ):
        return False
    if resource.spec.deploy.ready_without_pods:
        return True
    ready = runtime is not None and runtime.status.status in (RuntimeStatus.OK, RuntimeStatus.NOT_APPLICABLE)
    return ready and _runs_what_was_applied(resource, runtime)


def _runs_what_was_applied(resource: Resource, runtime: Runtime | None) -> bool:
    """Are the pods those of the last apply? What was ready before it may still be what is known."""
    applied = {image.reference for image in resource.status.applied_images}
    pods = runtime.status.pods if runtime else ()
    return not applied or not pods or any(c.image in applied for pod in pods for c in pod.containers)


def _ready_once(state: Snapshot, name: ResourceName) -> bool:
    runtime = state.get(Runtime, name)
    return runtime is not None and runtime.status.ready_once


def _waiting_for_cluster(state: Snapshot, need: Need) -> Blocked | None:
    if not need.resource.spec.deploy.in_cluster:
        return None
    cluster = state.get(ClusterState, "default")
    if cluster is not None and cluster.info is not None and not cluster.error:
        return None
    return Blocked(hold=Hold(reason=HoldReason.WAITING_FOR_CLUSTER), until=((ClusterState, "default"),))


def _only_changes(need: Need) -> bool:
    """A trigger in manual mode asks for no more than the changes that wait."""
    rest = need.reason & _OTHER_THAN_CHANGES
    return rest.triggered and not need.resource.spec.trigger_mode.auto and bool(need.changed) and rest == _trigger(rest)


def _trigger(reason: Reason) -> Reason:
    return reason & TRIGGERS


def takes_a_slot(update: Update) -> bool:
    """Is it no live update and no evaluation?"""
    return update.strategy in (Strategy.FULL, Strategy.COMMAND)
