import pytest

from pytilt.kubernetes.registries import ANNOUNCED, annotated, announced, find, microk8s
from pytilt.model.images import Registry
from tests.kubernetes.api_server import Reply, status


def config_map(text: str) -> dict[str, object]:
    return {"data": {"localRegistryHosting.v1": text}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('host: "localhost:5001"', Registry(host="localhost:5001")),
        (
            'host: "localhost:5001"\nhostFromContainerRuntime: "registry:5000"',
            Registry(host="localhost:5001", host_from_cluster="registry:5000"),
        ),
        ("help: https://example.com", None),
        ("just text", None),
        ("a: [", None),
        ("", None),
    ],
)
def test_the_announced_registry_is_read(text, expected):
    assert announced(config_map(text)) == expected


def test_the_add_on_of_microk8s_is_a_registry_at_its_node_port():
    assert microk8s({"spec": {"ports": [{"port": 5000, "nodePort": 32000}]}}) == Registry(host="localhost:32000")
    assert microk8s({"spec": {"ports": []}}) is None


def test_annotations_of_nodes_name_registries():
    tilt = {"tilt.dev/registry": "localhost:1", "tilt.dev/registry-from-cluster": "registry:2"}
    assert annotated(tilt | {"kind.x-k8s.io/registry": "x"}) == Registry(
        host="localhost:1", host_from_cluster="registry:2"
    )
    assert annotated({"kind.x-k8s.io/registry": "localhost:3"}) == Registry(host="localhost:3")
    assert annotated({}) is None


async def test_the_first_source_wins_and_what_may_not_be_read_is_passed_over(server, api):
    node = {"metadata": {"annotations": {"kind.x-k8s.io/registry": "localhost:3"}}}
    server.on("GET", ANNOUNCED, Reply(body=config_map("host: localhost:5001")), status(403, "Forbidden"))
    assert await find(api, node) == Registry(host="localhost:5001")
    assert await find(api, node) == Registry(host="localhost:3")
    assert await find(api, {}) is None
