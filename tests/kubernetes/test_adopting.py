import json
from typing import Any

import pytest

from pytilt.kubernetes.adopting import LAST_APPLIED, adopted, last_applied
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.cluster import KubernetesCluster
from tests.conftest import Kubectl

Fields = dict[str, Any]
MANAGED = {"app.kubernetes.io/managed-by": "tilt"}
LABELLED: Fields = {"f:metadata": {"f:labels": {"f:app.kubernetes.io/managed-by": {}}}}
REMEMBERED: Fields = {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}}
DATA: Fields = {"f:data": {"f:a": {}, "f:b": {}}}


def entry(manager: str, operation: str, fields: Fields, **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def with_fields(*entries: dict[str, Any], managed_by: str = "tilt") -> dict[str, Any]:
    return {"metadata": {"managedFields": list(entries), "labels": {"app.kubernetes.io/managed-by": managed_by}}}


OURS = entry("tilt", "Apply", {"f:data": {"f:a": {}}})


def test_what_a_client_applied_becomes_ours():
    client = entry("kubectl-client-side-apply", "Update", {**DATA, "f:metadata": {}})
    other = entry("kube-controller-manager", "Update", {"f:status": {}})
    assert adopted(with_fields(client, OURS, other), "tilt") == [
        {**OURS, "fieldsV1": {**DATA, "f:metadata": {}}},
        other,
    ]


@pytest.mark.parametrize("manager", ["Go-http-client", "tilt"])
@pytest.mark.parametrize("sign", [LABELLED, {"f:metadata": LABELLED["f:metadata"] | REMEMBERED["f:metadata"]}])
def test_what_tilt_applied_becomes_ours(manager: str, sign: Fields):
    found = adopted(with_fields(OURS, entry(manager, "Update", {**DATA, **sign})), "tilt")
    assert found is not None
    assert found[0]["fieldsV1"] == {**DATA, **LABELLED}


def test_what_was_created_under_our_name_is_ours_without_a_label():
    found = adopted(with_fields(OURS, entry("tilt", "Update", DATA)), "tilt")
    assert found == [{**OURS, "fieldsV1": DATA}]


def test_what_a_program_without_a_name_wrote_is_not_taken_for_tilts():
    assert adopted(with_fields(OURS, entry("Go-http-client", "Update", DATA)), "tilt") is None
    theirs = entry("Go-http-client", "Update", {**DATA, **LABELLED})
    assert adopted(with_fields(OURS, theirs, managed_by="helm"), "tilt") is None


def test_the_annotation_with_what_was_applied_stays_the_clients():
    metadata: Fields = {"f:annotations": {".": {}, f"f:{LAST_APPLIED}": {}}}
    client = entry("kubectl-client-side-apply", "Update", {**DATA, "f:metadata": metadata})
    found = adopted(with_fields(client, OURS), "tilt")
    assert found == [{**OURS, "fieldsV1": DATA}, {**client, "fieldsV1": REMEMBERED}]
    assert adopted(with_fields(*found), "tilt") is None


def test_what_others_wrote_and_statuses_stay_theirs():
    assert adopted(with_fields(OURS, entry("kubectl-edit", "Update", {})), "tilt") is None
    assert adopted(with_fields(OURS, entry("tilt", "Update", LABELLED, subresource="status")), "tilt") is None
    assert adopted(with_fields(entry("tilt", "Update", LABELLED)), "tilt") is None
    assert adopted({}, "tilt") is None


def test_a_client_is_reported_what_was_applied_where_it_keeps_that():
    wanted = {"kind": "ConfigMap", "data": {"b": "1", "a": "ü"}}
    assert last_applied({"metadata": {}}, wanted) is None
    recorded = last_applied({"metadata": {"annotations": {LAST_APPLIED: "{}"}}}, wanted)
    assert recorded == '{"data":{"a":"ü","b":"1"},"kind":"ConfigMap"}\n'
    assert last_applied({"metadata": {"annotations": {LAST_APPLIED: recorded}}}, wanted) is None


def test_what_is_too_large_for_an_annotation_is_not_reported():
    wanted = {"data": {"a": "x" * 300_000}}
    assert last_applied({"metadata": {"annotations": {LAST_APPLIED: "{}"}}}, wanted) is None


def project(*words: str) -> list[dict[str, Any]]:
    """A few objects with one thing for each word in every place where things come and go."""
    numbers = {"a": 8001, "b": 8002, "c": 8003}
    container = {
        "name": "main",
        "image": "busybox",
        "env": [{"name": word, "value": "1"} for word in words],
        "ports": [{"containerPort": numbers[word]} for word in words],
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    metadata = {"labels": {**MANAGED, **dict.fromkeys(words, "yes")}, "annotations": dict.fromkeys(words, "yes")}
    ports = [{"name": word, "port": numbers[word]} for word in words]
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "web", **metadata},
            "data": dict.fromkeys(words, ""),
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", **metadata},
            "spec": {"selector": {"app": "web"}, "ports": ports},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", **metadata},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        },
    ]


