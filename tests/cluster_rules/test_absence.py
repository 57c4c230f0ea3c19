import pytest

from pytilt.cluster.absence import without_pods
from pytilt.model.status import RuntimeStatus
from tests.cluster_rules.shop import plain


def workload(kind, api_version="apps/v1", **spec):
    containers = [{"name": "a", "image": "x"}]
    return {
        **plain(kind, "db", api_version=api_version),
        "spec": {"template": {"spec": {"containers": containers}}, **spec},
    }


NONE = workload("Deployment", replicas=0)


@pytest.mark.parametrize(
    ("declared", "status"),
    [
        ([NONE], "ok"),
        ([NONE, plain("Service", "db")], "ok"),
        ([workload("StatefulSet", replicas=0), NONE], "ok"),
        ([workload("Rollout", "argoproj.io/v1alpha1", replicas=0)], "pending"),
        ([NONE, workload("Deployment")], "pending"),
        ([workload("DaemonSet")], "pending"),
        ([plain("Service", "db")], "pending"),
        ([], "pending"),
    ],
)
def test_what_is_scaled_to_no_pods_is_fine_without_any(declared, status):
    assert without_pods(declared, older=False).status is RuntimeStatus(status)


@pytest.mark.parametrize(
    ("declared", "older", "reason"),
    [
        (workload("Deployment"), True, "no pod yet"),
        (workload("Deployment", paused=True), False, "Deployment db is paused"),
        (workload("DaemonSet", updateStrategy={"type": "OnDelete"}), False, "no pod yet"),
        (
            workload("DaemonSet", updateStrategy={"type": "OnDelete"}),
            True,
            "DaemonSet db replaces its pods when somebody deletes them (updateStrategy OnDelete)",
        ),
        (
            workload("StatefulSet", replicas=2, updateStrategy={"rollingUpdate": {"partition": 2}}),
            True,
            "StatefulSet db keeps its pods (updateStrategy.rollingUpdate.partition 2)",
        ),
        (workload("StatefulSet", replicas=2, updateStrategy={"rollingUpdate": {"partition": 1}}), True, "no pod yet"),
        (workload("ReplicaSet"), True, "ReplicaSet db keeps the pods that it has, which are of an earlier template"),
    ],
)
def test_it_is_said_why_no_pods_come(declared, older, reason):
    assert without_pods([declared], older=older).reason == reason
