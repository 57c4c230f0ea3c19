"""The session as Tilt's API shows it: its targets, each a job or a server, and how far each has come."""

from typing import Any

from pytilt.model.durations import go_duration
from pytilt.model.names import TILTFILE
from pytilt.model.objects import Resource, Runtime, Session, Tiltfile
from pytilt.model.pods import Pod
from pytilt.model.resources import CiSettings
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, Reason
from pytilt.store.objects import Snapshot

Json = dict[str, Any]

JOB, SERVER = "job", "server"


def session_spec(session: Session) -> Json:
    """`spec`, with the fields of Tilt's."""
    spec: Json = {"tiltfilePath": session.tiltfile_path, "exitCondition": "ci" if session.ci else "manual"}
    return {**spec, "ci": _ci(session.ci_settings, session.ci_timeout_seconds)} if session.ci else spec


def session_status(state: Snapshot, session: Session) -> Json:
    """`status`, with the fields of Tilt's."""
    status: Json = {
        "pid": session.pid,
        "startTime": session.created_at,
        "targets": session_targets(state),
        "done": session.status.done,
    }
    return {**status, "error": session.status.error} if session.status.error else status


def session_targets(state: Snapshot) -> list[Json]:
    """Everything that the session brings about, ordered by name."""
    tiltfile = state.get(Tiltfile, TILTFILE)
    found = [_target("tiltfile:update", TILTFILE, JOB, _tiltfile(tiltfile) if tiltfile else {})]
    for resource in state.all(Resource):
        found += _of(resource, state.get(Runtime, resource.name))
    return sorted(found, key=lambda target: str(target["name"]))


def _of(resource: Resource, runtime: Runtime | None) -> list[Json]:
    deploy, found, name = resource.spec.deploy, [], resource.name
    if deploy.updates:
        found.append(_target(f"{name}:update", name, JOB, _enabled(resource, _update(resource))))
    if not deploy.has_runtime:
        return found
    if deploy.ready_without_pods and resource.status.deployed_at and not (runtime and runtime.status.pods):
        return found
    state = _pods(resource, runtime) if deploy.in_cluster else _process(resource, runtime)
    target = f"{name}:{deploy.runtime_target}"
    return [*found, _target(target, name, JOB if deploy.runs_to_end else SERVER, _enabled(resource, state))]


def _target(name: str, resource: str, kind: str, state: Json) -> Json:
    return {"name": name, "type": kind, "resources": [resource], "state": state}


def _enabled(resource: Resource, state: Json) -> Json:
    return state if resource.enabled else {"disabled": {}}


def _tiltfile(tiltfile: Tiltfile) -> Json:
    status = tiltfile.status
    if status.current is not None:
        return _active(status.current.started_at)
    if not status.history:
        return _waiting("initial-build")
    last = status.history[0]
    return _terminated(last.started_at, last.finished_at, last.error)


def _update(resource: Resource) -> Json:
    status, last = resource.status, resource.status.last
    if status.current:
        return _active(status.current[0].started_at)
    if status.due is not Reason.NONE or (last is not None and last.outcome.followed):
        return _waiting(status.hold.reason.value if status.hold else "unknown")
    if last is None:
        return {}
    error = "" if last.outcome is Outcome.OK else last.error or f"update ended as {last.outcome}"
    return _terminated(last.started_at, last.finished_at, error)


def _process(resource: Resource, runtime: Runtime | None) -> Json:
    status = runtime.status if runtime else None
    if status is not None and status.status is RuntimeStatus.ERROR:
        return _terminated(status.since, status.since, status.reason or "unknown error")
    if status is not None and status.pid:
        ready = status.status is RuntimeStatus.OK
        return _active(status.since, ready=ready, ready_at=status.since if ready else "")
    started = resource.status.history or resource.status.current
    if resource.spec.trigger_mode.auto_init or started:
        return _waiting(resource.status.hold.reason.value if resource.status.hold else "unknown")
    return {}


def _pods(resource: Resource, runtime: Runtime | None) -> Json:
    since = resource.status.deployed_at
    status = runtime.status if runtime else None
    pod = next(iter(status.pods), None) if status else None
    idle = not resource.spec.trigger_mode.auto_init and not (resource.status.history or resource.status.current)
    if idle:
        return {}
    if status is not None and status.status is RuntimeStatus.ERROR:
        return _terminated(since, "", status.reason or "unknown error")
    if status is not None and status.status in (RuntimeStatus.OK, RuntimeStatus.NOT_APPLICABLE):
        if pod is not None and pod.phase == "Succeeded":
            return _terminated(since, "", "")
        return _active(since, ready=True, ready_at=status.since)
    if pod is not None and pod.phase == "Running":
        return _active(since)
    return _waiting(_pod_reason(pod))


def _pod_reason(pod: Pod | None) -> str:
    return "waiting-for-pod" if pod is None else pod.status or "unknown"


def _waiting(reason: str) -> Json:
    return {"waiting": {"waitReason": reason}}


def _active(since: str, *, ready: bool = False, ready_at: str = "") -> Json:
    return {"active": {"startTime": since or None, "ready": ready, "lastReadyTime": ready_at or None}}


def _terminated(since: str, until: str, error: str) -> Json:
    state: Json = {"startTime": since or None, "finishTime": until or None}
    return {"terminated": {**state, "error": error} if error else state}


def _ci(settings: CiSettings, timeout: float | None) -> Json:
    limits = {
        "k8sGracePeriod": settings.grace_period_seconds,
        "timeout": settings.timeout_seconds if timeout is None else timeout,
        "readinessTimeout": settings.readiness_timeout_seconds,
    }
    return {name: go_duration(seconds) for name, seconds in limits.items()}
