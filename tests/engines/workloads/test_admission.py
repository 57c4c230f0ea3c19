import pytest

from pytilt.engines.workloads.admission import admitted, must_be_replaced
from pytilt.errors import ApplyError

CONTAINER = {"name": "c", "image": "x"}


def deployment(spec=None, **more):
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER], **(spec or {})}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **more},
    }


def test_an_object_gets_the_default_namespace():
    assert admitted(deployment(), "mine")["metadata"]["namespace"] == "mine"


def test_an_object_of_the_whole_cluster_gets_none():
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    assert "namespace" not in admitted(role, "mine")["metadata"]


@pytest.mark.parametrize(
    ("spec", "more", "message"),
    [
        ({"containers": []}, {}, "it has no containers"),
        ({"containers": [{"name": "c"}]}, {}, "the container `c` has no image"),
        ({"containers": [CONTAINER, CONTAINER]}, {}, "its containers need names of their own"),
        ({"restartPolicy": "Never"}, {}, "`restartPolicy` of a Deployment must be `Always`"),
        ({}, {"selector": {"matchLabels": {"app": "other"}}}, "`selector` does not match the labels of `template`"),
        ({"volumes": [{"name": "v", "csi": {}}]}, {}, "the volume `v` of `Pod/web` needs a Kubernetes cluster"),
        ({"containers": [CONTAINER | {"volumeDevices": [{}]}]}, {}, "`Deployment/web` needs a Kubernetes cluster"),
    ],
)
def test_what_cannot_run_is_refused_at_once(spec, more, message):
    with pytest.raises(ApplyError, match=message):
        admitted(deployment(spec, **more), "default")


@pytest.mark.parametrize("selector", [{}, {"app": "web"}])
def test_a_replication_controller_has_a_plain_selector_or_the_labels_of_its_pods(selector):
    wanted = deployment() | {"apiVersion": "v1", "kind": "ReplicationController"}
    wanted["spec"]["selector"] = selector
    assert admitted(wanted, "default")["spec"]["selector"] == selector


def test_a_replication_controller_selects_its_own_pods():
    wanted = deployment() | {"apiVersion": "v1", "kind": "ReplicationController"}
    wanted["spec"]["selector"] = {"app": "other"}
    with pytest.raises(ApplyError, match="`selector` does not match"):
        admitted(wanted, "default")


def test_a_job_ends():
    wanted = deployment() | {"apiVersion": "batch/v1", "kind": "Job"}
    with pytest.raises(ApplyError, match="must be `OnFailure` or `Never`"):
        admitted(wanted, "default")


@pytest.mark.parametrize(
    ("kind", "before", "after", "replaced"),
    [
        ("Job", {"template": 1, "parallelism": 1}, {"template": 1, "parallelism": 2}, False),
        ("Job", {"template": 1}, {"template": 2}, True),
        ("Pod", {"containers": 1}, {"containers": 2}, True),
        ("Pod", {"containers": 1}, {"containers": 1}, False),
        ("Deployment", {"template": 1}, {"template": 2}, False),
    ],
)
def test_what_cannot_be_changed_is_replaced(kind, before, after, replaced):
    assert must_be_replaced({"kind": kind, "spec": before}, {"kind": kind, "spec": after}) is replaced
