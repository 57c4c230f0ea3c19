"""A project that goes from Tilt to us and back: what leaves the YAML leaves the cluster, whoever deploys.

Tilt applies as `kubectl apply` does, by a library that gives no name, for which the server puts `Go-http-client`.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.cluster import KubernetesCluster
from tests.conftest import Kubectl

Apply = Callable[..., None]
MANAGED = {"app.kubernetes.io/managed-by": "tilt"}


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
    """The cluster as both deploy to it."""

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
