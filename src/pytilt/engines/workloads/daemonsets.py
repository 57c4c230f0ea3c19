"""DaemonSets: one pod, since there is one node."""

from collections.abc import Sequence

from pytilt.engines.objects.fields import digest, is_deleting, key_of, labels_of, pod_from_template, suffix
from pytilt.engines.workloads.outcome import ReconcileOutcome, finished, ready_since
from pytilt.engines.workloads.statefulsets import REVISION
from pytilt.model.resources import KubeObject


def decide(daemon_set: KubeObject, pods: Sequence[KubeObject], now: float) -> ReconcileOutcome:
    """What a DaemonSet wants next: an old pod goes before the new one comes, as it may hold ports of the node."""
    del now
    spec = daemon_set["spec"]
    revision = digest(spec["template"])
    rolling = (spec.get("updateStrategy") or {}).get("type") != "OnDelete"
    old = [pod for pod in pods if finished(pod) or (rolling and labels_of(pod).get(REVISION) != revision)]
    kept = [pod for pod in pods if pod not in old]
    name = f"{daemon_set['metadata']['name']}-{suffix()}"
    ready = sum(ready_since(pod) is not None for pod in pods)
    return ReconcileOutcome(
        delete=tuple(key_of(pod) for pod in (*old, *kept[1:]) if not is_deleting(pod)),
        create=() if pods else (pod_from_template(daemon_set, spec["template"], name, {REVISION: revision}),),
        status={
            "observedGeneration": daemon_set["metadata"].get("generation", 1),
            "desiredNumberScheduled": 1,
            "currentNumberScheduled": min(1, len(pods)),
            "updatedNumberScheduled": sum(labels_of(pod).get(REVISION) == revision for pod in pods),
            "numberReady": ready,
            "numberAvailable": ready,
            "numberMisscheduled": 0,
        },
    )
