"""Jobs: pods that have to succeed a number of times."""

from collections.abc import Sequence
from typing import Any

from pytilt.engines.objects.fields import Json, is_deleting, key_of, pod_from_template, suffix
from pytilt.engines.workloads.outcome import ReconcileOutcome, finished, phase, ready_since
from pytilt.model.resources import KubeObject
from pytilt.model.times import rfc3339, seconds_of

INDEX = "batch.kubernetes.io/job-completion-index"
FIRST_DELAY, LONGEST_DELAY = 10.0, 360.0
"""Seconds between a failed pod and the next one, twice as long each time; Kubernetes' numbers."""
DEFAULT_BACKOFF_LIMIT = 6


def is_done(job: KubeObject) -> bool:
    """Did it succeed or fail for good?"""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(item["type"] in ("Complete", "Failed") and item["status"] == "True" for item in conditions)


def decide(job: KubeObject, pods: Sequence[KubeObject], now: float) -> ReconcileOutcome:
    """What a Job wants next.

    Args:
        job: it.
        pods: the pods it owns.
        now: Unix time.
    """
    spec, before = job["spec"], job.get("status") or {}
    if is_done(job):
        return _after(job, pods, now)
    active = [pod for pod in pods if not finished(pod) and not is_deleting(pod)]
    succeeded = [pod for pod in pods if phase(pod) == "Succeeded"]
    failed = [pod for pod in pods if phase(pod) == "Failed"]
    status: Json = {
        "startTime": before.get("startTime") or rfc3339(now),
        "active": len(active),
        "ready": sum(ready_since(pod) is not None for pod in active),
        "succeeded": len(succeeded),
        "failed": len(failed),
    }
    deadline = spec.get("activeDeadlineSeconds")
    over = seconds_of(status["startTime"]) + float(deadline) if deadline else None
    if reason := _failure(spec, active, failed, over, now):
        return _ended(status, "Failed", reason, active, now)
    completions = int(spec.get("completions") or 1)
    if len(succeeded) >= completions or (spec.get("completions") is None and succeeded and not active):
        return _ended({**status, "completionTime": rfc3339(now)}, "Complete", "CompletionsReached", active, now)
    if spec.get("suspend"):
        suspended = [{"type": "Suspended", "status": "True", "lastTransitionTime": rfc3339(now)}]
        return ReconcileOutcome(
            delete=tuple(map(key_of, active)), status={**status, "active": 0, "conditions": suspended}
        )
    room = min(int(spec.get("parallelism", 1)), completions - len(succeeded)) - len(active)
    retry_at = _retry_at(failed)
    if room > 0 and retry_at > now:
        return ReconcileOutcome(status=status, again_at=min(retry_at, over or retry_at))
    numbers = _numbers(spec, [*active, *succeeded], max(0, room))
    return ReconcileOutcome(create=tuple(_pod(job, number) for number in numbers), status=status, again_at=over)


def _failure(
    spec: KubeObject, active: Sequence[KubeObject], failed: Sequence[KubeObject], over: float | None, now: float
) -> str:
    limit = spec.get("backoffLimit")
    restarts = sum(status.get("restartCount", 0) for pod in active for status in _statuses(pod))
    if len(failed) + restarts > (DEFAULT_BACKOFF_LIMIT if limit is None else int(limit)):
        return "BackoffLimitExceeded"
    return "DeadlineExceeded" if over is not None and over <= now else ""


def _statuses(pod: KubeObject) -> Sequence[KubeObject]:
    return (pod.get("status") or {}).get("containerStatuses") or ()


def _ended(status: Json, kind: str, reason: str, active: Sequence[KubeObject], now: float) -> ReconcileOutcome:
    messages = {
        "BackoffLimitExceeded": "Job has reached the specified backoff limit",
        "DeadlineExceeded": "Job was active longer than specified deadline",
        "CompletionsReached": "Reached expected number of succeeded pods",
    }
    condition = {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": messages[reason],
        "lastTransitionTime": rfc3339(now),
        "lastProbeTime": rfc3339(now),
    }
    return ReconcileOutcome(
        delete=tuple(key_of(pod) for pod in active),
        status={**status, "active": 0, "ready": 0, "conditions": [condition]},
    )


def _after(job: KubeObject, pods: Sequence[KubeObject], now: float) -> ReconcileOutcome:
    """What is left to do for a Job that is done: go away when its time has come."""
    del pods
    lifetime = job["spec"].get("ttlSecondsAfterFinished")
    if lifetime is None:
        return ReconcileOutcome()
    ended = max(seconds_of(item["lastTransitionTime"]) for item in job["status"]["conditions"])
    over = ended + float(lifetime)
    return ReconcileOutcome(delete=(key_of(job),)) if over <= now else ReconcileOutcome(again_at=over)


def _retry_at(failed: Sequence[KubeObject]) -> float:
    if not failed:
        return 0.0
    ends = [
        seconds_of(((status.get("state") or {}).get("terminated") or {}).get("finishedAt") or "")
        for pod in failed
        for status in _statuses(pod)
    ]
    return max(ends, default=0.0) + min(FIRST_DELAY * 2.0 ** (len(failed) - 1), LONGEST_DELAY)


def _numbers(spec: KubeObject, taken: Sequence[KubeObject], room: int) -> list[int | None]:
    """The completion indexes of the pods to make; None for pods without."""
    if spec.get("completionMode") != "Indexed":
        return [None] * room
    used = {int((pod["metadata"].get("annotations") or {}).get(INDEX, -1)) for pod in taken}
    free: list[int | None] = [number for number in range(int(spec.get("completions") or 1)) if number not in used]
    return free[:room]


def _pod(job: KubeObject, number: int | None) -> KubeObject:
    metadata = job["metadata"]
    labels = {
        "batch.kubernetes.io/job-name": metadata["name"],
        "job-name": metadata["name"],
        "batch.kubernetes.io/controller-uid": metadata["uid"],
        "controller-uid": metadata["uid"],
    }
    name = f"{metadata['name']}-{suffix()}" if number is None else f"{metadata['name']}-{number}-{suffix()}"
    pod = pod_from_template(job, job["spec"]["template"], name, labels)
    if number is not None:
        pod["metadata"]["annotations"] = {**pod["metadata"].get("annotations", {}), INDEX: str(number)}
        pod["spec"]["containers"] = [_indexed(container, number) for container in pod["spec"]["containers"]]
    return pod


def _indexed(container: dict[str, Any], number: int) -> Json:
    variable = {"name": "JOB_COMPLETION_INDEX", "value": str(number)}
    return {**container, "env": [*(container.get("env") or ()), variable]}
