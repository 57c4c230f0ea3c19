"""In which order objects are applied and deleted, and which kinds live outside of namespaces."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from pytilt.cluster import objects
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject

_FIRST = (
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "PriorityClass",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
)
"""What others refer to comes before them; the order is kustomize's, as in Tilt. Kinds that are not listed follow."""

_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
"""A webhook whose server does not run yet would refuse everything that comes after it."""

HOLDING_OTHERS = frozenset({"CustomResourceDefinition", "Namespace", "PersistentVolume", "PersistentVolumeClaim"})
"""Kinds that are never deleted in order to be made anew: what they hold would go with them."""

_RANKS = {kind: rank for rank, kind in enumerate(_FIRST, -len(_FIRST))} | dict.fromkeys(_LAST, 1)

_BUILT_IN = frozenset(
    {
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
"""The groups of Kubernetes itself that look like a domain."""


def ordered(wanted: Iterable[KubeObject]) -> tuple[KubeObject, ...]:
    """The objects in the order of applying; those of equal rank stay in their order."""
    return tuple(sorted(wanted, key=_rank))


def stages(wanted: Sequence[KubeObject]) -> tuple[tuple[KubeObject, ...], ...]:
    """The objects in the order of applying; those of one stage may be applied at the same time.

    An object that is given more than once is in as many stages: the last one wins, as in a file.
    """
    result: list[tuple[KubeObject, ...]] = []
    for _, equals in groupby(ordered(wanted), key=_rank):
        stage: dict[ObjectRef, KubeObject] = {}
        for one in equals:
            if objects.name(one) and objects.ref(one) in stage:
                result.append(tuple(stage.values()))
                stage = {}
            stage[_identity(one, len(stage))] = one
        result.append(tuple(stage.values()))
    return tuple(result)


def deletion_stages(unwanted: Sequence[KubeObject]) -> tuple[tuple[KubeObject, ...], ...]:
    """The stages of applying backwards: what refers to others goes before them."""
    return tuple(tuple(reversed(stage)) for stage in reversed(stages(unwanted)))


def deletion_batches(refs: Iterable[ObjectRef]) -> tuple[tuple[ObjectRef, ...], ...]:
    """References in the order of deleting; those of one batch may be deleted at the same time.

    Custom resources go first: what deletes their finalizers must run meanwhile, and their kind must be defined.
    """
    ranked = sorted(refs, key=_deletion_rank)
    return tuple(tuple(batch) for _, batch in groupby(ranked, key=_deletion_rank))


def is_custom(api_version: str) -> bool:
    """Is this the version of a kind that somebody has defined?"""
    return not is_built_in(objects.group(api_version))


def is_built_in(group: str) -> bool:
    """Is this a group of Kubernetes itself, not one of a custom resource?"""
    return "." not in group or group in _BUILT_IN


def _deletion_rank(ref: ObjectRef) -> tuple[bool, int]:
    return not is_custom(ref.api_version), -_RANKS.get(ref.kind, 0)


def _rank(o: KubeObject) -> int:
    return _RANKS.get(objects.kind(o), 0)


def _identity(o: KubeObject, index: int) -> ObjectRef:
    """The reference; an object without a name of its own is never the same as another."""
    name = objects.name(o) or f"#{index}"
    return ObjectRef(
        api_version=objects.api_version(o), kind=objects.kind(o), name=name, namespace=objects.namespace(o)
    )
