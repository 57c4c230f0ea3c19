import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pytilt.cluster.seam import ChangeType, Cluster, ContainerRef, ObjectRef
from pytilt.errors import ApplyError
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.cluster import KubernetesCluster
from pytilt.kubernetes.logs import follow
from pytilt.model.images import Registry
from pytilt.settings import Settings
from tests.kubernetes.api_server import ApiServer, Reply, status

CLUSTER = str(Path(__file__).parents[1] / "cluster" / "cluster")

POD: dict[str, Any] = {
    "terminationGracePeriodSeconds": 0,
    "containers": [{"name": "main", "image": "busybox", "command": ["sleep", "1000"]}],
}
LABELS = {"app": "web"}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": POD},
    },
}
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "carts.applying.pytilt.dev"},
    "spec": {
        "group": "applying.pytilt.dev",
        "scope": "Namespaced",
        "names": {"kind": "Cart", "plural": "carts"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                },
            }
        ],
    },
}


@pytest.fixture
def cluster(real_api: KubernetesApi) -> KubernetesCluster:
    return KubernetesCluster(real_api)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def job(word: str) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox", "command": ["echo", word]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"template": template}}


def ref(api_version: str, kind: str, name: str) -> ObjectRef:
    return ObjectRef(api_version=api_version, kind=kind, name=name)


async def test_a_cluster_says_what_it_is(cluster: KubernetesCluster, namespace: str):
    seam: Cluster = cluster
    info = await seam.info()
    assert (info.context, info.namespace, info.product) == ("kind-pytilt", namespace, "kind")
    assert info.version.startswith("v1.")
    assert info.arch in {"amd64", "arm64"}
    assert info.registry == Registry(host="localhost:5001")
    assert not info.shares_engine


async def test_where_nodes_may_not_be_read_the_server_gives_the_architecture(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/version", Reply(body={"gitVersion": "v1.34.0", "platform": "linux/arm64"}))
    server.on("GET", "/api/v1/nodes", status(403, "Forbidden"))
    info = await KubernetesCluster(api).info()
    assert (info.version, info.arch, info.registry) == ("v1.34.0", "arm64", None)
    assert info.clock_ahead_seconds is None


async def test_how_far_its_clock_is_ahead_is_found_out_once(api: KubernetesApi, server: ApiServer):
    date = ("Date: Tue, 24 Nov 2026 16:51:36 GMT",)
    server.on("GET", "/version", Reply(body={"gitVersion": "v1.34.0"}, headers=date))
    times = iter([1795539000.4, 1795539001.4])
    cluster = KubernetesCluster(api, clock=lambda: next(times))
    first = await cluster.info()
    assert first.clock_ahead_seconds == 96
    assert await cluster.info() == first


async def test_many_objects_are_read_by_listing_them(cluster: KubernetesCluster, namespace: str):
    names = [f"c{number}" for number in range(6)]
    for name in names:
        await cluster.apply(config_map(name, a=name), timeout=30)
    refs = [ref("v1", "ConfigMap", name) for name in (*names, "none")]
    found = await asyncio.gather(*(cluster.get(replace(each, namespace=namespace)) for each in refs))
    assert [each and (each["kind"], each["data"]) for each in found] == [
        *(("ConfigMap", {"a": name}) for name in names),
        None,
    ]
    assert found[-2] == await cluster.get(refs[-2])


async def test_where_objects_may_not_be_listed_each_is_read(server: ApiServer, api: KubernetesApi):
    kinds = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}
    server.on("GET", "/api/v1", Reply(body=kinds))
    server.on("GET", "/api/v1/namespaces/n/configmaps", status(403, "Forbidden"))
    for name in "abcd":
        server.on("GET", f"/api/v1/namespaces/n/configmaps/{name}", Reply(body=config_map(name)))
    cluster = KubernetesCluster(api)
    refs = [ObjectRef(api_version="v1", kind="ConfigMap", name=name, namespace="n") for name in "abcd"]
    found = await asyncio.gather(*map(cluster.get, refs))
    assert [each and each["metadata"]["name"] for each in found] == ["a", "b", "c", "d"]


async def test_objects_are_made_changed_read_and_deleted(cluster: KubernetesCluster, namespace: str):
    first = await cluster.apply(config_map("colors", a="red", b="green"), timeout=30)
    second = await cluster.apply(config_map("colors", a="blue"), timeout=30)
    assert second["data"] == {"a": "blue"}
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert second["metadata"]["namespace"] == namespace
    assert await cluster.get(ref("v1", "ConfigMap", "colors")) == second
    assert await cluster.delete(ref("v1", "ConfigMap", "colors"), wait=True)
    assert await cluster.get(ref("v1", "ConfigMap", "colors")) is None
    assert not await cluster.delete(ref("v1", "ConfigMap", "colors"))


async def test_what_kubectl_applied_and_is_not_wanted_goes(cluster: KubernetesCluster, kubectl, namespace: str):
    kubectl("apply", "-n", namespace, "-f", "-", stdin=str(config_map("colors", a="red", b="green")))
    assert (await cluster.apply(config_map("colors", a="red"), timeout=30))["data"] == {"a": "red"}


