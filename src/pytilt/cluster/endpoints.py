"""The URLs of a resource, in the order in which people want them."""

from collections.abc import Sequence

from pytilt.cluster import objects
from pytilt.model.resources import KubeObject, Link, ResourceSpec


def endpoints(
    resource: ResourceSpec, services: Sequence[KubeObject] = (), *, host: str, node: str = ""
) -> tuple[Link, ...]:
    """Its links, then its forwarded ports; where no port is forwarded, the addresses of its load balancers.

    Args:
        resource: any resource.
        services: its Services as the cluster has them now.
        host: where forwards listen that name no host themselves.
        node: address of a node that can be reached from here, where node ports count too; empty: none.
    """
    forwards = resource.deploy.port_forwards
    if forwards:
        return (
            *resource.links,
            *(
                Link(
                    url=f"http://{_bracketed(one.host or host)}:{one.local_port}/{one.path.lstrip('/')}", name=one.name
                )
                for one in forwards
            ),
        )
    urls = {url for service in services if (url := service_url(service, node=node))}
    return (*resource.links, *(Link(url=url) for url in sorted(urls)))


def service_url(service: KubeObject, *, node: str = "") -> str:
    """The address under which a Service can be reached from outside, empty when there is none.

    Args:
        service: as the cluster has it now.
        node: address of a node that can be reached from here; empty: none.
    """
    ports = objects.items(service, "spec", "ports")
    if not ports:
        return ""
    port, node_port = ports[0].get("port"), ports[0].get("nodePort")
    for ingress in objects.items(service, "status", "loadBalancer", "ingress"):
        address = ingress.get("hostname") or ingress.get("ip")
        if address:
            by_node = objects.mapping(service, "spec").get("type") == "NodePort"
            return f"http://{_bracketed(str(address))}:{node_port if by_node else port}/"
    return f"http://{_bracketed(node)}:{node_port}/" if node and node_port else ""


def _bracketed(host: str) -> str:
    """An address for a URL; one of IPv6 needs brackets there."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
