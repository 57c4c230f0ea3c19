"""Pods, Jobs and events as values, read from the cluster's own objects."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytilt.cluster import objects
from pytilt.model.base import Value
from pytilt.model.clusters import ObjectRef
from pytilt.model.pods import Condition, Container, ContainerState, OwnerRef, Pod
from pytilt.model.regex import regex
from pytilt.model.resources import KubeObject

ERROR_REASONS = frozenset({
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "RunContainerError",
    "StartError",
    "Error",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "InvalidImageName",
})  # fmt: skip
"""Why a container waits when it does not help to wait: those that Tilt knows and four more that do not heal either."""


_CONTAINER = regex(r"spec\.containers\{(.*)\}")


class ObjectEvent(Value):
    """Something that the cluster reports about an object."""

    type: str
    """`Normal` or `Warning`."""
    reason: str
    message: str
    object: ObjectRef
    """What it is about."""
    object_uid: str = ""
    container: str = ""
    """Which container of a pod it is about."""
    count: int = 1
    last_seen: str = ""
    """RFC 3339."""
    uid: str = ""
    created_at: str = ""
    """RFC 3339."""


class Job(Value):
    """A Job at one moment."""

    name: str
    namespace: str
    uid: str
    complete: bool = False
    failed: bool = False
    message: str = ""
    """Why it failed."""
    suspended: bool = False
    """Is it to start no pods for now?"""
    wanted: int = 1
    """How many of its pods are to end well; where it does not say so, how many run at a time."""
    succeeded: int = 0
    """How many have."""


def pod(o: KubeObject) -> Pod:
    """Read a pod."""
    meta, status = objects.metadata(o), objects.mapping(o, "status")
    return Pod(
        name=objects.name(o),
        namespace=objects.namespace(o),
        uid=objects.uid(o),
        created_at=_text(meta, "creationTimestamp"),
        phase=_text(status, "phase") or "Pending",
        deleting=bool(meta.get("deletionTimestamp")),
        status=_shown_status(o),
        message=_message(o).strip(),
        labels=tuple(objects.labels(o).items()),
        owners=owners(o),
        containers=tuple(_containers(o)),
        conditions=conditions(o),
        ip="" if objects.mapping(o, "spec").get("hostNetwork") else _text(status, "podIP"),
    )


def owners(o: KubeObject) -> tuple[OwnerRef, ...]:
    """The objects that own this one; the one that controls it comes first."""
    found = sorted(objects.items(o, "metadata", "ownerReferences"), key=lambda owner: not owner.get("controller"))
    return tuple(
        OwnerRef(
            api_version=_text(owner, "apiVersion"),
            kind=_text(owner, "kind"),
            name=_text(owner, "name"),
            uid=_text(owner, "uid"),
        )
        for owner in found
    )


def conditions(o: KubeObject) -> tuple[Condition, ...]:
    """The conditions in the status of any object."""
    return tuple(
        Condition(
            type=_text(one, "type"),
            status=_text(one, "status"),
            reason=_text(one, "reason"),
            message=_text(one, "message"),
            last_transition_time=_text(one, "lastTransitionTime"),
        )
        for one in objects.items(o, "status", "conditions")
    )


def job(o: KubeObject) -> Job:
    """Read a Job."""
    true = {condition.type: condition for condition in conditions(o) if condition.true}
    failed = true.get("Failed")
    spec = objects.mapping(o, "spec")
    return Job(
        name=objects.name(o),
        namespace=objects.namespace(o),
        uid=objects.uid(o),
        complete="Complete" in true,
        failed=failed is not None,
        message=failed.message if failed else "",
        suspended=spec.get("suspend") is True or spec.get("parallelism") == 0,
        wanted=objects.number(spec, "completions") or objects.number(spec, "parallelism") or 1,
        succeeded=objects.number(objects.mapping(o, "status"), "succeeded"),
    )


def apply_conditions(applied: Sequence[KubeObject]) -> tuple[Condition, ...]:
    """The conditions of an apply: `JobComplete` where one of its Jobs had ended well before.

    Args:
        applied: the objects as the cluster has them.
    """
    jobs = (job(each) for each in applied if each.get("kind") == "Job")
    return (Condition(type="JobComplete", status="True"),) if any(each.complete for each in jobs) else ()


def event(o: KubeObject) -> ObjectEvent:
    """Read an event, of the core group or of `events.k8s.io`."""
    about = objects.mapping(o, "involvedObject") or objects.mapping(o, "regarding")
    series = objects.mapping(o, "series")
    count = series.get("count") or o.get("count") or o.get("deprecatedCount") or 1
    created = _text(objects.metadata(o), "creationTimestamp")
    times = (_text(series, "lastObservedTime"), _text(o, "lastTimestamp"), _text(o, "deprecatedLastTimestamp"))
    return ObjectEvent(
        type=_text(o, "type"),
        reason=_text(o, "reason"),
        message=_text(o, "message") or _text(o, "note"),
        object=ObjectRef(
            api_version=_text(about, "apiVersion"),
            kind=_text(about, "kind"),
            name=_text(about, "name"),
            namespace=_text(about, "namespace"),
        ),
        object_uid=_text(about, "uid"),
        container=found[1] if (found := _CONTAINER.fullmatch(_text(about, "fieldPath"))) else "",
        count=count if isinstance(count, int) else 1,
        last_seen=next(filter(None, times), "") or _text(o, "eventTime") or created,
        uid=objects.uid(o),
        created_at=created,
    )


def _containers(o: KubeObject) -> Iterator[Container]:
    for kind, init in (("initContainers", True), ("containers", False)):
        reported = {_text(status, "name"): status for status in objects.items(o, "status", _status_key(kind))}
        for spec in objects.items(o, "spec", kind):
            policy = _text(spec, "restartPolicy") or _text(objects.mapping(o, "spec"), "restartPolicy") or "Always"
            yield _container(spec, reported.get(_text(spec, "name"), {}), policy, init=init)


def _status_key(kind: str) -> str:
    return "initContainerStatuses" if kind == "initContainers" else "containerStatuses"


def _container(spec: Mapping[str, Any], status: Mapping[str, Any], policy: str, *, init: bool) -> Container:
    state, detail = _state(status)
    last = objects.mapping(status, "lastState", "terminated").get("exitCode")
    exit_code = detail.get("exitCode") if state is ContainerState.TERMINATED else None
    return Container(
        name=_text(spec, "name"),
        # The status may name another tag of the same image (kubernetes/kubernetes#51017), so the spec is asked.
        image=_text(spec, "image"),
        id=_text(status, "containerID").rpartition("://")[2],
        init=init,
        state=state,
        reason=_text(detail, "reason"),
        message=_text(detail, "message"),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        started_at=_text(detail, "startedAt"),
        ready=bool(status.get("ready")),
        restarts=objects.number(status, "restartCount"),
        last_exit_code=last if isinstance(last, int) else None,
        restart_policy=policy,
        ports=tuple(
            port["containerPort"] for port in objects.items(spec, "ports") if isinstance(port.get("containerPort"), int)
        ),
    )


def _state(status: Mapping[str, Any]) -> tuple[ContainerState, Mapping[str, Any]]:
    states = objects.mapping(status, "state")
    for state in (ContainerState.RUNNING, ContainerState.TERMINATED, ContainerState.WAITING):
        if isinstance(states.get(state.value), Mapping):
            return state, states[state.value]
    return ContainerState.WAITING, {}


def _shown_status(o: KubeObject) -> str:
    """The STATUS column of `kubectl get pods`, by the rules of kubectl 1.34 (`printPod`)."""
    status = objects.mapping(o, "status")
    phase = _text(status, "phase")
    shown = _text(status, "reason") or phase
    if any(one.type == "PodScheduled" and one.reason == "SchedulingGated" for one in conditions(o)):
        shown = "SchedulingGated"
    initializing = _initializing(o)
    shown = initializing or shown
    if not initializing or _holds(o, "Initialized"):
        shown = _shown_of_containers(o, shown)
    if objects.metadata(o).get("deletionTimestamp"):
        if _text(status, "reason") == "NodeLost":
            return "Unknown"
        if phase not in ("Succeeded", "Failed"):
            return "Terminating"
    return shown


def _initializing(o: KubeObject) -> str:
    """`Init:` and what the init container that matters most does; empty when they are done."""
    specs = objects.items(o, "spec", "initContainers")
    sidecars = {_text(spec, "name") for spec in specs if spec.get("restartPolicy") == "Always"}
    for index, reported in enumerate(objects.items(o, "status", "initContainerStatuses")):
        state, detail = _state(reported)
        if state is ContainerState.TERMINATED and detail.get("exitCode") == 0:
            continue
        if _text(reported, "name") in sidecars and reported.get("started"):
            continue
        if state is ContainerState.TERMINATED:
            return f"Init:{_ended(detail)}"
        if state is ContainerState.WAITING and _text(detail, "reason") not in ("", "PodInitializing"):
            return f"Init:{_text(detail, 'reason')}"
        return f"Init:{index}/{len(specs)}"
    return ""


def _shown_of_containers(o: KubeObject, shown: str) -> str:
    running = False
    for reported in reversed(objects.items(o, "status", "containerStatuses")):
        state, detail = _state(reported)
        if state is ContainerState.WAITING and detail.get("reason"):
            shown = _text(detail, "reason")
        elif state is ContainerState.TERMINATED:
            shown = _ended(detail)
        elif state is ContainerState.RUNNING and reported.get("ready"):
            running = True
    if shown == "Completed" and running:
        return "Running" if _holds(o, "Ready") else "NotReady"
    return shown


def _ended(detail: Mapping[str, Any]) -> str:
    if detail.get("reason"):
        return _text(detail, "reason")
    return f"Signal:{detail['signal']}" if detail.get("signal") else f"ExitCode:{detail.get('exitCode', 0)}"


def _holds(o: KubeObject, condition: str) -> bool:
    return any(one.type == condition and one.true for one in conditions(o))


def _message(o: KubeObject) -> str:
    """The sentence that explains what is wrong with a pod, empty when nothing is."""
    status = objects.mapping(o, "status")
    reported = [*objects.items(o, "status", "initContainerStatuses"), *objects.items(o, "status", "containerStatuses")]
    for one in reported:
        state, detail = _state(one)
        last = objects.mapping(one, "lastState", "terminated")
        if state is ContainerState.WAITING and _text(detail, "reason") in ERROR_REASONS:
            crash = _exit(one, last) if _text(detail, "reason") == "CrashLoopBackOff" else ""
            return _text(last, "message") or crash or _text(detail, "message")
        if state is ContainerState.TERMINATED and detail.get("exitCode"):
            return _text(detail, "message") or _exit(one, detail)
        if state is ContainerState.RUNNING and last.get("exitCode") and not one.get("ready"):
            return _text(last, "message") or _exit(one, last)
    unscheduled = [one.message for one in conditions(o) if one.type == "PodScheduled" and one.status == "False"]
    return _text(status, "message") or "".join(unscheduled[:1])


def _exit(status: Mapping[str, Any], ended: Mapping[str, Any]) -> str:
    code = ended.get("exitCode")
    return f"container {_text(status, 'name')} ended with exit code {code}" if code else ""


def _text(o: Mapping[str, Any], key: str) -> str:
    found = o.get(key)
    return "" if found is None else str(found)
