"""What to start now and what has to wait, and why: a pure function of the state."""

from collections.abc import Iterable, Mapping
from operator import attrgetter, is_

import msgspec

from pytilt.loop import freshness
from pytilt.model.base import Value
from pytilt.model.names import CONFIGS, TILTFILE, UNCATEGORIZED, ResourceName
from pytilt.model.objects import ClusterState, Resource, Runtime, Tiltfile
from pytilt.model.updates import Hold, HoldReason, Reason, Strategy, Update
from pytilt.store.objects import Snapshot


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


class UpdatePlan(Value):
    """What to do about every resource that is due."""

    starts: tuple[Start, ...] = ()
    holds: Mapping[ResourceName, Hold] = msgspec.field(default_factory=dict)
    due: Mapping[ResourceName, Reason] = msgspec.field(default_factory=dict)
    pending_manual: frozenset[ResourceName] = frozenset()
    """In manual mode: what changed waits until somebody asks for an update."""


PlanCache = dict[str, tuple[tuple[object, ...], "Need | None"]]
"""What was found out about each resource, and from which objects; objects never change, so it holds as long as they."""


def plan_updates(state: Snapshot, *, max_parallel: int = 3, cache: PlanCache | None = None) -> UpdatePlan:
    """Decide about all resources at once.

    Args:
        state: the objects of the session.
        max_parallel: how many updates may run at a time; live updates and evaluations do not count.
        cache: kept by the caller from one turn to the next, so that only what changed is looked at anew.

    Returns:
        What to start, what has to wait and why, and what is due.
    """
    known = {} if cache is None else cache
    needs = [need for each in state.all(Resource) if (need := _cached_need(state, each, known)) is not None]
    pending_manual = frozenset(ResourceName(need.resource.name) for need in needs if not need.asked)
    due = [need for need in needs if need.asked]
    reasons = {ResourceName(need.resource.name): need.reason for need in due}
    if tiltfile_pending(state):
        hold = Hold(reason=HoldReason.TILTFILE_RELOAD, on=(TILTFILE,))
        return UpdatePlan(due=reasons, holds=dict.fromkeys(reasons, hold), pending_manual=pending_manual)
    rules = _Rules(state, max_parallel)
    starts, holds = [], {}
    for need in sorted(due, key=_order):
        name = ResourceName(need.resource.name)
        if need.resource.status.current:
            continue
        answer = rules.decide(need)
        if isinstance(answer, Hold):
            holds[name] = answer
        else:
            starts.append(answer)
    return UpdatePlan(starts=tuple(starts), holds=holds, due=reasons, pending_manual=pending_manual)


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

    @property
    def asked(self) -> bool:
        """May it be updated now? In manual mode only a trigger or the first update says so."""
        status = self.resource.status
        begins = not status.history and not status.current
        return self.resource.spec.trigger_mode.auto or status.trigger is not None or begins

    @property
    def first_change(self) -> int:
        """The sequence of the oldest change; 0 for none."""
        return min(self.changed.values(), default=0)

    @property
    def first(self) -> bool:
        """Is it the resource's first update?"""
        return bool(self.reason & Reason.INITIAL_BUILD)


def _cached_need(state: Snapshot, resource: Resource, cache: PlanCache) -> Need | None:
    inputs = freshness.inputs(state, resource)
    known = cache.get(resource.name)
    if known is not None and len(known[0]) == len(inputs) and all(map(is_, known[0], inputs)):
        return known[1]
    need = _need(state, resource)
    cache[resource.name] = (inputs, need)
    return need


def _need(state: Snapshot, resource: Resource) -> Need | None:
    if not resource.enabled:
        return None
    changed = freshness.unconsumed(state, resource)
    reason = _reason(state, resource, changed)
    return Need(resource=resource, reason=reason, changed=changed) if reason else None


def _reason(state: Snapshot, resource: Resource, changed: Mapping[str, int]) -> Reason:
    status, mode = resource.status, resource.spec.trigger_mode
    reason = status.trigger.reason if status.trigger else Reason.NONE
    if not status.history and not status.current:
        wanted = mode.auto_init or reason or (mode.auto and changed)
        return reason | Reason.INITIAL_BUILD if wanted else reason
    if changed:
        reason |= Reason.CHANGED_FILES
    if status.history and resource.digest != status.applied_digest:
        reason |= Reason.CONFIG_CHANGED
    if freshness.has_newer_images(state, resource):
        reason |= Reason.DEPENDENCY_UPDATED
    if freshness.lacking(state, resource):
        reason |= Reason.CONTAINER_REPLACED
    return reason


def _order(need: Need) -> tuple[int, int, int]:
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


