"""StatefulSets: pods with numbers, names that stay, and volumes of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from pytilt.engines.objects.fields import Json, digest, is_deleting, key_of, labels_of, pod_from_template
from pytilt.engines.workloads.outcome import ReconcileOutcome, finished, ready_since
from pytilt.model.resources import KubeObject

REVISION = "controller-revision-hash"
POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


def decide(stateful_set: KubeObject, pods: Sequence[KubeObject], claims: Sequence[KubeObject]) -> ReconcileOutcome:
    """What a StatefulSet wants next.

    Args:
        stateful_set: it.
        pods: the pods it owns.
        claims: the PersistentVolumeClaims of its namespace.
    """
    spec = stateful_set["spec"]
    first = int((spec.get("ordinals") or {}).get("start") or 0)
    wanted = range(first, first + int(spec.get("replicas", 1)))
    revision = digest(spec["template"])
    by_number = {_number(pod): pod for pod in pods}
    parallel = spec.get("podManagementPolicy") == "Parallel"
    extra = sorted((number for number in by_number if number not in wanted), reverse=True)
    delete = [by_number[number] for number in (extra if parallel else extra[:1])]
    delete += [pod for pod in pods if finished(pod)]
    missing = []
    for number in wanted:
        pod = by_number.get(number)
        if pod is None:
            missing.append(number)
        if not parallel and (pod is None or ready_since(pod) is None):
            break
    if not extra or parallel:
        delete += _stale(stateful_set, by_number, revision, wanted)
    have = {claim["metadata"]["name"] for claim in claims}
    made = [_claim(stateful_set, template, number) for number in missing for template in _claim_templates(stateful_set)]
    ready = [pod for pod in pods if ready_since(pod) is not None]
    updated = [pod for pod in pods if labels_of(pod).get(REVISION) == revision]
    return ReconcileOutcome(
        delete=tuple(dict.fromkeys(key_of(pod) for pod in delete if not is_deleting(pod))),
        create=(
            *(claim for claim in made if claim["metadata"]["name"] not in have),
            *(_pod(stateful_set, number, revision) for number in missing),
        ),
        status={
            "observedGeneration": stateful_set["metadata"].get("generation", 1),
            "replicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready),
            "currentReplicas": len(pods) - len(updated),
            "updatedReplicas": len(updated),
            "updateRevision": f"{stateful_set['metadata']['name']}-{revision}",
        },
    )


def _stale(
    stateful_set: KubeObject, by_number: Mapping[int, KubeObject], revision: str, wanted: range
) -> list[KubeObject]:
    """The next pod of an old template to end: the highest number first, one at a time.

    Those that are not ready go at once, unlike in a cluster, where a broken template has to be mended by hand.
    """
    strategy = stateful_set["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return []
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    old = [n for n in wanted if n >= partition and n in by_number and labels_of(by_number[n]).get(REVISION) != revision]
    broken = [by_number[number] for number in old if ready_since(by_number[number]) is None]
    if broken:
        return broken
    settled = all(number in by_number and ready_since(by_number[number]) is not None for number in wanted)
    return [by_number[max(old)]] if old and settled else []


def _number(pod: KubeObject) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


def _claim_templates(stateful_set: KubeObject) -> Sequence[Mapping[str, Any]]:
    return stateful_set["spec"].get("volumeClaimTemplates") or ()


def _claim_name(stateful_set: KubeObject, template: Mapping[str, Any], number: int) -> str:
    return f"{template['metadata']['name']}-{stateful_set['metadata']['name']}-{number}"


def _claim(stateful_set: KubeObject, template: Mapping[str, Any], number: int) -> Json:
    metadata = stateful_set["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": _claim_name(stateful_set, template, number),
            "namespace": metadata["namespace"],
            "labels": dict((stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}),
        },
        "spec": dict(template.get("spec") or {}),
        "status": {"phase": "Bound"},
    }


def _pod(stateful_set: KubeObject, number: int, revision: str) -> KubeObject:
    name = f"{stateful_set['metadata']['name']}-{number}"
    labels = {REVISION: revision, POD_NAME: name, POD_INDEX: str(number)}
    pod = pod_from_template(stateful_set, stateful_set["spec"]["template"], name, labels)
    spec = pod["spec"]
    spec["hostname"] = name
    if service := stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = service
    claimed = {
        template["metadata"]["name"]: _claim_name(stateful_set, template, number)
        for template in _claim_templates(stateful_set)
    }
    others = [volume for volume in spec.get("volumes") or () if volume["name"] not in claimed]
    own = [{"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, claim in claimed.items()]
    spec["volumes"] = [*others, *own]
    return pod
