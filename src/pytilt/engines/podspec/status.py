"""A pod's status as Kubernetes would write it, from what its containers do. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from pytilt.engines.objects.fields import NODE_LOST, Json
from pytilt.engines.podspec.plan import (
    ContainerView,
    Instance,
    PodPlan,
    RunState,
    all_containers,
    init_containers,
    is_sidecar,
    restart_at,
    restarts,
)
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject
from pytilt.model.times import rfc3339


class PodFacts(Value):
    """What a pod's status is made of besides its containers."""

    pod_ip: str = ""
    host_ip: str = ""
    reason: str = ""
    """Why the pod as a whole failed or waits, for example `DeadlineExceeded`; `NodeLost` while that is unknown."""
    message: str = ""
    failed: bool = False


def pod_status(pod: KubeObject, views: Mapping[str, ContainerView], plan: PodPlan, facts: PodFacts, now: float) -> Json:
    """The whole status.

    Args:
        pod: the pod; times of conditions that did not change are taken from its present status.
        views: what is known of its containers, by name.
        plan: what is to be done next.
        facts: the rest.
        now: Unix time.
    """
    before = pod.get("status") or {}
    phase = "Failed" if facts.failed else plan.phase
    inits = {container["name"] for container in init_containers(pod)}
    of_main = [_container(c, pod, views, plan, now) for c in all_containers(pod) if c["name"] not in inits]
    of_init = [_container(c, pod, views, plan, now) for c in init_containers(pod)]
    sidecars = {c["name"] for c in init_containers(pod) if is_sidecar(c)}
    if facts.reason == NODE_LOST:
        of_main, of_init = ([{**status, "ready": False} for status in every] for every in (of_main, of_init))
    counted = [*of_main, *(status for status in of_init if status["name"] in sidecars)]
    ready = phase == "Running" and all(status["ready"] for status in counted)
    finished = phase in ("Succeeded", "Failed")
    reason = "PodCompleted" if phase == "Succeeded" else "PodFailed" if finished else "ContainersNotReady"
    unready = [status["name"] for status in counted if not status["ready"]]
    message = "" if ready or finished else f"containers with unready status: [{' '.join(unready)}]"
    waiting_init = plan.initialized or finished
    conditions = [
        _condition("PodScheduled", holds=True),
        _condition("Initialized", holds=waiting_init, reason="ContainersNotInitialized"),
        _condition("ContainersReady", holds=ready, reason=reason, message=message),
        _condition("Ready", holds=ready, reason=reason, message=message),
    ]
    status: Json = {
        "phase": phase,
        "startTime": before.get("startTime") or rfc3339(now),
        "conditions": _timed(conditions, before.get("conditions") or (), now),
        "containerStatuses": of_main,
        "qosClass": "BestEffort",
    }
    if of_init:
        status["initContainerStatuses"] = of_init
    if facts.host_ip:
        status["hostIP"] = facts.host_ip
    if facts.pod_ip:
        status |= {"podIP": facts.pod_ip, "podIPs": [{"ip": facts.pod_ip}]}
    if facts.reason:
        status |= {"reason": facts.reason, "message": facts.message}
    return status


def _condition(kind: str, *, holds: bool, reason: str = "", message: str = "") -> Json:
    condition = {"type": kind, "status": "True" if holds else "False"}
    if not holds:
        condition |= {"reason": reason} | ({"message": message} if message else {})
    return condition


def _timed(conditions: Iterable[Json], before: Iterable[Mapping[str, Any]], now: float) -> list[Json]:
    """The conditions with the time since when each has its status."""
    old = {item["type"]: item for item in before}
    timed = []
    for condition in conditions:
        known = old.get(condition["type"])
        same = known is not None and known["status"] == condition["status"]
        since = known["lastTransitionTime"] if known is not None and same else rfc3339(now)
        timed.append({**condition, "lastTransitionTime": since})
    return timed


def _container(
    container: Mapping[str, Any], pod: KubeObject, views: Mapping[str, ContainerView], plan: PodPlan, now: float
) -> Json:
    view = views.get(container["name"]) or ContainerView()
    current = view.current
    state, last = _states(container, pod, view, plan, now)
    running = current is not None and current.running
    init_done = current is not None and not running and current.exit_code == 0 and current.state is RunState.EXITED
    is_plain_init = container in init_containers(pod) and not is_sidecar(container)
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": current.image_id if current else "",
        "containerID": f"docker://{current.id}" if current else "",
        "ready": init_done if is_plain_init else running and view.started and view.ready,
        "started": running and view.started,
        "restartCount": current.attempt if current else 0,
        "state": state,
        "lastState": last,
    }


def _states(
    container: Mapping[str, Any], pod: KubeObject, view: ContainerView, plan: PodPlan, now: float
) -> tuple[Json, Json]:
    """`state` and `lastState`."""
    current = view.current
    last = {"terminated": _terminated(view.last)} if view.last else {}
    if view.waiting and (current is None or not current.running):
        ended = {"terminated": _terminated(current)} if current and current.state is RunState.EXITED else last
        return _waiting(view.waiting, view.message), ended
    if current is None or current.state is RunState.CREATED:
        initializing = not plan.initialized and container in pod["spec"]["containers"] and init_containers(pod)
        return _waiting("PodInitializing" if initializing else "ContainerCreating"), last
    if current.running:
        return {"running": {"startedAt": rfc3339(current.started_at)}}, last
    if plan.phase not in ("Succeeded", "Failed") and _backs_off(container, pod, view, now):
        seconds = int(restart_at(view) - current.finished_at)
        where = f"{pod['metadata']['name']}_{pod['metadata'].get('namespace', '')}({pod['metadata'].get('uid', '')})"
        text = f"back-off {_span(seconds)} restarting failed container={container['name']} pod={where}"
        return _waiting("CrashLoopBackOff", text), {"terminated": _terminated(current)}
    return {"terminated": _terminated(current)}, last


def _backs_off(container: Mapping[str, Any], pod: KubeObject, view: ContainerView, now: float) -> bool:
    policy = pod["spec"].get("restartPolicy") or "Always"
    if container in init_containers(pod):
        policy = "Always" if is_sidecar(container) else "Never" if policy == "Never" else "OnFailure"
    return view.current is not None and restarts(policy, view.current) and restart_at(view) > now


def _waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def _terminated(instance: Instance) -> Json:
    reason = instance.reason or (
        "OOMKilled" if instance.oom_killed else "Completed" if instance.exit_code == 0 else "Error"
    )
    terminated: Json = {
        "exitCode": instance.exit_code,
        "reason": reason,
        "startedAt": rfc3339(instance.started_at) if instance.started_at else None,
        "finishedAt": rfc3339(instance.finished_at) if instance.finished_at else None,
        "containerID": f"docker://{instance.id}",
    }
    if instance.message:
        terminated["message"] = instance.message
    return {name: value for name, value in terminated.items() if value is not None}


def _span(seconds: int) -> str:
    """Seconds as Go prints a duration."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
