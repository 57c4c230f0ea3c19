"""Kubernetes Events: what the cluster says of the objects of a resource."""

from typing import ClassVar

from pytilt.model.base import Value
from pytilt.model.stored import Object


class ClusterEvent(Value):
    """Something that happened, once or many times."""

    uid: str
    type: str = ""
    """`Normal` or `Warning`."""
    reason: str = ""
    """One word: `Scheduled`, `BackOff`."""
    message: str = ""
    object: str = ""
    """Of what: `pod/web-1`."""
    count: int = 1
    last_seen: str = ""
    """RFC 3339."""


class ResourceEvents(Object):
    """The last events of a resource, the one that happened last at the end."""

    kind: ClassVar[str] = "ResourceEvents"

    events: tuple[ClusterEvent, ...] = ()
