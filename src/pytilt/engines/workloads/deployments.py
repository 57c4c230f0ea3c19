"""Deployments: from one template to the next, new pods before old ones go, or the other way round."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytilt.engines.objects.fields import Json, digest, is_deleting, key_of, labels_of, owned_by
from pytilt.engines.workloads.outcome import ReconcileOutcome, finished, share, with_conditions
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
"""The annotation of a ReplicaSet that says which template of its Deployment it has, counted from 1."""
DEFAULT_SHARE = "25%"
"""Kubernetes' default for both `maxSurge` and `maxUnavailable`."""


class Set(Value):
    """The numbers of one ReplicaSet."""

    name: str
    wanted: int
    available: int
    present: int = 0
    """Pods that are there, ending ones too."""


def decide(
    deployment: KubeObject, replica_sets: Sequence[KubeObject], pods: Sequence[KubeObject], now: float
) -> ReconcileOutcome:
    """What a Deployment wants next.

    Args:
        deployment: it.
        replica_sets: those it owns.
        pods: the pods of the namespace.
        now: Unix time.
    """
    spec = deployment["spec"]
    wanted = int(spec.get("replicas", 1))
    current = present_set(deployment, replica_sets)
    former = [item for item in replica_sets if item is not current]
    numbers = {item["metadata"]["name"]: _numbers(item, pods) for item in replica_sets}
    new = numbers[current["metadata"]["name"]] if current else Set(name="", wanted=0, available=0)
    old = [numbers[item["metadata"]["name"]] for item in former]
    scale = rollout(wanted, new, old, spec.get("strategy") or {}, paused=bool(spec.get("paused")))
    create, replace, delete = [], [], []
    if current is None and (scale.get("") or wanted == 0):
        create.append(next_set(deployment, replica_sets, scale.get("", 0)))
    for item in replica_sets:
        name = item["metadata"]["name"]
        if scale.get(name, item["spec"]["replicas"]) != item["spec"]["replicas"]:
            replace.append({**item, "spec": {**item["spec"], "replicas": scale[name]}})
        elif item is not current and _is_empty(numbers[name]):
            delete.append(key_of(item))
    return ReconcileOutcome(
        delete=tuple(delete),
        create=tuple(create),
        replace=tuple(replace),
        status=_status(deployment, replica_sets, current, now),
    )


def present_set(deployment: KubeObject, replica_sets: Iterable[KubeObject]) -> KubeObject | None:
    """The ReplicaSet that has the Deployment's present template, None if there is none yet."""
    template = deployment["spec"]["template"]
    return next((item for item in replica_sets if _has(item, template)), None)


def next_set(deployment: KubeObject, replica_sets: Iterable[KubeObject], replicas: int) -> KubeObject:
    """The ReplicaSet of a template that is new.

    Its name comes of the revision's number, not of the template's content, so that it is known before the template is.

    Args:
        deployment: whose it is.
        replica_sets: those that are there.
        replicas: how many pods it is to have at first.
    """
    spec, metadata = deployment["spec"], deployment["metadata"]
    revision = 1 + max(map(_revision, replica_sets), default=0)
    mark = digest([metadata.get("namespace", ""), metadata["name"], revision])
    template = _marked(spec["template"], mark)
    made = owned_by(
        deployment,
        kind="ReplicaSet",
        api_version="apps/v1",
        name=f"{metadata['name']}-{mark}",
        labels=template["metadata"]["labels"],
    )
    made["metadata"]["annotations"] = {REVISION: str(revision)}
    made["spec"] = {
        "replicas": replicas,
        "minReadySeconds": spec.get("minReadySeconds") or 0,
        "selector": {"matchLabels": {**((spec.get("selector") or {}).get("matchLabels") or {}), HASH: mark}},
        "template": template,
    }
    return made


