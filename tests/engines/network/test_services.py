import pytest

from pytilt.engines.network.services import ServiceAddresses, completed, configuration, published, variables
from pytilt.errors import ApplyError

OWN = ServiceAddresses("198.18.0.0/16")


def service(name="web", **spec):
    rest = {"clusterIP": "198.18.1.0", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    return {"kind": "Service", "metadata": {"name": name, "namespace": "n"}, "spec": rest | spec}


def pod(name, address, *, ready=True, **metadata):
    container = {"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}
    return {
        "metadata": {"name": name, "namespace": "n", "labels": {"app": "web"}, **metadata},
        "spec": {"containers": [container], "hostname": name, "subdomain": "web"},
        "status": {"podIP": address, "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


FIRST = "dns 198.18.0.10:53 cluster.local 127.0.0.11:53\n"
NAME = "web.n.svc.cluster.local"


@pytest.mark.parametrize(
    ("services", "pods", "text"),
    [
        ([], [], ""),
        ([service()], [], f"name {NAME} 198.18.1.0\nlisten tcp 198.18.1.0:80\n"),
        (
            [service()],
            [
                pod("a", "172.18.0.3"),
                pod("b", "172.18.0.4", ready=False),
                pod("c", "172.18.0.5", deletionTimestamp="x"),
            ],
            f"name {NAME} 198.18.1.0\nlisten tcp 198.18.1.0:80 172.18.0.3:8080\nname a.{NAME} 172.18.0.3\n",
        ),
        (
            [service(clusterIP="None", publishNotReadyAddresses=True)],
            [pod("a", "172.18.0.3", ready=False)],
            f"name {NAME} 172.18.0.3\nname a.{NAME} 172.18.0.3\n",
        ),
        ([service(type="ExternalName", externalName="example.com")], [], f"alias {NAME} example.com\n"),
        (
            [service(ports=[{"port": 53, "protocol": "UDP"}])],
            [pod("a", "172.18.0.3")],
            f"name {NAME} 198.18.1.0\nlisten udp 198.18.1.0:53 172.18.0.3:53\nname a.{NAME} 172.18.0.3\n",
        ),
    ],
)
def test_the_configuration_of_the_forwarder(services, pods, text):
    assert configuration(services, pods, [], OWN) == FIRST + text


def test_rules_of_ingresses_come_in_order_of_precedence():
    def path(where, kind="Prefix"):
        return {"path": where, "pathType": kind, "backend": {"service": {"name": "web", "port": {"number": 80}}}}

    ingress = {
        "metadata": {"name": "i", "namespace": "n"},
        "spec": {
            "rules": [
                {"http": {"paths": [path("/"), path("/api"), path("/api", "Exact")]}},
                {"host": "a.test", "http": {"paths": [path("/")]}},
            ]
        },
    }
    text = configuration([service()], [pod("a", "172.18.0.3")], [ingress], OWN)
    target = "172.18.0.3:8080"
    assert text.splitlines()[-4:] == [
        f"route 198.18.0.11:80 a.test / prefix {target}",
        f"route 198.18.0.11:80 * /api exact {target}",
        f"route 198.18.0.11:80 * /api prefix {target}",
        f"route 198.18.0.11:80 * / prefix {target}",
    ]


def test_a_service_keeps_its_address_and_its_node_port():
    given = completed(service(clusterIP=None, type="NodePort"), None, [], "198.18.1.7")
    again = completed(service(clusterIP=None, type="NodePort"), given, [], "198.18.1.9")
    assert again["spec"] == given["spec"]
    assert given["spec"]["clusterIP"] == "198.18.1.7"
    assert given["spec"]["ports"][0]["nodePort"] == 30000


def test_two_services_do_not_get_the_same_node_port():
    first = completed(service(type="NodePort"), None, [], "198.18.1.7")
    second = completed(service("other", type="NodePort"), None, [first], "198.18.1.8")
    assert second["spec"]["ports"][0]["nodePort"] == 30001


def test_addresses_run_out():
    small = ServiceAddresses("192.168.7.0/29")
    assert small.free([]) == "192.168.7.3"
    with pytest.raises(ApplyError, match="no addresses left"):
        small.free([f"192.168.7.{number}" for number in range(8)])


@pytest.mark.parametrize(
    ("kind", "local"), [("ClusterIP", []), ("NodePort", [30001]), ("LoadBalancer", [80]), ("ExternalName", [])]
)
def test_ports_of_this_machine(kind, local):
    ports = [{"port": 80, "nodePort": 30001}]
    assert [port.local for port in published(service(type=kind, ports=ports))] == local


def test_containers_get_variables_for_services():
    seen = variables([service("my-db", ports=[{"port": 80, "name": "sql"}]), service(clusterIP="None")], "n")
    assert seen == {
        "MY_DB_SERVICE_HOST": "198.18.1.0",
        "MY_DB_SERVICE_PORT": "80",
        "MY_DB_SERVICE_PORT_SQL": "80",
        "MY_DB_PORT": "tcp://198.18.1.0:80",
        "MY_DB_PORT_80_TCP": "tcp://198.18.1.0:80",
        "MY_DB_PORT_80_TCP_PROTO": "tcp",
        "MY_DB_PORT_80_TCP_PORT": "80",
        "MY_DB_PORT_80_TCP_ADDR": "198.18.1.0",
    }
