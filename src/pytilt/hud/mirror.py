"""The objects of a session as its interface sends them, put together to the state that `views` draws from."""

from typing import Any

import msgspec

from pytilt.model.api.buttons import UIButton
from pytilt.model.api.metadata import ApiObject
from pytilt.model.api.words import GROUP_VERSION, OWN_GROUP, VERSION
from pytilt.model.kinds import STORED
from pytilt.model.objects import ClusterState, PortForward, Resource, Runtime, Tiltfile
from pytilt.model.stored import Object
from pytilt.store.objects import Snapshot

WATCHED: dict[str, type[Object]] = {
    f"{OWN_GROUP}/{VERSION}/tiltfiles": Tiltfile,
    f"{OWN_GROUP}/{VERSION}/resources": Resource,
    f"{OWN_GROUP}/{VERSION}/runtimes": Runtime,
    f"{OWN_GROUP}/{VERSION}/portforwards": PortForward,
    f"{OWN_GROUP}/{VERSION}/clusters": ClusterState,
    f"{GROUP_VERSION}/uibuttons": UIButton,
}
"""Addresses of the interface, and what they lead to."""


class Metadata(msgspec.Struct):
    """The part of an object that all kinds share."""

    name: str
    creationTimestamp: str = ""  # noqa: N815 - the wire's word
    resourceVersion: str = "0"  # noqa: N815 - the wire's word
    annotations: dict[str, str] = {}


class WireObject(msgspec.Struct):
    """An object on the wire."""

    metadata: Metadata
    spec: dict[str, Any] = {}
    status: dict[str, Any] = {}


class WatchEvent(msgspec.Struct):
    """One line of a watch."""

    type: str
    object: WireObject


class Mirror:
    """The objects of a session that were received so far."""

    def __init__(self) -> None:
        self._objects: dict[type[Object], dict[str, Object]] = {kind: {} for kind in STORED}
        self._decoder = msgspec.json.Decoder(WatchEvent)
        self._version = 0

    def take(self, kind: type[Object], line: bytes) -> None:
        """Take one event of a watch.

        Args:
            kind: what is watched.
            line: one JSON document.
        """
        event = self._decoder.decode(line)
        wire = event.object
        self._version += 1
        kept = dict(self._objects[kind])
        if event.type == "DELETED":
            kept.pop(wire.metadata.name, None)
        else:
            kept[wire.metadata.name] = read(kind, wire)
        self._objects[kind] = kept

    def snapshot(self) -> Snapshot:
        """The state as received so far."""
        return Snapshot(dict(self._objects), self._version)


def read(kind: type[Object], wire: WireObject) -> Object:
    """An object from its form on the wire; fields this version does not know are left out."""
    made = issubclass(kind, ApiObject)
    fields = {
        **({"type": kind.__name__, "spec": wire.spec, "annotations": wire.metadata.annotations} if made else wire.spec),
        "name": wire.metadata.name,
        "createdAt": wire.metadata.creationTimestamp,
        "version": int(wire.metadata.resourceVersion),
    }
    if wire.status:
        fields["status"] = wire.status
    return msgspec.convert(fields, kind)
