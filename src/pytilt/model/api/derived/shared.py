"""What objects of all derived kinds share."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from pytilt.model.base import Value


class OwnerReference(Value):
    """The object that made another one, and with which it goes."""

    api_version: str
    """Of the owner: group and version."""
    kind: str
    """Of the owner."""
    name: str
    """Of the owner."""
    uid: str
    """Of the owner."""
    controller: bool = False
    """Always true: an object has one owner."""
    block_owner_deletion: bool = False
    """Always true; the owner takes the object with it."""


class ObjectMeta(Value):
    """What every object of the API has."""

    name: str = ""
    """Unique among the objects of its kind."""
    uid: str = ""
    """Another one for every object, also for one that is made again under the same name."""
    resource_version: str = ""
    """Becomes another one with every change."""
    generation: int = 0
    """Counts the changes of the spec."""
    creation_timestamp: str = ""
    """When it was made, RFC 3339."""
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    """For selectors: `tilt get -l key=value`."""
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Notes of programs. `tilt.dev/resource` says in whose log it speaks, `tilt.dev/log-span-id` under which id."""
    owner_references: tuple[OwnerReference, ...] = ()
    """What made it; empty for what a client made."""


class NoSpec(Value):
    """Nothing: nobody declares such an object."""


class ObjectReference(Value):
    """Another object of the API."""

    group: str = ""
    """Of the API."""
    api_version: str = ""
    """Of the group."""
    kind: str = ""
    """Of the object."""
    name: str = ""
    """Of the object."""


class DerivedObject(Value):
    """An object that the session makes of its own."""

    kind: ClassVar[str] = ""
    """The word of the API."""
