"""Services as the forwarder's configuration and as ports of this machine: pure translation."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytilt.engines.objects.fields import is_ready, labels_of
from pytilt.engines.podspec.probes import port_number
from pytilt.errors import ApplyError
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject
from pytilt.synclet import statements

ZONE = "cluster.local"
FIRST_SERVICE = 256
"""Where in the range the Services' addresses begin; what is before is for the forwarder itself."""
NAME_SERVER = 10
INGRESS = 11
FIRST_NODE_PORT, LAST_NODE_PORT = 30000, 32767
"""Kubernetes' default range."""
INGRESS_PORT = 8080
"""Where on this machine Ingresses are found."""


class PublishedPort(Value):
    """A port of a Service that is bound on this machine."""

    protocol: str
    """`tcp` or `udp`."""
    local: int
    """On this machine."""
    service: int
    """Of the Service."""


class ServiceAddresses:
    """Which address of the range is whose.

    Args:
        service_range: for example `198.18.0.0/16`; a small one is used from its beginning.
    """

    def __init__(self, service_range: str) -> None:
        self._range = ipaddress.IPv4Network(service_range)
        self._small = self._range.num_addresses <= FIRST_SERVICE * 2

    @property
    def name_server(self) -> str:
        """Where names are asked for."""
        return str(self._range[1 if self._small else NAME_SERVER])

    @property
    def ingress(self) -> str:
        """Where the HTTP requests for Ingresses go."""
        return str(self._range[2 if self._small else INGRESS])

    def free(self, taken: Iterable[str]) -> str:
        """The first address for a Service that is not taken.

        Raises:
            ApplyError: there is none left.
        """
        used = set(taken)
        for index in range(3 if self._small else FIRST_SERVICE, self._range.num_addresses - 1):
            if (address := str(self._range[index])) not in used:
                return address
        raise ApplyError("there are no addresses left for another Service", hint="delete one first: `tilt down`")


def is_headless(service: KubeObject) -> bool:
    """Does the Service's name mean its pods themselves?"""
    return bool(service["spec"].get("clusterIP") == "None")


def service_kind(service: KubeObject) -> str:
    """`ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`."""
    return str(service["spec"].get("type") or "ClusterIP")


def completed(service: KubeObject, before: KubeObject | None, services: Sequence[KubeObject], free: str) -> KubeObject:
    """The Service with its address and ports.

    Args:
        service: as it was applied.
        before: as it is stored, to keep what it was given then.
        services: all others.
        free: an address it may have.
    """
    spec = dict(service.get("spec") or {})
    kind = spec.get("type") or "ClusterIP"
    old = (before or {}).get("spec") or {}
    if kind != "ExternalName" and spec.get("clusterIP") != "None":
        spec["clusterIP"] = old["clusterIP"] if old.get("clusterIP") not in (None, "None") else free
        spec["clusterIPs"] = [spec["clusterIP"]]
    if kind in ("NodePort", "LoadBalancer"):
        taken = {port.get("nodePort") for other in services for port in other["spec"].get("ports") or ()}
        spec["ports"] = _with_node_ports(spec.get("ports") or (), old.get("ports") or (), taken)
    status = {"loadBalancer": {"ingress": [{"hostname": "localhost"}]} if kind == "LoadBalancer" else {}}
    return {**service, "spec": {**spec, "type": kind}, "status": status}


def _with_node_ports(
    ports: Iterable[Mapping[str, Any]], old: Iterable[Mapping[str, Any]], taken: set[object]
) -> list[Mapping[str, Any]]:
    known = {port["port"]: port.get("nodePort") for port in old}
    completed_ports: list[Mapping[str, Any]] = []
    for port in ports:
        number = port.get("nodePort") or known.get(port["port"])
        if not number:
            number = next(n for n in range(FIRST_NODE_PORT, LAST_NODE_PORT + 1) if n not in taken)
        taken.add(number)
        completed_ports.append({**port, "nodePort": number})
    return completed_ports


def configuration(
    services: Sequence[KubeObject], pods: Sequence[KubeObject], ingresses: Sequence[KubeObject], own: ServiceAddresses
) -> str:
    """What the forwarder has to know, as text."""
    lines = [statements.dns(f"{own.name_server}:53", ZONE, "127.0.0.11:53")]
    for service in services:
        lines += _service_lines(service, pods)
    entry = f"{own.ingress}:80"
    rules = [rule for ingress in ingresses for rule in _rules(ingress, services, pods, entry)]
    lines += [line for _, line in sorted(rules, key=lambda rule: rule[0])]
    return "".join(f"{line}\n" for line in lines)


def _service_lines(service: KubeObject, pods: Sequence[KubeObject]) -> list[str]:
    metadata, spec = service["metadata"], service["spec"]
    name = f"{metadata['name']}.{metadata['namespace']}.svc.{ZONE}"
    if service_kind(service) == "ExternalName":
        return [statements.alias(name, spec["externalName"])]
    members = members_of(service, pods)
    if is_headless(service):
        addresses = [pod["status"]["podIP"] for pod in members]
        return [statements.name(name, addresses), *_pod_names(name, metadata["name"], members)]
    address = spec["clusterIP"]
    lines = [statements.name(name, [address])]
    for port in spec.get("ports") or ():
        protocol = str(port.get("protocol") or "TCP").lower()
        lines.append(statements.listen(protocol, f"{address}:{port['port']}", targets_of(port, members)))
    return [*lines, *_pod_names(name, metadata["name"], members)]