def rollout(wanted: int, new: Set, old: Sequence[Set], strategy: Mapping[str, Any], *, paused: bool) -> dict[str, int]:
    """How many pods each ReplicaSet should have now; those that stay as they are may be left out.

    Args:
        wanted: how many pods the Deployment should have.
        new: the ReplicaSet of the present template; its name is empty while it does not exist.
        old: all others.
        strategy: the Deployment's.
        paused: only the number may change, not the template.
    """
    if paused and old and not new.name:
        return {}
    if strategy.get("type") == "Recreate":
        gone = not any(item.present for item in old)
        return {item.name: 0 for item in old} | ({new.name: wanted} if gone else {})
    numbers = strategy.get("rollingUpdate") or {}
    surge = share(numbers.get("maxSurge", DEFAULT_SHARE), wanted, up=True)
    unavailable = share(numbers.get("maxUnavailable", DEFAULT_SHARE), wanted, up=False)
    if not surge and not unavailable:
        unavailable = 1
    total = new.wanted + sum(item.wanted for item in old)
    more = max(0, min(wanted - new.wanted, wanted + surge - total))
    scale = {new.name: wanted if new.wanted > wanted or not old else new.wanted + more}
    return scale | _scaled_down(wanted - unavailable, new, old)


def _scaled_down(least: int, new: Set, old: Sequence[Set]) -> dict[str, int]:
    """Old sets get smaller as long as enough pods are available; pods that are not go first, they serve nobody."""
    total = new.wanted + sum(item.wanted for item in old)
    budget = total - least - max(0, new.wanted - new.available)
    scale = {item.name: item.wanted for item in old}
    for item in old:
        broken = min(max(0, item.wanted - item.available), max(0, budget))
        scale[item.name] -= broken
        budget -= broken
    spare = new.available + sum(min(item.available, item.wanted) for item in old) - least
    for item in old:
        fewer = min(scale[item.name], max(0, min(spare, budget)))
        scale[item.name] -= fewer
        spare -= fewer
        budget -= fewer
    return scale


def _is_empty(numbers: Set) -> bool:
    return not numbers.wanted and not numbers.present


def _numbers(replica_set: KubeObject, pods: Sequence[KubeObject]) -> Set:
    name = replica_set["metadata"]["name"]
    present = [pod for pod in pods if _belongs(pod, replica_set) and (is_deleting(pod) or not finished(pod))]
    status = replica_set.get("status") or {}
    return Set(
        name=name,
        wanted=int(replica_set["spec"]["replicas"]),
        available=int(status.get("availableReplicas") or 0),
        present=len(present),
    )


def _belongs(pod: KubeObject, owner: KubeObject) -> bool:
    references = pod["metadata"].get("ownerReferences") or ()
    return any(reference["uid"] == owner["metadata"]["uid"] for reference in references)


def _revision(replica_set: KubeObject) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION) or 0)


def _has(replica_set: KubeObject, template: KubeObject) -> bool:
    return bool(replica_set["spec"]["template"] == _marked(template, labels_of(replica_set).get(HASH, "")))


def _marked(template: KubeObject, mark: str) -> Json:
    """The template with the label that distinguishes the pods of one ReplicaSet from those of the next."""
    metadata = template.get("metadata") or {}
    return {**template, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), HASH: mark}}}


def _status(
    deployment: KubeObject, replica_sets: Sequence[KubeObject], current: KubeObject | None, now: float
) -> KubeObject:
    wanted = int(deployment["spec"].get("replicas", 1))

    def count(field: str, items: Sequence[KubeObject]) -> int:
        return sum(int((item.get("status") or {}).get(field) or 0) for item in items)

    new = [] if current is None else [current]
    total, available = count("replicas", replica_sets), count("availableReplicas", replica_sets)
    updated, ready = count("replicas", new), count("readyReplicas", replica_sets)
    complete = updated == wanted == total and available >= wanted
    status: KubeObject = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }
    reason = "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated"
    enough = available >= wanted
    conditions = [
        {
            "type": "Available",
            "status": "True" if enough else "False",
            "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        },
        {"type": "Progressing", "status": "True", "reason": reason},
    ]
    return with_conditions(status, deployment.get("status"), conditions, now)
