"""Which pods belong to a resource, which of them count, and which one a port leads to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytilt.cluster import objects, pods
from pytilt.cluster.injection import TEMPLATE_HASH_LABEL
from pytilt.model.base import Value
from pytilt.model.pods import OwnerRef, Pod
from pytilt.model.resources import KubeObject, PortForwardSpec

_REVISION = "deployment.kubernetes.io/revision"
_ON_DELETE = "OnDelete"
_DESIRED = "deployment.kubernetes.io/desired-replicas"

_MAX_DEPTH = 10
"""Chains of owners are two or three long; a loop of them must not hang the reader."""


class Intermediate(Value):
    """An object between an applied one and its pods: a ReplicaSet of a Deployment, a Job of a CronJob."""

    uid: str
    kind: str
    created_at: str = ""
    """RFC 3339."""
    revision: int = 0
    """Of a Deployment's ReplicaSets the one with the highest is in force, also after going back to an old one."""
    owners: tuple[OwnerRef, ...] = ()
    replicas: int = 0
    """How many pods it is to have of what was applied last; 0 where nobody knows."""
    failure: str = ""
    """Why a ReplicaSet cannot make its pods."""


class Claim(Value):
    """What makes a pod one of a resource's."""

    uids: tuple[str, ...] = ()
    """Of the objects that were applied."""
    selectors: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Each a conjunction of label pairs; any may match."""
    selectors_only: bool = False
    template_hashes: tuple[str, ...] = ()
    """Of the pod templates that were applied last."""


def intermediate(o: KubeObject) -> Intermediate:
    """Read a ReplicaSet, a StatefulSet, a Job or any other object that may own pods."""
    return Intermediate(
        uid=objects.uid(o),
        kind=objects.kind(o),
        created_at=str(objects.metadata(o).get("creationTimestamp") or ""),
        revision=objects.number(objects.annotations(o), _REVISION),
        owners=pods.owners(o),
        replicas=_SIZES[objects.kind(o)](o) if objects.kind(o) in _SIZES else 0,
        failure=next(
            (
                str(each.get("message", ""))
                for each in objects.items(o, "status", "conditions")
                if each.get("type") == "ReplicaFailure" and each.get("status") == "True"
            ),
            "",
        ),
    )


def _replicas(replica_set: KubeObject) -> int:
    """What its Deployment wants, towards which a rollout brings it step by step; else what it wants itself."""
    return objects.number(objects.annotations(replica_set), _DESIRED) or objects.number(
        objects.mapping(replica_set, "spec"), "replicas"
    )


def _ordered_replicas(stateful_set: KubeObject) -> int:
    """All, but those that a staged rollout leaves as they are; none of those that wait until somebody deletes them."""
    strategy = objects.mapping(stateful_set, "spec", "updateStrategy")
    if strategy.get("type") == _ON_DELETE:
        return 0
    kept = objects.number(objects.mapping(strategy, "rollingUpdate"), "partition")
    return max(objects.number(objects.mapping(stateful_set, "spec"), "replicas") - kept, 0)


def _scheduled(daemon_set: KubeObject) -> int:
    """One for each node that is to have one, as far as the cluster has found out."""
    if objects.mapping(daemon_set, "spec", "updateStrategy").get("type") == _ON_DELETE:
        return 0
    return objects.number(objects.mapping(daemon_set, "status"), "desiredNumberScheduled")


_SIZES = {"ReplicaSet": _replicas, "StatefulSet": _ordered_replicas, "DaemonSet": _scheduled}


def ancestors(pod: Pod, owners: Mapping[str, Intermediate]) -> Iterator[str]:
    """The uids of the pod and of everything above it, nearest first.

    Args:
        pod: a pod.
        owners: what is known of objects between applied ones and pods, by uid.
    """
    level = [pod.uid]
    above = pod.owners
    for _ in range(_MAX_DEPTH):
        yield from level
        if not above:
            return
        level = [owner.uid for owner in above]
        above = tuple(up for uid in level if uid in owners for up in owners[uid].owners)


def belongs(pod: Pod, claim: Claim, owners: Mapping[str, Intermediate]) -> bool:
    """Is this one of the resource's pods, current or not?"""
    labels = dict(pod.labels)
    if any(selector and all(labels.get(key) == value for key, value in selector) for selector in claim.selectors):
        return True
    return not claim.selectors_only and _applied_ancestor(pod, claim, owners) is not None


