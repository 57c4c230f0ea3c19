"""Every field of a Service that works: what the forwarder is configured with, on a container runtime in memory.

`test_services_on_engines` shows what programs in pods see of it.
"""

from pytilt.engines.objects import labels
from tests.engines.memory import MemoryTrial, in_memory
from tests.engines.trial import Json, pod, proves, service
from tests.virtual_time import until, virtual_time

NAME = "web.default.svc.cluster.local"


async def configured(t: MemoryTrial, *lines: str) -> None:
    """Wait until these lines are in the configuration of the forwarder."""
    await until(lambda: any(each.labels.get(labels.ROLE) == labels.FORWARDER for each in t.runtime.all.values()))
    forwarder = t.runtime.named("tilt-p-services")
    await until(lambda: forwarder.received and set(lines) <= set(forwarder.received[-1].splitlines()))


async def address(t: MemoryTrial, name: str) -> str:
    """The address of a Service."""
    return str((await t.get("Service", name))["spec"]["clusterIP"])


def published(t: MemoryTrial) -> list[Json]:
    """The ports of this machine that are bound."""
    made = [each.request for each in t.runtime.all.values() if each.labels.get(labels.ROLE) == labels.PUBLISHER]
    return [each["HostConfig"]["PortBindings"] for each in made]


@proves("Service", "selector", "ports[].port", "ports[].targetPort")
@virtual_time
async def test_ports_lead_where_they_say():
    ports = {"ports": [{"name": "http", "containerPort": 8080}]}
    async with in_memory() as t:
        wanted = [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 9090}]
        await t.apply(service("web", ports=wanted), pod("web", "", container=ports), pod("other", ""))
        (found,) = await t.ready("web")
        at, to = await address(t, "web"), found["status"]["podIP"]
        await configured(t, f"listen tcp {at}:80 {to}:8080", f"listen tcp {at}:81 {to}:9090")


@proves("Service", "ports[].name")
@virtual_time
async def test_containers_get_the_port_of_a_name_as_a_variable():
    async with in_memory() as t:
        ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "sql"}]
        await t.apply(service("db", ports=ports), pod("web", ""))
        (found,) = await t.ready("web")
        assert t.container(found).environment["DB_SERVICE_PORT_SQL"] == "81"


@proves("Service", "clusterIP")
@virtual_time
async def test_a_headless_service_is_the_addresses_of_its_pods():
    async with in_memory() as t:
        await t.apply(service("web", clusterIP="None"), pod("web", ""))
        (found,) = await t.ready("web")
        await configured(t, f"name {NAME} {found['status']['podIP']}")


@virtual_time
async def test_pods_that_are_not_ready_are_no_members():
    async with in_memory() as t:
        await _unready(t, service("web"))
        await configured(t, f"listen tcp {await address(t, 'web')}:80")


@proves("Service", "publishNotReadyAddresses")
@virtual_time
async def test_pods_that_are_not_ready_are_members_if_asked_for():
    async with in_memory() as t:
        found = await _unready(t, service("web", publishNotReadyAddresses=True))
        await configured(t, f"listen tcp {await address(t, 'web')}:80 {found['status']['podIP']}:8080")


async def _unready(t: MemoryTrial, wanted: Json) -> Json:
    """Run a pod that is never ready behind a Service."""
    t.runtime.command = lambda where, _: (1, where.name.encode())
    never = {"readinessProbe": {"exec": {"command": ["ready"]}}}
    await t.apply(wanted, pod("web", "", container=never))
    (found,) = await t.until(lambda pods: pods[0].get("status", {}).get("podIP"))
    return dict(found)


@proves("Service", "type", "externalName")
@virtual_time
async def test_a_name_for_another_name():
    async with in_memory() as t:
        await t.apply(service("web", type="ExternalName", externalName="example.com"), pod("p", ""))
        await configured(t, f"alias {NAME} example.com")


@proves("Service", "type", "ports[].nodePort")
@virtual_time
async def test_ports_of_this_machine():
    async with in_memory() as t:
        await t.apply(
            service("lb", type="LoadBalancer", ports=[{"port": 8000}]),
            service("node", type="NodePort", ports=[{"port": 80, "nodePort": 30123}]),
        )
        at = "127.0.0.1"
        assert published(t) == [
            {"8000/tcp": [{"HostIp": at, "HostPort": "8000"}]},
            {"80/tcp": [{"HostIp": at, "HostPort": "30123"}]},
        ]


@proves("Service", "ports[].protocol")
@virtual_time
async def test_datagrams():
    async with in_memory() as t:
        await t.apply(service("web", ports=[{"port": 53, "protocol": "UDP"}]), pod("web", ""))
        (found,) = await t.ready("web")
        await configured(t, f"listen udp {await address(t, 'web')}:53 {found['status']['podIP']}:53")