class _Rules:
    """The rules of waiting, in order; they know what runs and what this plan has started already."""

    def __init__(self, state: Snapshot, max_parallel: int) -> None:
        self._state = state
        self._sequence = freshness.latest(state)
        self._slots = max_parallel
        self._running: list[Resource] = [
            resource for resource in state.all(Resource) if any(map(_takes_a_slot, resource.status.current))
        ]

    def decide(self, need: Need) -> Start | Hold:
        pause = need.resource.status.pause
        if pause and need.reason == Reason.CHANGED_FILES and all(pause.covers(*each) for each in need.changed.items()):
            return Hold(reason=HoldReason.CHANGES_OWN_DEPS, files=pause.files)
        live = self._in_place(need)
        if isinstance(live, (Start, Hold)):
            return live
        hold = self._hold(need)
        if hold is not None:
            return hold
        self._running.append(need.resource)
        return self._full(need, note=live)

    def _in_place(self, need: Need) -> Start | Hold | str:
        """A live update, a wait for the container, or the reason why it has to be a full update."""
        if need.reason & ~(Reason.CHANGED_FILES | Reason.CONTAINER_REPLACED) and not _only_changes(need):
            return ""
        answer = freshness.in_place(self._state, need.resource)
        if isinstance(answer, freshness.ContainerPending):
            return Hold(reason=HoldReason.WAITING_FOR_DEPLOY, on=(ResourceName(need.resource.name),))
        if isinstance(answer, freshness.Impossible):
            return answer.why
        return Start(
            resource=ResourceName(need.resource.name),
            reason=need.reason,
            strategy=Strategy.LIVE,
            sequence=self._sequence,
            changed_files=tuple(sorted(need.changed)),
            first_change=need.first_change,
        )

    def _full(self, need: Need, note: str) -> Start:
        strategy = need.resource.spec.deploy.strategy
        force = need.reason.triggered and need.resource.spec.trigger_mode.auto and bool(need.resource.status.history)
        return Start(
            resource=ResourceName(need.resource.name),
            reason=need.reason,
            strategy=strategy,
            sequence=self._sequence,
            changed_files=tuple(sorted(need.changed)),
            first_change=need.first_change,
            note=note,
            force=force and strategy is Strategy.FULL,
        )

    def _hold(self, need: Need) -> Hold | None:
        for rule in (self._local, self._uncategorized, self._dependencies, self._cluster, self._slot):
            hold = rule(need)
            if hold is not None:
                return hold
        return None

    def _local(self, need: Need) -> Hold | None:
        blocking = [resource for resource in self._running if _runs_alone(resource)]
        if blocking:
            return Hold(reason=HoldReason.WAITING_FOR_LOCAL, on=_names(blocking))
        if self._running and _runs_alone(need.resource):
            return Hold(reason=HoldReason.IS_UNPARALLELIZABLE_LOCAL, on=_names(self._running))
        return None

    def _uncategorized(self, need: Need) -> Hold | None:
        applying = any(resource.name == UNCATEGORIZED for resource in self._running)
        if applying and need.resource.spec.deploy.in_cluster:
            return Hold(reason=HoldReason.WAITING_FOR_UNCATEGORIZED, on=(UNCATEGORIZED,))
        return None

    def _dependencies(self, need: Need) -> Hold | None:
        if not need.first:
            return None
        waiting = tuple(name for name in need.resource.spec.resource_deps if not self._ready_once(name))
        return Hold(reason=HoldReason.WAITING_FOR_DEP, on=waiting) if waiting else None

    def _ready_once(self, name: ResourceName) -> bool:
        runtime = self._state.get(Runtime, name)
        return runtime is not None and runtime.status.ready_once

    def _cluster(self, need: Need) -> Hold | None:
        if not need.resource.spec.deploy.in_cluster:
            return None
        cluster = self._state.get(ClusterState, "default")
        if cluster is None or cluster.info is None or cluster.error:
            return Hold(reason=HoldReason.WAITING_FOR_CLUSTER)
        return None

    def _slot(self, _: Need) -> Hold | None:
        if len(self._running) >= self._slots:
            return Hold(reason=HoldReason.WAITING_FOR_SLOT, on=_names(self._running))
        return None


def _only_changes(need: Need) -> bool:
    """A trigger in manual mode asks for no more than the changes that wait."""
    rest = need.reason & ~(Reason.CHANGED_FILES | Reason.CONTAINER_REPLACED)
    return rest.triggered and not need.resource.spec.trigger_mode.auto and bool(need.changed) and rest == _trigger(rest)


def _trigger(reason: Reason) -> Reason:
    return reason & (Reason.WEB_TRIGGER | Reason.CLI_TRIGGER | Reason.HUD_TRIGGER | Reason.UNKNOWN_TRIGGER)


def _takes_a_slot(update: Update) -> bool:
    return update.strategy in (Strategy.FULL, Strategy.COMMAND)


def _runs_alone(resource: Resource) -> bool:
    return not resource.spec.deploy.parallel


def _names(resources: Iterable[Resource]) -> tuple[ResourceName, ...]:
    return tuple(ResourceName(resource.name) for resource in sorted(resources, key=attrgetter("order")))