def current(found: Sequence[Pod], claim: Claim, owners: Mapping[str, Intermediate]) -> tuple[Pod, ...]:
    """The pods of a resource that were made by what was applied last, best first.

    Pods of an older template do not count, so that they make nothing green after a new one was applied.
    """
    own = [pod for pod in found if belongs(pod, claim, owners) and _is_of_applied_template(pod, claim)]
    newest: dict[str, Intermediate] = {}
    for pod in own:
        ancestor, owner = _applied_ancestor(pod, claim, owners), _replica_set(pod, owners)
        if ancestor and owner and (ancestor not in newest or _age(newest[ancestor]) < _age(owner)):
            newest[ancestor] = owner
    return best_first(pod for pod in own if not _is_superseded(pod, claim, owners, newest))


def shortage(present: Sequence[Pod], owners: Mapping[str, Intermediate], applied: Iterable[str] = ()) -> str:
    """What is missing where a ReplicaSet, StatefulSet or DaemonSet has fewer pods than it is to have; empty: nothing.

    Args:
        present: the current pods of a resource.
        owners: see `ancestors`; with those that were applied themselves.
        applied: the uids of what was applied, which need not have any pod.
    """
    counted = Counter[str](dict.fromkeys((uid for uid in applied if uid in owners), 0))
    for pod in present:
        if (owner := owners.get(pod.owners[0].uid) if pod.owners else None) is not None:
            counted[owner.uid] += not pod.deleting and pod.phase not in ("Succeeded", "Failed")
    for uid, count in counted.items():
        owner = owners[uid]
        if count < owner.replicas:
            return f"{count} of {owner.replicas} pods" + (f": {owner.failure}" if owner.failure else "")
    return ""


def best_first(found: Sequence[Pod] | Iterator[Pod]) -> tuple[Pod, ...]:
    """Those that are not going away first, then the newest, then by name from the end of the alphabet, as in Tilt."""
    newest = sorted(found, key=lambda pod: (pod.created_at, pod.name), reverse=True)
    return tuple(sorted(newest, key=lambda pod: pod.deleting))


def forward_pod(found: Sequence[Pod]) -> Pod | None:
    """The pod that a port of a resource leads to: a running one, if possible one that stays, on a node that is ready.

    One whose containers have been started runs, though its status does not say so yet.
    """
    best = sorted(best_first(found), key=lambda pod: pod.deleting or pod.lost)
    return next((pod for pod in best if pod.phase == "Running" or pod.started), None)


def container_port(pod: Pod, forward: PortForwardSpec) -> int:
    """The port in the pod that a forward leads to.

    A forward that names none leads to the port of the same number if a container lists it, else to the first that
    is listed, else to the same number.
    """
    if forward.container_port:
        return forward.container_port
    listed = [port for container in pod.containers if not container.init for port in container.ports]
    return forward.local_port if forward.local_port in listed or not listed else listed[0]


def _applied_ancestor(pod: Pod, claim: Claim, owners: Mapping[str, Intermediate]) -> str | None:
    return next((uid for uid in ancestors(pod, owners) if uid in claim.uids), None)


def _is_of_applied_template(pod: Pod, claim: Claim) -> bool:
    label = dict(pod.labels).get(TEMPLATE_HASH_LABEL)
    # Without the label the pod comes from something that has no template to label, for example an operator.
    return label is None or label in claim.template_hashes


def _is_superseded(
    pod: Pod, claim: Claim, owners: Mapping[str, Intermediate], newest: Mapping[str, Intermediate]
) -> bool:
    """Is there a newer ReplicaSet of the same applied object than the pod's?"""
    owner = _replica_set(pod, owners)
    ancestor = _applied_ancestor(pod, claim, owners)
    return bool(owner and ancestor and newest[ancestor].uid != owner.uid)


def _replica_set(pod: Pod, owners: Mapping[str, Intermediate]) -> Intermediate | None:
    found = owners.get(pod.owners[0].uid) if pod.owners else None
    return found if found and found.kind == "ReplicaSet" else None


def _age(owner: Intermediate) -> tuple[int, str]:
    return owner.revision, owner.created_at
