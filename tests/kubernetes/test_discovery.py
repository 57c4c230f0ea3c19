import pytest

from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.discovery import ApiResource, Discovery, is_established
from tests.kubernetes.api_server import ApiServer, Reply, status

APPS = Reply(
    body={
        "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": True},
            {"name": "deployments/scale", "kind": "Scale", "namespaced": True},
        ]
    }
)
DEFINITION = {
    "spec": {
        "group": "shop.dev",
        "scope": "Cluster",
        "names": {"kind": "Cart", "plural": "carts"},
        "versions": [{"name": "v1", "served": True}, {"name": "v0", "served": False}],
    }
}


@pytest.mark.parametrize(
    ("api_version", "namespaced", "namespace", "name", "expected"),
    [
        ("v1", True, "shop", "a", "/api/v1/namespaces/shop/things/a"),
        ("v1", True, "", "", "/api/v1/things"),
        ("apps/v1", True, "shop", "", "/apis/apps/v1/namespaces/shop/things"),
        ("apps/v1", False, "shop", "a", "/apis/apps/v1/things/a"),
    ],
)
def test_every_object_has_a_path(api_version, namespaced, namespace, name, expected):
    resource = ApiResource(api_version=api_version, kind="Thing", plural="things", namespaced=namespaced)
    assert resource.path(namespace, name) == expected


async def test_the_kinds_of_a_group_are_asked_for_once(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/apis/apps/v1", APPS)
    discovery = Discovery(api)
    for _ in range(2):
        found = await discovery.find("apps/v1", "Deployment")
        assert found == ApiResource(api_version="apps/v1", kind="Deployment", plural="deployments", namespaced=True)
    assert len(server.asked) == 1
    assert await discovery.find("apps/v1", "Scale") is None


async def test_a_kind_that_is_not_there_is_asked_for_again(server: ApiServer, api: KubernetesApi):
    discovery = Discovery(api)
    assert await discovery.find("apps/v1", "Deployment") is None
    server.on("GET", "/apis/apps/v1", APPS)
    assert await discovery.find("apps/v1", "Deployment")


async def test_a_definition_adds_its_kind_before_the_server_does(api: KubernetesApi):
    discovery = Discovery(api)
    discovery.learn(DEFINITION)
    found = await discovery.find("shop.dev/v1", "Cart")
    assert found == ApiResource(api_version="shop.dev/v1", kind="Cart", plural="carts", namespaced=False)
    discovery.forget(found)
    assert await discovery.find("shop.dev/v1", "Cart") == found
    assert await discovery.find("shop.dev/v0", "Cart") is None


async def test_a_group_whose_server_is_down_is_an_error(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/apis/metrics.k8s.io/v1", status(503, "ServiceUnavailable", "down"))
    with pytest.raises(ClusterUnreachableError, match=r"list the kinds of `metrics.k8s.io/v1`: down"):
        await Discovery(api).find("metrics.k8s.io/v1", "PodMetrics")


def test_a_definition_is_established_by_its_condition():
    conditions = [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}]
    assert is_established({"status": {"conditions": conditions}})
    assert not is_established({"status": {"conditions": conditions[:1]}})
    assert not is_established({})


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("bug:a#b?c d", "bug%3Aa%23b%3Fc%20d"),
        ("a/b", "a%2Fb"),
        ("%2e%2e", "%252e%252e"),
        ("café", "caf%C3%A9"),
        ("a\r\nb", "a%0D%0Ab"),
        ("\udcff", "%FF"),
    ],
)
def test_nothing_in_a_name_has_a_meaning_in_a_path(name: str, segment: str):
    roles = ApiResource(api_version="rbac.authorization.k8s.io/v1", kind="Role", plural="roles", namespaced=True)
    root = "/apis/rbac.authorization.k8s.io/v1/namespaces"
    assert roles.path("default", name) == f"{root}/default/roles/{segment}"
    assert roles.path(name, "x") == f"{root}/{segment}/roles/x"


async def test_what_is_no_kind_among_the_kinds_is_left_out(server: ApiServer, api: KubernetesApi):
    odd = [1, None, "x", {}, {"name": 5, "kind": "A"}, {"name": "as", "kind": ["A"]}]
    right = {"name": "deployments", "kind": "Deployment", "namespaced": True}
    server.on("GET", "/apis/apps/v1", Reply(body={"resources": [*odd, right]}))
    found = await Discovery(api).find("apps/v1", "Deployment")
    assert found is not None
    assert found.plural == "deployments"


@pytest.mark.parametrize("body", [b"<html>", [], {}, {"resources": "x"}])
async def test_an_answer_that_names_no_kinds_does_not_mean_that_there_are_none(
    server: ApiServer, api: KubernetesApi, body: object
):
    server.on("GET", "/apis/apps/v1", Reply(body=body))
    with pytest.raises(ClusterUnreachableError, match="is no Kubernetes API"):
        await Discovery(api).find("apps/v1", "Deployment")
