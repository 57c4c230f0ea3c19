"""`tilt ci`: is everything healthy, has something failed, or does it take too long?"""

from datetime import datetime

from pytilt.model.base import Value
from pytilt.model.names import TILTFILE
from pytilt.model.objects import ClusterState, Resource, Runtime, Session, Tiltfile
from pytilt.model.resources import KubernetesDeploy, LocalDeploy, PodReadiness
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, Update
from pytilt.store.objects import Snapshot


class Target(Value):
    """One thing that a verdict waits for: `RESOURCE:update`, `RESOURCE:runtime` or `RESOURCE:serve`."""

    name: str
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

    @property
    def fine(self) -> bool:
        """Is there nothing to wait for?"""
        return not (self.waiting or self.not_ready or self.error)


class Verdict(Value):
    """How `tilt ci` ends."""

    error: str = ""
    """Empty: success."""


def verdict(state: Snapshot, now: str) -> Verdict | None:
    """Judge the state.

    Args:
        state: the objects of the session.
        now: RFC 3339.

    Returns:
        The end, or None while there is something to wait for.
    """
    session = state.get(Session, "Tiltfile")
    if session is None:
        return None
    found = targets(state)
    failed = _failure(state, found, session, now)
    if failed:
        return Verdict(error=failed)
    if len(found) > 1 and all(target.fine for target in found):
        return Verdict()
    return _timeout(found, session, now)


def targets(state: Snapshot) -> tuple[Target, ...]:
    """Everything that a verdict waits for, ordered by name."""
    found = [_tiltfile(state)]
    for resource in state.all(Resource):
        idle = not resource.spec.trigger_mode.auto_init and not resource.status.history and not resource.status.current
        if resource.enabled and not idle:
            found += _targets(state, resource)
    return tuple(sorted(found, key=lambda target: target.name))


def _targets(state: Snapshot, resource: Resource) -> list[Target]:
    deploy, found = resource.spec.deploy, []
    if not isinstance(deploy, LocalDeploy) or deploy.update is not None:
        found.append(_update(resource))
    if isinstance(deploy, LocalDeploy):
        return [*found, _runtime(state, resource, "serve", server=True)] if deploy.serve is not None else found
    runtime = state.get(Runtime, resource.name)
    nothing_runs = deploy.pod_readiness is PodReadiness.IGNORE and not (runtime and runtime.status.pods)
    if nothing_runs and resource.status.deployed_at:
        return found
    return [*found, _runtime(state, resource, "runtime", server=deploy.pod_readiness is not PodReadiness.SUCCEEDED)]


def _tiltfile(state: Snapshot) -> Target:
    tiltfile = state.get(Tiltfile, TILTFILE)
    history = tiltfile.status.history if tiltfile else ()
    name = "tiltfile:update"
    if not history:
        return Target(name=name, waiting="initial-build")
    if tiltfile is not None and tiltfile.status.current is not None:
        return Target(name=name, not_ready="evaluating")
    return Target(name=name, error=history[0].error)


def _update(resource: Resource) -> Target:
    status, name = resource.status, f"{resource.name}:update"
    if status.current:
        return Target(name=name, not_ready="updating", since=status.current[0].started_at)
    last = status.last
    if status.due or last is None or last.outcome is Outcome.FELL_BACK:
        reason = status.hold.reason.value if status.hold else "initial-build" if last is None else "config-changed"
        return Target(name=name, waiting=reason)
    return Target(name=name, error=_error(last))


def _error(update: Update) -> str:
    if update.outcome is Outcome.OK:
        return ""
    return update.error or f"update ended as {update.outcome}"


def _runtime(state: Snapshot, resource: Resource, what: str, *, server: bool) -> Target:
    name = f"{resource.name}:{what}"
    runtime = state.get(Runtime, resource.name)
    if runtime is None or not resource.status.history:
        return Target(name=name, waiting=resource.status.hold.reason.value if resource.status.hold else "initial-build")
    status = runtime.status
    deployed = resource.status.deployed_at
    if status.status is RuntimeStatus.ERROR:
        return Target(name=name, error=status.reason or f"{name} failed", deployed_at=deployed)
    if status.status in (RuntimeStatus.OK, RuntimeStatus.NOT_APPLICABLE):
        return Target(name=name)
    waits_for_pod = isinstance(resource.spec.deploy, KubernetesDeploy) and not status.pods
    if waits_for_pod:
        return Target(name=name, waiting="waiting-for-pod")
    return Target(name=name, not_ready=status.reason or "not ready", since=status.since or deployed, server=server)


def _failure(state: Snapshot, found: tuple[Target, ...], session: Session, now: str) -> str:
    grace = session.ci_settings.grace_period_seconds
    for target in found:
        if not target.error:
            continue
        if target.deployed_at and grace:
            if _seconds(target.deployed_at, now) <= grace:
                continue
            return f"exceeded grace period: {target.error}"
        return target.error
    cluster = state.get(ClusterState, "default")
    deploys = any(isinstance(resource.spec.deploy, KubernetesDeploy) for resource in state.all(Resource))
    if deploys and cluster is not None and cluster.error:
        return f"cluster connection failed: {cluster.error}"
    return ""


def _timeout(found: tuple[Target, ...], session: Session, now: str) -> Verdict | None:
    settings = session.ci_settings
    for target in found:
        patience = settings.readiness_timeout_seconds
        if target.server and target.since and patience and _seconds(target.since, now) > patience:
            return Verdict(error=f"Readiness timeout after {_go(patience)}: target {target.name} not ready")
    limit = settings.timeout_seconds if session.ci_timeout_seconds is None else session.ci_timeout_seconds
    if limit and _seconds(session.created_at, now) > limit:
        return Verdict(error=f"Timeout after {_go(limit)}: {_waiting(found)}")
    return None


def _waiting(found: tuple[Target, ...]) -> str:
    waiting = [f"{target.name} {target.waiting}" for target in found if target.waiting]
    unready = [f"{target.name} {target.not_ready}" for target in found if target.not_ready]
    parts = []
    if waiting:
        parts.append(f"{len(waiting)} resources waiting ({','.join(waiting)})")
    if unready:
        parts.append(f"{len(unready)} resources not ready ({','.join(unready)})")
    return ", ".join(parts)


def _seconds(since: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()


def _go(seconds: float) -> str:
    """A duration as Go prints it: `30m0s`."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{left}s"
