"""Taking over the fields of objects that were applied by a client, as `kubectl apply` and Tilt do it.

The server removes a field that is no longer applied only if nobody else has written it. Without this, what such a
client wrote once would stay in the object for ever. The rule is that of `csaupgrade` in client-go.
"""

from collections.abc import Mapping
from typing import Any

from pytilt.cluster import objects
from pytilt.model.resources import KubeObject

CLIENTS = {"kubectl-client-side-apply", "tilt"}
"""Who applied before the server did."""

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
    taken = [e for e in entries if _is_client(e) and e.get("apiVersion") == own.get("apiVersion")]
    if not taken:
        return None
    fields: Fields = own.get("fieldsV1") or {}
    for entry in taken:
        fields = _united(fields, entry.get("fieldsV1") or {})
    kept = [entry for entry in entries if not any(entry is one for one in (own, *taken))]
    return [{**own, "fieldsV1": fields}, *kept]


def _is_client(entry: Mapping[str, Any]) -> bool:
    return entry.get("operation") == "Update" and not entry.get("subresource") and entry.get("manager") in CLIENTS


def _united(left: Fields, right: Fields) -> Fields:
    both = {key: _united(value, right[key]) for key, value in left.items() if key in right}
    return {**left, **right, **both}