class Cluster:
    """A cluster to which Tilt and we deploy one project.

    Tilt applies as `kubectl apply` does, by a library that gives no name, for which the server puts `Go-http-client`.
    """

    def __init__(self, kubectl: Kubectl, api: KubernetesApi, namespace: str) -> None:
        self._kubectl = kubectl
        self._ours = KubernetesCluster(api)
        self._namespace = namespace

    def tilt(self, *words: str) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": project(*words)})
        self._kubectl("apply", "--field-manager=Go-http-client", "-n", self._namespace, "-f", "-", stdin=text)

    async def ours(self, *words: str) -> None:
        for each in project(*words):
            await self._ours.apply(each, timeout=30)

    def words(self) -> set[str]:
        """What is there, the same in every place."""
        listed = self._kubectl(
            "get", "configmap/web", "service/web", "deployment/web", "-n", self._namespace, "-o", "json"
        )
        config, service, deployment = json.loads(listed)["items"]
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        kept = "kubectl.kubernetes.io/last-applied-configuration"
        found = {
            frozenset(config["data"]),
            frozenset(port["name"] for port in service["spec"]["ports"]),
            frozenset(each["name"] for each in container.get("env", ())),
            frozenset("abc"[port["containerPort"] - 8001] for port in container.get("ports", ())),
            *(frozenset(o["metadata"]["labels"].keys() - MANAGED) for o in (config, service, deployment)),
            *(
                frozenset(o["metadata"]["annotations"].keys() - {kept, "deployment.kubernetes.io/revision"})
                for o in (config, service, deployment)
            ),
        }
        assert len(found) == 1, found
        return set(found.pop())


@pytest.fixture
def cluster(kubectl: Kubectl, real_api: KubernetesApi, namespace: str) -> Cluster:
    return Cluster(kubectl, real_api, namespace)


async def test_what_tilt_applied_goes_when_it_is_not_wanted_any_more(cluster: Cluster):
    cluster.tilt("a", "b")
    await cluster.ours("a")
    assert cluster.words() == {"a"}


async def test_one_can_go_back_to_tilt(cluster: Cluster):
    cluster.tilt("a")
    await cluster.ours("a", "b")
    await cluster.ours("a", "b", "c")
    cluster.tilt("a", "b")
    assert cluster.words() == {"a", "b"}


async def test_one_can_come_again(cluster: Cluster):
    cluster.tilt("a")
    await cluster.ours("a", "b")
    cluster.tilt("a", "b", "c")
    assert cluster.words() == {"a", "b", "c"}
    await cluster.ours("a")
    assert cluster.words() == {"a"}


async def test_what_another_program_without_a_name_wrote_stays(cluster: Cluster, kubectl: Kubectl, namespace: str):
    await cluster.ours("a")
    named = ("--field-manager=Go-http-client", "-n", namespace)
    kubectl("annotate", *named, "configmap/web", "service/web", "deployment/web", "b=yes")
    await cluster.ours("a")
    found = json.loads(kubectl("get", "configmap/web", "-n", namespace, "-o", "json"))
    assert found["metadata"]["annotations"] == {"a": "yes", "b": "yes"}
