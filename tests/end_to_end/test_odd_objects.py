"""Objects of a cluster that are no such objects: whatever stands at whatever place, reading them raises nothing."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from pytilt.cluster import endpoints, finalizers, ownership, pods
from pytilt.kubernetes import adopting, registries
from pytilt.kubernetes.discovery import PODS as PLACE
from pytilt.kubernetes.discovery import Discovery, is_established, plain

ODD: tuple[Any, ...] = (
    None,
    True,
    7,
    -1,
    1.5,
    "",
    "²",
    "x" * 5000,
    "9" * 5000,
    [],
    [1],
    ["x"],
    {},
    {"a": 1},
    [{}],
    [None],
    [[1]],
)

METADATA: dict[str, Any] = {
    "name": "web",
    "namespace": "shop",
    "uid": "1",
    "creationTimestamp": "2026-11-29T10:00:00Z",
    "deletionTimestamp": "2026-11-29T10:00:00Z",
    "labels": {"app.kubernetes.io/managed-by": "tilt"},
    "annotations": {"deployment.kubernetes.io/revision": "3", "kind.x-k8s.io/registry": "localhost:5001"},
    "finalizers": ["shop.dev/keep"],
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "2", "controller": True}],
    "managedFields": [
        {"manager": "tilt", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:spec": {"f:a": {}}}},
        {
            "manager": "Go-http-client",
            "operation": "Update",
            "apiVersion": "v1",
            "fieldsV1": {
                "f:metadata": {
                    "f:labels": {"f:app.kubernetes.io/managed-by": {}},
                    "f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}, "f:x": {}},
                },
                "f:spec": {"f:a": {"f:b": {}}},
            },
        },
    ],
}
CRASHED = {"exitCode": 3, "reason": "Error", "message": "no", "startedAt": "2026-11-29T10:00:00Z", "signal": 9}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": METADATA,
    "spec": {
        "restartPolicy": "Always",
        "initContainers": [{"name": "first", "restartPolicy": "Always"}],
        "containers": [{"name": "web", "image": "web", "ports": [{"containerPort": 80}]}],
    },
    "status": {
        "phase": "Running",
        "reason": "x",
        "message": "y",
        "podIP": "10.0.0.1",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}],
        "initContainerStatuses": [{"name": "first", "started": True, "state": {"waiting": {"reason": "Error"}}}],
        "containerStatuses": [
            {
                "name": "web",
                "containerID": "docker://1",
                "ready": True,
                "restartCount": 2,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                "lastState": {"terminated": CRASHED},
            },
            {"name": "other", "state": {"terminated": CRASHED}},
        ],
    },
}
JOB = {**POD, "kind": "Job", "status": {"conditions": [{"type": "Failed", "status": "True", "message": "late"}]}}
SERVICE = {
    "kind": "Service",
    "metadata": METADATA,
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]},
    "status": {"loadBalancer": {"ingress": [{"hostname": "x", "ip": "1.2.3.4"}]}},
}
EVENT = {
    "metadata": METADATA,
    "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": "shop", "uid": "1"},
    "series": {"count": 3, "lastObservedTime": "2026-11-29T10:00:00Z"},
    "type": "Warning",
    "reason": "BackOff",
    "message": "no",
    "count": 2,
}
DEFINITION = {
    "metadata": METADATA,
    "spec": {
        "group": "shop.dev",
        "scope": "Namespaced",
        "names": {"kind": "Cart", "plural": "carts"},
        "versions": [{"name": "v1", "served": True}],
    },
    "status": {"conditions": [{"type": "Established", "status": "True"}]},
}
HOSTING = {"metadata": METADATA, "data": {"localRegistryHosting.v1": "host: localhost:5001"}}


def _learn(definition: dict[str, Any]) -> None:
    Discovery(None).learn(definition)  # type: ignore[arg-type]  # learning asks nobody
    is_established(definition)


READERS: tuple[tuple[dict[str, Any], Callable[[Any], object]], ...] = (
    (POD, pods.pod),
    (POD, ownership.intermediate),
    (POD, lambda o: plain(o, PLACE)),
    (JOB, pods.job),
    (SERVICE, lambda o: endpoints.service_url(o, node="::1")),
    (EVENT, pods.event),
    (DEFINITION, _learn),
    (DEFINITION, finalizers.held_by),
    (HOSTING, registries.announced),
    (SERVICE, registries.microk8s),
    (POD, lambda o: adopting.adopted(o, "tilt")),
    (POD, lambda o: adopting.last_applied(o, {"metadata": {}})),
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in found:
        yield from _paths(below, (*path, key))


def _changed(sample: dict[str, Any], path: tuple[Any, ...], odd: object) -> dict[str, Any]:
    changed: Any = deepcopy(sample)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = odd
    return changed  # type: ignore[no-any-return]  # it is a copy of the sample


@pytest.mark.parametrize("number", range(len(READERS)))
def test_whatever_stands_anywhere_in_an_object_it_can_be_read(number: int):
    sample, read = READERS[number]
    wrong = []
    for path in _paths(sample):
        for odd in ODD:
            try:
                read(_changed(sample, path, odd))
            except Exception as error:  # noqa: BLE001 - all of them are collected
                wrong.append(f"{'.'.join(map(str, path))} = {str(odd)[:10]!r}: {type(error).__name__} {error}"[:150])
    assert wrong == []
