import pytest

from pytilt.cluster.endpoints import endpoints, service_url
from pytilt.model.names import ResourceName
from pytilt.model.resources import KubernetesDeploy, Link, LocalDeploy, PortForwardSpec, ResourceSpec

LINK = Link(url="http://docs", name="docs")


def balanced(address, port=80):
    return {
        "spec": {"type": "LoadBalancer", "ports": [{"port": port, "nodePort": 30000}]},
        "status": {"loadBalancer": {"ingress": [address]}},
    }


def resource(*forwards):
    deploy = KubernetesDeploy(objects=(), port_forwards=forwards)
    return ResourceSpec(name=ResourceName("web"), deploy=deploy, links=(LINK,))


def test_links_come_first_then_forwards_which_hide_load_balancers():
    found = endpoints(
        resource(PortForwardSpec(local_port=8000), PortForwardSpec(local_port=9000, name="x", path="/y", host="::1")),
        [balanced({"ip": "10.0.0.1"})],
        host="localhost",
    )
    assert found == (LINK, Link(url="http://localhost:8000/"), Link(url="http://[::1]:9000/y", name="x"))


def test_without_forwards_load_balancers_are_shown_in_order_of_their_address():
    services = [balanced({"hostname": "b.example.com"}), balanced({"ip": "10.0.0.1"}, port=8080), {"spec": {}}]
    urls = [link.url for link in endpoints(resource(), services, host="localhost")]
    assert urls == ["http://docs", "http://10.0.0.1:8080/", "http://b.example.com:80/"]


def test_a_local_resource_has_its_links_only():
    local = ResourceSpec(name=ResourceName("x"), deploy=LocalDeploy(), links=(LINK,))
    assert endpoints(local, host="localhost") == (LINK,)


@pytest.mark.parametrize(
    ("service", "node", "url"),
    [
        (balanced({}), "", ""),
        (balanced({}), "192.0.2.1", "http://192.0.2.1:30000/"),
        ({"spec": {"ports": [{"port": 80}]}}, "192.0.2.1", ""),
        (balanced({"ip": "2001:db8::1"}), "", "http://[2001:db8::1]:80/"),
    ],
)
def test_an_address_is_found_where_there_is_one(service, node, url):
    assert service_url(service, node=node) == url