def _pod_names(name: str, service: str, members: Iterable[KubeObject]) -> Iterable[str]:
    """Names of single pods, as a StatefulSet's have them."""
    for pod in members:
        if pod["spec"].get("subdomain") == service:
            host = pod["spec"].get("hostname") or pod["metadata"]["name"]
            yield statements.name(f"{host}.{name}", [pod["status"]["podIP"]])


def members_of(service: KubeObject, pods: Iterable[KubeObject]) -> list[KubeObject]:
    """The pods that may be sent work for a Service."""
    selector = service["spec"].get("selector")
    if not selector:
        return []
    early = bool(service["spec"].get("publishNotReadyAddresses"))
    return [
        pod
        for pod in pods
        if pod["metadata"]["namespace"] == service["metadata"]["namespace"]
        and selector.items() <= labels_of(pod).items()
        and (pod.get("status") or {}).get("podIP")
        and (early or is_ready(pod))
    ]


def targets_of(port: Mapping[str, Any], members: Iterable[KubeObject]) -> list[str]:
    """The addresses behind a port of a Service."""
    wanted = port.get("targetPort") or port["port"]
    targets = []
    for pod in members:
        numbers = (port_number(wanted, container) for container in pod["spec"]["containers"])
        number = next((number for number in numbers if number), 0)
        if number:
            targets.append(f"{pod['status']['podIP']}:{number}")
    return targets


def published(service: KubeObject) -> tuple[PublishedPort, ...]:
    """The ports of a Service that are bound on this machine."""
    kind = service_kind(service)
    if kind not in ("NodePort", "LoadBalancer"):
        return ()
    ports = []
    for port in service["spec"].get("ports") or ():
        protocol = str(port.get("protocol") or "TCP").lower()
        local = port["port"] if kind == "LoadBalancer" else port["nodePort"]
        ports.append(PublishedPort(protocol=protocol, local=int(local), service=int(port["port"])))
    return tuple(ports)


def variables(services: Iterable[KubeObject], namespace: str) -> dict[str, str]:
    """The variables that show a container the Services of its namespace (`enableServiceLinks`)."""
    found: dict[str, str] = {}
    for service in services:
        spec = service["spec"]
        if service["metadata"]["namespace"] != namespace or is_headless(service) or not spec.get("ports"):
            continue
        if service_kind(service) == "ExternalName":
            continue
        name, address = service["metadata"]["name"].upper().replace("-", "_"), spec["clusterIP"]
        first = spec["ports"][0]
        found |= {f"{name}_SERVICE_HOST": address, f"{name}_SERVICE_PORT": str(first["port"])}
        found[f"{name}_PORT"] = f"{str(first.get('protocol') or 'TCP').lower()}://{address}:{first['port']}"
        for port in spec["ports"]:
            if port.get("name"):
                found[f"{name}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
            found |= _link(name, address, port["port"], str(port.get("protocol") or "TCP"))
    return found


def _link(name: str, address: str, port: int, protocol: str) -> dict[str, str]:
    start = f"{name}_PORT_{port}_{protocol}"
    return {
        start: f"{protocol.lower()}://{address}:{port}",
        f"{start}_PROTO": protocol.lower(),
        f"{start}_PORT": str(port),
        f"{start}_ADDR": address,
    }


def _rules(
    ingress: KubeObject, services: Sequence[KubeObject], pods: Sequence[KubeObject], entry: str
) -> Iterable[tuple[tuple[bool, bool, int], str]]:
    """Each rule with its precedence: named hosts before any, exact before prefix, long paths before short ones."""
    spec, namespace = ingress["spec"], ingress["metadata"]["namespace"]
    rules = [
        (rule.get("host") or "*", path.get("path") or "/", path.get("pathType") == "Exact", path["backend"])
        for rule in spec.get("rules") or ()
        for path in (rule.get("http") or {}).get("paths") or ()
    ]
    if spec.get("defaultBackend"):
        rules.append(("*", "/", False, spec["defaultBackend"]))
    for host, path, exact, backend in rules:
        order = (host.startswith("*"), not exact, -len(path))
        yield order, statements.route(entry, host, path, _backend(backend, namespace, services, pods), exact=exact)


def _backend(
    backend: Mapping[str, Any], namespace: str, services: Sequence[KubeObject], pods: Sequence[KubeObject]
) -> list[str]:
    wanted = backend.get("service") or {}
    for service in services:
        if service["metadata"]["name"] == wanted.get("name") and service["metadata"]["namespace"] == namespace:
            port = wanted.get("port") or {}
            for given in service["spec"].get("ports") or ():
                if given["port"] == port.get("number") or (port.get("name") and given.get("name") == port["name"]):
                    return targets_of(given, members_of(service, pods))
    return []
