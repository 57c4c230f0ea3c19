"""`tilt ci`: is everything healthy, has something failed, or does it take too long?"""

from collections.abc import Container, Iterable, Mapping
from enum import StrEnum
from operator import attrgetter

from msgspec.structs import replace

from pytilt.cluster.health import NO_POD
from pytilt.model.base import Value
from pytilt.model.durations import go_duration
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import ClusterState, Resource, Runtime, Session, Tiltfile
from pytilt.model.pods import Condition, Pod
from pytilt.model.resources import CiSettings
from pytilt.model.status import RuntimeStatus
from pytilt.model.times import seconds_between
from pytilt.model.updates import Outcome, Update
from pytilt.store.objects import Snapshot


class CiTarget(Value):
    """One thing that a verdict waits for: `RESOURCE:update`, `RESOURCE:runtime` or `RESOURCE:serve`."""

    name: str
    resource: ResourceName
    waiting: str = ""
    """What it waits for; empty when it waits for nothing."""
    not_ready: str = ""
    """It runs but is not ready: why."""
    since: str = ""
    """RFC 3339: when it began to run, or was last ready."""
    error: str = ""
    server: bool = False
    """Has it a readiness that the readiness timeout is about?"""
    deployed_at: str = ""
    final: bool = False
    """Is it an error from which nothing recovers, so that there is nothing to wait for?"""
    began_at: str = ""
    """When the first update of the resource began."""
    unschedulable: str = ""
    """Why no node takes its pod; empty: one does."""
    unschedulable_since: str = ""

    @property
    def fine(self) -> bool:
        """Is there nothing to wait for?"""
        return not (self.waiting or self.not_ready or self.error)


class Trouble(Value):
    """What is wrong with a resource, or what it still waits for."""

    resource: ResourceName
    text: str


LOST_SECONDS = 30.0
"""So long `tilt ci` waits for a cluster that answered before. One look may take four seconds."""


class CiStatus(StrEnum):
    """How a resource is doing when `tilt ci` ends."""

    OK = "ok"
    FAILED = "failed"
    NOT_READY = "not-ready"
    SKIPPED = "skipped"
    """Disabled, or only started by hand."""


class CiResult(Value):
    """One resource in the report of `tilt ci`."""

    name: ResourceName
    status: CiStatus
    reason: str = ""
    """What is wrong, or what it waits for."""
    seconds: float = 0.0
    """How long its updates took."""
    updates: int = 0


class Verdict(Value):
    """How `tilt ci` ends."""

    error: str = ""
    """Empty: success."""
    resource: ResourceName = ResourceName("")
    """Whose error it is; empty where it is that of no single resource."""
    broken: tuple[Trouble, ...] = ()
    """The other resources that have failed too."""
    unready: tuple[Trouble, ...] = ()
    """The resources that were not healthy yet."""
    results: tuple[CiResult, ...] = ()
    """Every resource, the Tiltfile first; empty until the session ends."""


def verdict(state: Snapshot, now: str) -> Verdict | None:
    """Judge the state.

    Args:
        state: the objects of the session.
        now: RFC 3339.

    Returns:
        The end, or None while there is something to wait for.
    """
    targets = CiTargets()
    targets.update(state)
    return targets.verdict(state, now)


def ci_results(state: Snapshot, found: Verdict) -> tuple[CiResult, ...]:
    """How every resource is doing at the end.

    Args:
        state: the objects of the session.
        found: how it ends.
    """
    broken = {each.resource: each.text for each in found.broken}
    if found.error and found.resource:
        broken[found.resource] = found.error
    unready = {each.resource: each.text for each in found.unready}
    tiltfile = state.get(Tiltfile, TILTFILE)
    rows = [(TILTFILE, tiltfile.status.history if tiltfile else (), True)]
    rows += [(ResourceName(each.name), each.status.history, bool(ci_targets(state, each))) for each in in_order(state)]
    results = []
    for name, history, counts in rows:
        status = CiStatus.OK if counts else CiStatus.SKIPPED
        if name in broken:
            status = CiStatus.FAILED
        elif name in unready:
            status = CiStatus.NOT_READY
        results.append(
            CiResult(
                name=name,
                status=status,
                reason=broken.get(name) or unready.get(name, ""),
                seconds=sum(update.seconds for update in history),
                updates=len(history),
            )
        )
    return tuple(results)


