"""What a workload's controller decides, and what all of them count alike."""

import math
from collections.abc import Iterable

from pytilt.engines.objects.fields import Key, condition, is_deleting
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject
from pytilt.model.times import rfc3339, seconds_of


class ReconcileOutcome(Value):
    """What to do. Deletions come first."""

    delete: tuple[Key, ...] = ()
    create: tuple[KubeObject, ...] = ()
    replace: tuple[KubeObject, ...] = ()
    status: KubeObject | None = None
    """The workload's own."""
    again_at: float | None = None
    """When to ask again although nothing happened, Unix time."""


def phase(pod: KubeObject) -> str:
    """The pod's phase."""
    return str((pod.get("status") or {}).get("phase") or "Pending")


def finished(pod: KubeObject) -> bool:
    """Is the pod's work done for good?"""
    return phase(pod) in ("Succeeded", "Failed")


def alive(pods: Iterable[KubeObject]) -> list[KubeObject]:
    """The pods that are neither ending nor done."""
    return [pod for pod in pods if not is_deleting(pod) and not finished(pod)]


def ready_since(pod: KubeObject) -> float | None:
    """Since when the pod is ready, Unix time; None if it is not."""
    if is_deleting(pod) or condition(pod, "Ready") != "True":
        return None
    for item in pod["status"]["conditions"]:
        if item["type"] == "Ready":
            return seconds_of(item["lastTransitionTime"])
    return None


def share(value: object, whole: int, *, up: bool) -> int:
    """A number that may be given as a percentage."""
    text = str(value)
    if not text.endswith("%"):
        return int(text)
    part = int(text[:-1]) * whole / 100
    return math.ceil(part) if up else math.floor(part)


def with_conditions(
    status: KubeObject, before: KubeObject | None, conditions: Iterable[KubeObject], now: float
) -> KubeObject:
    """The status with conditions, each with the time since when it has its status."""
    old = {item["type"]: item for item in (before or {}).get("conditions") or ()}
    timed = []
    for item in conditions:
        known = old.get(item["type"])
        same = known is not None and known["status"] == item["status"]
        since = known["lastTransitionTime"] if known is not None and same else rfc3339(now)
        timed.append({**item, "lastTransitionTime": since, "lastUpdateTime": since})
    return {**status, "conditions": timed}
