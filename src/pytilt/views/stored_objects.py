"""Objects as the session stores them, in the API group of its own. Pure."""

from typing import Any

import msgspec

from pytilt.model.api.words import OWN_GROUP, VERSION
from pytilt.model.cluster_events import ResourceEvents
from pytilt.model.live_updates import LiveUpdateState
from pytilt.model.objects import ClusterState, FileWatch, ImageMap, PortForward, Resource, Runtime, Tiltfile
from pytilt.model.stored import Object
from pytilt.views.api_objects import uid
from pytilt.views.hiding import without_data

Json = dict[str, Any]

STORED_HERE: tuple[tuple[str, type[Object]], ...] = (
    ("resources", Resource),
    ("runtimes", Runtime),
    ("tiltfiles", Tiltfile),
    ("filewatches", FileWatch),
    ("imagemaps", ImageMap),
    ("liveupdates", LiveUpdateState),
    ("portforwards", PortForward),
    ("clusters", ClusterState),
    ("resourceevents", ResourceEvents),
)
"""The kinds of this group, by their plurals."""


def as_stored(thing: Object) -> Json:
    """An object as it is stored, without the values of Secrets."""
    fields: Json = msgspec.to_builtins(thing)
    for name in ("name", "version", "createdAt", "owner"):
        fields.pop(name, None)
    status = fields.pop("status", {})
    for name in ("secrets", "objects"):  # secret, and objects of their own
        (status.get("declaration") or {}).pop(name, None)
    kind = type(thing).kind
    metadata = {"name": thing.name, "uid": uid(kind, thing), "resourceVersion": str(thing.version)}
    if thing.created_at:
        metadata["creationTimestamp"] = thing.created_at
    return {
        "apiVersion": f"{OWN_GROUP}/{VERSION}",
        "kind": kind,
        "metadata": metadata,
        "spec": without_data(fields),
        "status": without_data(status),
    }