async def test_a_changed_job_is_made_anew(cluster: KubernetesCluster):
    first = await cluster.apply(job("one"), timeout=30)
    assert (await cluster.apply(job("one"), timeout=30))["metadata"]["uid"] == first["metadata"]["uid"]
    second = await cluster.apply(job("two"), timeout=30)
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert second["spec"]["template"]["spec"]["containers"][0]["command"] == ["echo", "two"]


async def test_a_pod_that_is_being_deleted_is_waited_for(cluster: KubernetesCluster):
    spec = POD | {"terminationGracePeriodSeconds": 1}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    first = await cluster.apply(pod, timeout=30)
    await cluster.delete(ref("v1", "Pod", "web"))
    assert (await cluster.apply(pod, timeout=30))["metadata"]["uid"] != first["metadata"]["uid"]


async def test_yaml_that_create_accepts_is_accepted(cluster: KubernetesCluster):
    container = POD["containers"][0] | {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], "oops": 1}
    spec = {
        **DEPLOYMENT["spec"],
        "template": {"metadata": {"labels": LABELS}, "spec": {**POD, "containers": [container]}},
    }
    for _ in range(2):
        made = await cluster.apply({**DEPLOYMENT, "spec": spec}, timeout=30)
        assert [item["value"] for item in made["spec"]["template"]["spec"]["containers"][0]["env"]] == ["1", "2"]
    fixed = await cluster.apply(DEPLOYMENT, timeout=30)
    assert "env" not in fixed["spec"]["template"]["spec"]["containers"][0]


async def test_an_object_of_a_kind_that_was_just_defined_is_applied(cluster: KubernetesCluster):
    cart = {"apiVersion": "applying.pytilt.dev/v1", "kind": "Cart", "metadata": {"name": "mine"}, "spec": {"a": 1}}
    try:
        await cluster.apply(DEFINITION, timeout=30)
        assert (await cluster.apply(cart, timeout=30))["spec"] == {"a": 1}
    finally:
        await cluster.delete(ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", "carts.applying.pytilt.dev"))


async def test_a_refused_object_is_named_with_every_field_that_is_wrong(cluster: KubernetesCluster):
    spec = {**DEPLOYMENT["spec"], "replicas": -1, "selector": {"matchLabels": {"app": "other"}}}
    with pytest.raises(ApplyError) as raised:
        await cluster.apply({**DEPLOYMENT, "spec": spec}, timeout=30)
    assert raised.value.message.startswith("Deployment/web: several fields are not valid:\n  spec.replicas: Invalid")
    with pytest.raises(ApplyError, match='ConfigMap/a: namespaces "nowhere" not found'):
        await cluster.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "nowhere"}}, timeout=30
        )
    with pytest.raises(ApplyError, match=r"no kind `Foo` in `nowhere.dev/v1`"):
        await cluster.apply({"apiVersion": "nowhere.dev/v1", "kind": "Foo", "metadata": {"name": "a"}}, timeout=30)


async def test_a_watch_yields_what_is_there_then_what_happens(cluster: KubernetesCluster, namespace: str):
    await cluster.apply(config_map("one"), timeout=30)
    async with aclosing(cluster.watch("v1", "ConfigMap", namespace=namespace)) as changes:
        names = set()
        while (change := await anext(changes)).type is not ChangeType.LISTED:
            names.add(change.object["metadata"]["name"])
        assert "one" in names
        # The cluster puts a ConfigMap of its own into every new namespace, at any moment.
        own = (change async for change in changes if change.object["metadata"]["name"] == "one")
        await cluster.apply(config_map("one", a="1"), timeout=30)
        assert (await anext(own)).object["data"] == {"a": "1"}
        await cluster.delete(ref("v1", "ConfigMap", "one"))
        assert (await anext(own)).type is ChangeType.DELETED


async def test_a_kind_that_is_not_there_cannot_be_watched(cluster: KubernetesCluster):
    with pytest.raises(ApplyError, match=r"no kind `Foo` in `nowhere.dev/v1`"):
        await anext(aiter(cluster.watch("nowhere.dev/v1", "Foo")))


COUNT = "i=0; while true; do echo $i; i=$((i+1)); usleep 20000; done"


@pytest.mark.slow
async def test_a_watch_and_a_log_live_through_a_restart_of_the_server(
    real_api: KubernetesApi, cluster: KubernetesCluster, namespace: str, cluster_settings: Settings
):
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", COUNT]}
    spec = POD | {"containers": [container]}
    await cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "count"}, "spec": spec}, timeout=30)
    counter = ContainerRef(namespace=namespace, pod="count", container="main")
    async with (
        aclosing(cluster.watch("v1", "ConfigMap", namespace=namespace)) as changes,
        aclosing(follow(real_api, counter)) as lines,
    ):
        while (await anext(changes)).type is not ChangeType.LISTED:
            pass
        numbers = [int((await anext(lines))[1])]
        await restart("kube-apiserver", cluster_settings)
        async with asyncio.timeout(50):
            await cluster.apply(config_map("after"), timeout=30)
            while (await anext(changes)).object.get("metadata", {}).get("name") != "after":
                pass
            numbers += [int((await anext(lines))[1]) for _ in range(600)]
        assert numbers == list(range(601))


async def restart(component: str, settings: Settings) -> None:
    environ = tuple(settings.environ.items())
    async with HostRunner() as runner:
        request = ProcessRequest(argv=(CLUSTER, "restart", component), dir="/", env=environ)
        assert (await runner.run(request, bytearray().extend)).exit_status == 0
