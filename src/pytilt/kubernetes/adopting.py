"""Taking over the fields of objects that were applied by a client, as `kubectl apply` and Tilt do it.

The server removes a field that is no longer applied only if nobody else has written it. Without this, what such a
client wrote once would stay in the object for ever. The rule is that of `csaupgrade` in client-go.

One annotation stays the client's: in it these clients keep what they applied last, to know what to remove next time. It
is kept up to date, so that one can go back to them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from pytilt.cluster import objects
from pytilt.cluster.injection import MANAGED_BY, MANAGED_BY_LABEL
from pytilt.model.resources import KubeObject

KUBECTL = "kubectl-client-side-apply"
UNNAMED = "Go-http-client"
"""Tilt's name: the server takes it from a request that gives none, so other programs bear it too."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LARGEST_ANNOTATION = 200 * 1024
"""The server allows 256 KiB for all annotations of an object."""

_ANNOTATIONS, _LAST_APPLIED = "f:annotations", f"f:{LAST_APPLIED}"

Fields = Mapping[str, Any]


def adopted(o: KubeObject, manager: str) -> list[dict[str, Any]] | None:
    """The `managedFields` with which what a client wrote is ours; None when there is nothing to take over.

    Args:
        o: the object after it was applied, with its `managedFields`.
        manager: under which name it was.
    """
    entries = objects.items(o, "metadata", "managedFields")
    own = next((e for e in entries if e.get("manager") == manager and e.get("operation") == "Apply"), None)
    if own is None:
        return None
    ours = objects.mapping(own, "fieldsV1")
    kept, taken = [], False
    for entry in entries:
        theirs = objects.mapping(entry, "fieldsV1")
        rest = _without_last_applied(theirs)
        if entry is own:
            continue
        if not _is_client(entry, o, manager) or entry.get("apiVersion") != own.get("apiVersion") or not rest:
            kept.append(entry)
            continue
        taken = True
        ours = _united(ours, rest)
        if _writes_last_applied(theirs):
            kept.append({**entry, "fieldsV1": {"f:metadata": {_ANNOTATIONS: {_LAST_APPLIED: {}}}}})
    return [{**own, "fieldsV1": ours}, *kept] if taken else None


def last_applied(o: KubeObject, wanted: KubeObject) -> str | None:
    """What the annotation of a client has to say now; None when it is as it should be, or not there.

    Args:
        o: the object after it was applied.
        wanted: what was applied.
    """
    recorded = objects.annotations(o).get(LAST_APPLIED)
    if recorded is None:
        return None
    text = msgspec.json.encode(wanted, order="sorted").decode() + "\n"
    return text if text != recorded and len(text) <= LARGEST_ANNOTATION else None


def _is_client(entry: Mapping[str, Any], o: KubeObject, manager: str) -> bool:
    if entry.get("operation") != "Update" or entry.get("subresource"):
        return False
    if str(entry.get("manager")) in (KUBECTL, manager):  # ours where an object could only be created or merged
        return True
    fields = objects.mapping(entry, "fieldsV1")
    labelled = f"f:{MANAGED_BY_LABEL}" in objects.mapping(fields, "f:metadata", "f:labels")
    of_tilt = objects.labels(o).get(MANAGED_BY_LABEL) == MANAGED_BY and (labelled or _writes_last_applied(fields))
    return str(entry.get("manager")) == UNNAMED and of_tilt


def _writes_last_applied(fields: Fields) -> bool:
    return _LAST_APPLIED in objects.mapping(fields, "f:metadata", _ANNOTATIONS)


def _without_last_applied(fields: Fields) -> Fields:
    """The fields but for the annotation, and for what only leads to it."""
    if not _writes_last_applied(fields):
        return fields
    metadata = dict(objects.mapping(fields, "f:metadata"))
    annotations = {key: value for key, value in metadata.pop(_ANNOTATIONS).items() if key != _LAST_APPLIED}
    if annotations.keys() - {"."}:
        metadata[_ANNOTATIONS] = annotations
    rest = {key: value for key, value in fields.items() if key != "f:metadata"}
    return {"f:metadata": metadata, **rest} if metadata else rest


def _united(left: Fields, right: Fields) -> Fields:
    both = {key: _united(objects.mapping(left, key), objects.mapping(right, key)) for key in left if key in right}
    return {**left, **right, **both}