def in_order(state: Snapshot) -> list[Resource]:
    """The resources in the order of the Tiltfile."""
    return sorted(state.all(Resource), key=attrgetter("order"))


class CiTargets:
    """Everything that a verdict waits for: what changed is looked at, the rest is remembered."""

    def __init__(self) -> None:
        self._unwell: dict[str, tuple[CiTarget, ...] | None] = {}
        """Of each resource those that are not fine; None: its update is, and what of it is asked when it matters."""
        self._judged: set[str] = set()
        """The resources that there are, also those that nothing is waited for."""
        self._broken: set[str] = set()

    def update(self, state: Snapshot, names: Iterable[str] | None = None) -> bool:
        """Look at resources, by name, and at the Tiltfile; returns whether there may be a verdict apart from a timeout.

        Args:
            state: the objects of the session.
            names: of the resources that changed; None: all.
        """
        for name in (*state.named(Resource), *self._unwell) if names is None else names:
            resource = state.get(Resource, name)
            if resource is not None and _only_waits_for_update(resource):
                self._judged.add(name)
                self._broken.discard(name)
                self._unwell[name] = None
            else:
                found = ci_targets(state, resource) if resource is not None else ()
                self._keep(name, found, there=resource is not None)
        self._keep(TILTFILE, (_tiltfile(state),), there=True)
        return bool(self._broken) or not self._unwell or _is_disconnected(state)

    def verdict(self, state: Snapshot, now: str) -> Verdict | None:
        """See `verdict`."""
        session = state.get(Session, "Tiltfile")
        if session is None:
            return None
        unwell = (each for name in self._unwell for each in self._targets(state, name))
        found = tuple(sorted(unwell, key=lambda each: each.name))
        failed = _failure(found, session, now) or _disconnected(state, now)
        if failed is not None:
            return failed
        if not found and len(self._judged) > 1 and not _is_disconnected(state):
            return Verdict()
        return _timeout(found, session, now)

    def _targets(self, state: Snapshot, name: str) -> tuple[CiTarget, ...]:
        """What of a resource is not fine."""
        known = self._unwell[name]
        if known is None:
            resource = state.get(Resource, name)
            found = ci_targets(state, resource) if resource is not None else ()
            known = self._unwell[name] = tuple(target for target in found if not target.fine)
        return known

    def _keep(self, name: str, targets: tuple[CiTarget, ...], *, there: bool) -> None:
        unwell = tuple(target for target in targets if not target.fine)
        for known, belongs in ((self._judged, there), (self._broken, any(target.error for target in unwell))):
            known.add(name) if belongs else known.discard(name)
        if unwell:
            self._unwell[name] = unwell
        else:
            self._unwell.pop(name, None)


def ci_targets(state: Snapshot, resource: Resource) -> tuple[CiTarget, ...]:
    """What a verdict waits for of a resource."""
    idle = not resource.spec.trigger_mode.auto_init and not resource.status.history and not resource.status.current
    began = _began_at(resource)
    found = _targets(state, resource) if resource.enabled and not idle else ()
    return tuple(target if target.fine else replace(target, began_at=began) for target in found)


def _only_waits_for_update(resource: Resource) -> bool:
    """Is its first or its present update all that is waited for? In a big session that is nearly all of the time."""
    status, deploy = resource.status, resource.spec.deploy
    awaited = status.current or (not status.history and resource.spec.trigger_mode.auto_init)
    return bool(awaited) and resource.enabled and deploy.updates and not deploy.has_runtime


