"""What it means that a resource which was deployed has no pod."""

from collections.abc import Sequence

from pytilt.cluster import objects
from pytilt.cluster.health import NO_POD, RuntimeHealth
from pytilt.cluster.workloads import is_known, pod_specs
from pytilt.model.resources import KubeObject
from pytilt.model.status import RuntimeStatus

_SCALED = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"})
_KEEPING = frozenset({"ReplicaSet", "ReplicationController"})
"""Kinds that make no new pods when their template changes."""


def without_pods(declared: Sequence[KubeObject], *, older: bool) -> RuntimeHealth:
    """How a resource is doing of which no pod is there: well if there is to be none.

    Args:
        declared: its objects.
        older: are there pods of a template before the present one?
    """
    makers = [o for o in declared if pod_specs(o)]
    if makers and all(_wants_none(o) for o in makers):
        return RuntimeHealth(status=RuntimeStatus.OK)
    reasons = filter(None, (_reason(o, older=older) for o in makers))
    return RuntimeHealth(status=RuntimeStatus.PENDING, reason=next(reasons, NO_POD))


def _wants_none(o: KubeObject) -> bool:
    return is_known(o) and objects.kind(o) in _SCALED and objects.mapping(o, "spec").get("replicas") == 0


def _reason(o: KubeObject, *, older: bool) -> str:
    """Why an object makes no pods; empty: it is about to."""
    if not is_known(o):
        return ""
    kind, spec = objects.kind(o), objects.mapping(o, "spec")
    name, strategy = f"{kind} {objects.name(o)}", objects.mapping(spec, "updateStrategy")
    if kind == "Deployment" and spec.get("paused"):
        return f"{name} is paused"
    if not older:
        return ""
    if strategy.get("type") == "OnDelete":
        return f"{name} replaces its pods when somebody deletes them (updateStrategy OnDelete)"
    partition = objects.number(objects.mapping(strategy, "rollingUpdate"), "partition")
    if partition and partition >= spec.get("replicas", 1):
        return f"{name} keeps its pods (updateStrategy.rollingUpdate.partition {partition})"
    return f"{name} keeps the pods that it has, which are of an earlier template" if kind in _KEEPING else ""
