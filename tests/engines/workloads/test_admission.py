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


BAD_NAMES = ["victim?x", "a/b", "..", "café", "my app", "a\nb", 7]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("field", ["name", "namespace"])
def test_names_are_those_that_an_api_server_takes(name, field):
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ok", field: name}}
    with pytest.raises(ApplyError, match=rf"metadata\.{field}: Invalid value"):
        admitted(wanted, "default")


def test_the_name_of_a_role_may_hold_anything_that_fits_into_a_path():
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "bug:a#b?c d"}}
    assert admitted(role, "default")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"containers": [CONTAINER | {"name": "a/b"}]}, r"spec.containers\[0\].name: Invalid value: \"a/b\""),
        ({"initContainers": [CONTAINER | {"name": ""}]}, r"spec.initContainers\[0\].name: Required value"),
        ({"volumes": [{"name": "../../etc", "emptyDir": {}}]}, r"spec.volumes\[0\].name: Invalid value"),
        (
            {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "a/b"}}]},
            "persistentVolumeClaim.claimName: Invalid value",
        ),
        ({"containers": [CONTAINER | {"image": 7}]}, r"spec.containers\[0\].image: Invalid value: 7"),
    ],
)
def test_names_within_a_pod_are_looked_at_too(spec, problem):
    with pytest.raises(ApplyError, match=problem):
        admitted(deployment(spec), "default")


def test_labels_of_pods_and_those_that_select_them_are_looked_at():
    wanted = deployment(selector={"matchLabels": {"app": "a b"}})
    wanted["spec"]["template"]["metadata"]["labels"] = {"app": "a b"}
    with pytest.raises(ApplyError) as caught:
        admitted(wanted, "default")
    assert 'spec.template.labels: Invalid value: "a b"' in caught.value.message
    assert 'spec.selector.matchLabels: Invalid value: "a b"' in caught.value.message


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_keys_become_names_of_files_and_nothing_else(kind):
    wanted = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "data": {"../../etc/passwd": "eA=="}}
    with pytest.raises(ApplyError, match="must not start with"):
        admitted(wanted, "default")


def test_a_secret_that_is_no_base64_is_refused_without_its_value():
    wanted = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"key": "hunter2!"}}
    with pytest.raises(ApplyError) as caught:
        admitted(wanted, "default")
    assert caught.value.message == "Secret/a: data[key]: it is no base64"