def _began_at(resource: Resource) -> str:
    status = resource.status
    return next((update.started_at for update in (*reversed(status.history), *status.current)), "")


def _targets(state: Snapshot, resource: Resource) -> list[CiTarget]:
    deploy, found = resource.spec.deploy, []
    if deploy.updates:
        found.append(_update(resource))
    if not deploy.has_runtime:
        return found
    runtime = state.get(Runtime, resource.name)
    nothing_runs = deploy.ready_without_pods and not (runtime and runtime.status.pods)
    if nothing_runs and resource.status.deployed_at:
        return found
    return [*found, _runtime(state, resource, deploy.runtime_target, server=not deploy.runs_to_end)]


def _tiltfile(state: Snapshot) -> CiTarget:
    tiltfile = state.get(Tiltfile, TILTFILE)
    history = tiltfile.status.history if tiltfile else ()
    target = CiTarget(name="tiltfile:update", resource=TILTFILE)
    if not history:
        return replace(target, waiting="initial-build")
    if tiltfile is not None and tiltfile.status.current is not None:
        return replace(target, not_ready="evaluating")
    return replace(target, error=history[0].error)


def _update(resource: Resource) -> CiTarget:
    status = resource.status
    target = CiTarget(name=f"{resource.name}:update", resource=ResourceName(resource.name))
    if status.current:
        return replace(target, not_ready="updating", since=status.current[0].started_at)
    last = status.last
    if status.due or last is None or last.outcome.followed:
        reason = status.hold.reason.value if status.hold else "initial-build" if last is None else "config-changed"
        return replace(target, waiting=reason)
    return replace(target, error=_error(last))


def _error(update: Update) -> str:
    if update.outcome is Outcome.OK:
        return ""
    return update.error or f"update ended as {update.outcome}"


def _runtime(state: Snapshot, resource: Resource, what: str, *, server: bool) -> CiTarget:
    target = CiTarget(name=f"{resource.name}:{what}", resource=ResourceName(resource.name))
    runtime = state.get(Runtime, resource.name)
    if runtime is None or not resource.status.history:
        return replace(target, waiting=resource.status.hold.reason.value if resource.status.hold else "initial-build")
    status = runtime.status
    deployed = resource.status.deployed_at
    if status.status is RuntimeStatus.ERROR:
        error = status.reason or f"{target.name} failed"
        return replace(target, error=error, deployed_at=deployed, final=status.final)
    if status.stale:
        return replace(target, not_ready=f"its state is unknown: {status.stale}", since=status.since or deployed)
    if status.status in (RuntimeStatus.OK, RuntimeStatus.NOT_APPLICABLE):
        return target
    waits_for_pod = resource.spec.deploy.in_cluster and not status.pods
    if waits_for_pod:
        why = "" if status.reason in ("", NO_POD) else f": {status.reason}"
        return replace(target, waiting=f"waiting-for-pod{why}")
    target = replace(target, not_ready=status.reason or "not ready", since=status.since or deployed, server=server)
    condition = next((found for pod in status.pods if (found := _unschedulable(pod)) is not None), None)
    if condition is None:
        return target
    return replace(target, unschedulable=condition.message, unschedulable_since=condition.last_transition_time)


def _unschedulable(pod: Pod) -> Condition | None:
    """The condition of a pod that no node takes."""
    return next(
        (each for each in pod.conditions if each.type == "PodScheduled" and each.reason == "Unschedulable"), None
    )


def _failure(found: tuple[CiTarget, ...], session: Session, now: str) -> Verdict | None:
    """The first target that has failed, by name; within the grace period a broken pod may recover."""
    grace = session.ci_settings.grace_period_seconds
    for target in found:
        if not target.error:
            continue
        if target.final or not (target.deployed_at and grace):
            return _failed(target, target.error, found)
        if seconds_between(target.deployed_at, now) > grace:
            return _failed(target, f"exceeded grace period: {target.error}", found)
    return None


