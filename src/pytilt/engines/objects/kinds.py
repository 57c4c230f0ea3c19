"""Which kinds of object the built-in context runs, keeps without effect, or leaves to a real cluster."""

from pytilt.cluster import naming
from pytilt.cluster.order import is_built_in
from pytilt.errors import ApplyError
from pytilt.model.resources import KubeObject

RUN = {
    "ConfigMap": ("",),
    "CronJob": ("batch",),
    "DaemonSet": ("apps",),
    "Deployment": ("apps",),
    "Ingress": ("networking.k8s.io",),
    "Job": ("batch",),
    "Namespace": ("",),
    "PersistentVolumeClaim": ("",),
    "Pod": ("",),
    "ReplicaSet": ("apps",),
    "ReplicationController": ("",),
    "Secret": ("",),
    "Service": ("",),
    "StatefulSet": ("apps",),
}
"""Kinds that have their effect, with the API groups they may come from."""

KEPT = {
    "ClusterRole": ("rbac.authorization.k8s.io",),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io",),
    "HorizontalPodAutoscaler": ("autoscaling",),
    "IngressClass": ("networking.k8s.io",),
    "LimitRange": ("",),
    "NetworkPolicy": ("networking.k8s.io",),
    "PersistentVolume": ("",),
    "PodDisruptionBudget": ("policy",),
    "PriorityClass": ("scheduling.k8s.io",),
    "ResourceQuota": ("",),
    "Role": ("rbac.authorization.k8s.io",),
    "RoleBinding": ("rbac.authorization.k8s.io",),
    "RuntimeClass": ("node.k8s.io",),
    "ServiceAccount": ("",),
    "StorageClass": ("storage.k8s.io",),
}
"""Kinds without which an application runs all the same on one machine of one person: kept, and nothing more."""

SERVED = {"autoscaling": ("v1", "v2")}
"""The versions of groups that Kubernetes serves in others than `v1` alone."""

REMOVED = frozenset({"PodSecurityPolicy"})
"""Kinds that no Kubernetes serves any more."""

CLUSTER_SCOPED = {
    "ClusterRole",
    "ClusterRoleBinding",
    "IngressClass",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
}

HINT = "use a cluster for this one, for example with `--context kind-kind`, or leave it out for the context `engine`"


def is_kept(wanted: KubeObject) -> bool:
    """Is this an object that is kept without effect?

    Raises:
        ApplyError: it is neither run nor kept.
    """
    kind = str(wanted.get("kind", ""))
    version = str(wanted.get("apiVersion", ""))
    group, _, number = version.rpartition("/")
    groups = (*RUN.get(kind, ()), *KEPT.get(kind, ()))
    known = bool(groups) or kind in REMOVED
    if known and is_built_in(group) and (group not in groups or number not in SERVED.get(group, ("v1",))):
        right = [f"{one}/{SERVED.get(one, ('v1',))[-1]}".lstrip("/") for one in groups]
        hint = f"write `apiVersion: {' or '.join(right)}`" if right else "leave it out: no Kubernetes serves it now"
        raise ApplyError(
            f'`{naming.shown(wanted)}`: no matches for kind "{kind}" in version "{version}"',
            hint=hint,
        )
    if group in RUN.get(kind, ()):
        return False
    if group in KEPT.get(kind, ()):
        return True
    raise ApplyError(
        f"`{naming.shown(wanted)}` needs a Kubernetes cluster: `engine` does not run `{version}`", hint=HINT
    )
