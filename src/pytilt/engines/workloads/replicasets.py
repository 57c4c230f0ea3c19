"""ReplicaSets, and the ReplicationControllers before them: as many pods of one template as are asked for."""

from collections.abc import Sequence

from pytilt.engines.objects.fields import condition, key_of, pod_from_template, suffix
from pytilt.engines.workloads.outcome import ReconcileOutcome, alive, finished, ready_since
from pytilt.model.resources import KubeObject


def decide(replica_set: KubeObject, pods: Sequence[KubeObject], now: float) -> ReconcileOutcome:
    """What a ReplicaSet wants next.

    Args:
        replica_set: it.
        pods: the pods it owns.
        now: Unix time.
    """
    spec = replica_set["spec"]
    wanted = int(spec.get("replicas", 1))
    present = alive(pods)
    surplus = sorted(present, key=_worth)[: max(0, len(present) - wanted)]
    done = [pod for pod in pods if finished(pod)]
    missing = range(max(0, wanted - len(present)))
    wait = float(spec.get("minReadySeconds") or 0)
    since = [at for pod in present if (at := ready_since(pod)) is not None]
    available = [at for at in since if at + wait <= now]
    later = [at + wait for at in since if at + wait > now]
    return ReconcileOutcome(
        delete=tuple(key_of(pod) for pod in (*surplus, *done)),
        create=tuple(next_pod(replica_set) for _ in missing),
        status={
            "replicas": len(present) + len(missing) - len(surplus),
            "readyReplicas": len(since),
            "availableReplicas": len(available),
            "fullyLabeledReplicas": len(present),
            "observedGeneration": replica_set["metadata"].get("generation", 1),
        },
        again_at=min(later, default=None),
    )


def next_pod(replica_set: KubeObject) -> KubeObject:
    """One more pod of a ReplicaSet, not yet stored."""
    name = f"{replica_set['metadata']['name']}-{suffix()}"
    return pod_from_template(replica_set, replica_set["spec"]["template"], name, {})


def _worth(pod: KubeObject) -> tuple[bool, str]:
    """Least worth first: pods that are not ready, then old ones, so that what was just asked for stays."""
    return condition(pod, "Ready") == "True", str(pod["metadata"].get("creationTimestamp", ""))