def _failed(target: CiTarget, error: str, found: tuple[CiTarget, ...]) -> Verdict:
    """The end by one target, with what is to be said of the other resources: the worst of each, once."""
    broken = {each.resource: each.error for each in reversed(found) if each.error}
    unready = {each.resource: each.not_ready or each.waiting for each in reversed(found) if not each.fine}
    return Verdict(
        error=error,
        resource=target.resource,
        broken=_troubles(broken, but={target.resource}),
        unready=_troubles(unready, but={target.resource, *broken}),
    )


def _troubles(texts: Mapping[ResourceName, str], *, but: Container[ResourceName]) -> tuple[Trouble, ...]:
    return tuple(Trouble(resource=name, text=text) for name, text in sorted(texts.items()) if name not in but)


def _is_disconnected(state: Snapshot) -> bool:
    """Does a cluster that is needed not answer?"""
    cluster = state.get(ClusterState, "default")
    failed = cluster is not None and bool(cluster.error)
    return failed and any(resource.spec.deploy.in_cluster for resource in state.all(Resource))


def _disconnected(state: Snapshot, now: str) -> Verdict | None:
    """The end where a cluster never answered, or does not any more: one that is very busy may miss a look or two."""
    cluster = state.get(ClusterState, "default")
    if cluster is None or not _is_disconnected(state):
        return None
    if cluster.connected_at and seconds_between(cluster.failed_at, now) < LOST_SECONDS:
        return None
    return Verdict(error=f"cluster connection failed: {cluster.error}")


def _timeout(found: tuple[CiTarget, ...], session: Session, now: str) -> Verdict | None:
    settings = session.ci_settings
    for target in found:
        patience = settings.readiness_timeout_seconds
        if target.server and target.since and patience and seconds_between(target.since, now) > patience:
            why = Trouble(resource=target.resource, text=target.not_ready)
            error = f"Readiness timeout after {go_duration(patience)}: target {target.name} not ready"
            return Verdict(error=error, unready=(why,))
    late = _resource_timeout(found, settings, now)
    if late is not None:
        return late
    limit = settings.timeout_seconds if session.ci_timeout_seconds is None else session.ci_timeout_seconds
    if limit and seconds_between(session.created_at, now) > limit:
        return Verdict(error=f"Timeout after {go_duration(limit)}: {_waiting(found)}", unready=_unready(found))
    return None


def _resource_timeout(found: tuple[CiTarget, ...], settings: CiSettings, now: str) -> Verdict | None:
    """The end by a resource that has a time of its own, or by a pod that no node takes."""
    limits = dict(settings.resource_timeouts)
    for target in found:
        limit = limits.get(target.resource, 0.0)
        if limit and target.began_at and seconds_between(target.began_at, now) > limit:
            return _failed(target, f"Timeout after {go_duration(limit)}: {target.not_ready or target.waiting}", found)
        patience, since = settings.unschedulable_seconds, target.unschedulable_since
        if patience and since and seconds_between(since, now) > patience:
            error = f"no node has taken its pod for {go_duration(patience)}: {target.unschedulable}"
            return _failed(target, error, found)
    return None


def _unready(found: Iterable[CiTarget]) -> tuple[Trouble, ...]:
    """What each resource waits for that is not healthy."""
    texts = {each.resource: each.not_ready or each.waiting or each.error for each in found if not each.fine}
    return _troubles(texts, but=())


def _waiting(found: tuple[CiTarget, ...]) -> str:
    waiting = [f"{target.name} {target.waiting}" for target in found if target.waiting]
    unready = [f"{target.name} {target.not_ready}" for target in found if target.not_ready]
    parts = []
    if waiting:
        parts.append(f"{len(waiting)} resources waiting ({','.join(waiting)})")
    if unready:
        parts.append(f"{len(unready)} resources not ready ({','.join(unready)})")
    return ", ".join(parts)
