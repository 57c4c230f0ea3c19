"""The endpoints of a resource, each with why it leads nowhere where its forward does not work."""

from urllib.parse import urlsplit

from msgspec.structs import replace

from pytilt.model.objects import PortForward, Resource, RuntimeState
from pytilt.model.resources import Link
from pytilt.store.objects import Snapshot

_LOCAL = ("localhost", "127.0.0.1", "0.0.0.0", "::1", "::")


def endpoints(state: Snapshot, resource: Resource, running: RuntimeState) -> tuple[Link, ...]:
    """Its endpoints; a broken one carries the error of its forward and must not be offered.

    Args:
        state: the objects of the session.
        resource: one of them.
        running: how it is doing.
    """
    forwards = _forwards(state, resource)
    found = running.endpoints or resource.spec.links
    if not running.endpoints and resource.spec.deploy.in_cluster:
        own = (
            Link(url=f"http://{each.spec.host or 'localhost'}:{each.spec.local_port}/{each.spec.path.lstrip('/')}")
            for each in forwards
        )
        found = (*own, *resource.spec.links)
    return tuple(_judged(link, forwards) for link in found)


def _forwards(state: Snapshot, resource: Resource) -> list[PortForward]:
    if not resource.spec.deploy.in_cluster:
        return []
    if not resource.spec.deploy.port_forwards:
        return [each for each in state.all(PortForward) if each.resource == resource.name]
    names = (f"{resource.name}:{each.local_port}" for each in resource.spec.deploy.port_forwards)
    return [each for name in names if (each := state.get(PortForward, name)) is not None]


def _judged(link: Link, forwards: list[PortForward]) -> Link:
    error = next((each.status.error for each in forwards if each.status.error and _leads_through(link, each)), "")
    return replace(link, error=error) if error else link


def _leads_through(link: Link, forward: PortForward) -> bool:
    try:
        parts = urlsplit(link.url)
        port = parts.port
    except ValueError:  # a link that the user wrote
        return False
    return port == forward.spec.local_port and parts.hostname in (forward.spec.host, *_LOCAL)
