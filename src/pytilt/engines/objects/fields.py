"""Small readers and makers of Kubernetes objects, for what every controller needs."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from pytilt.model.resources import KubeObject

Json = dict[str, Any]
"""An object while it is being made; once stored it is never changed."""

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names: no vowels, so no words (Kubernetes' `rand.SafeEncodeString`)."""


NEW_POD_STATUS: Json = {"phase": "Pending"}
"""The status of a pod that nobody has looked at yet."""
NODE_LOST = "NodeLost"
"""The reason in the status of a pod whose engine does not answer; Kubernetes' word for a node that does not."""


class Key(NamedTuple):
    """Which object of a project."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """`Kind/name`, as people read it."""
        return f"{self.kind}/{self.name}"


def key_of(obj: KubeObject) -> Key:
    """The key of an object that has its namespace."""
    metadata = obj["metadata"]
    return Key(obj["kind"], metadata.get("namespace", ""), metadata["name"])


def uid_of(obj: KubeObject) -> str:
    """The object's uid."""
    return str(obj["metadata"].get("uid", ""))


def new_uid() -> str:
    """A fresh uid."""
    return str(uuid.uuid4())


def labels_of(obj: KubeObject) -> Mapping[str, str]:
    """The object's labels."""
    return obj["metadata"].get("labels") or {}


def owner_of(obj: KubeObject) -> Mapping[str, Any] | None:
    """The reference to the controller that owns the object, None for an object of the user's."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def is_deleting(obj: KubeObject) -> bool:
    """Was its deletion asked for?"""
    return bool(obj["metadata"].get("deletionTimestamp"))


def is_lost(pod: KubeObject) -> bool:
    """Is the pod's state unknown?"""
    return bool((pod.get("status") or {}).get("reason") == NODE_LOST)


def is_ready(pod: KubeObject) -> bool:
    """Does the pod say that it can be sent work?"""
    return condition(pod, "Ready") == "True" and not is_deleting(pod)


def condition(obj: KubeObject, kind: str) -> str:
    """The status of one of the object's conditions; `Unknown` if it is not there."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((str(item["status"]) for item in conditions if item["type"] == kind), "Unknown")


def owned_by(owner: KubeObject, *, kind: str, api_version: str, name: str, labels: Mapping[str, str]) -> Json:
    """The beginning of an object that belongs to a controller: type and metadata."""
    metadata = owner["metadata"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": metadata.get("namespace", ""),
            "labels": dict(labels),
            "ownerReferences": [reference],
        },
    }


def pod_from_template(owner: KubeObject, template: KubeObject, name: str, labels: Mapping[str, str]) -> Json:
    """A pod as a controller wants it, not yet stored."""
    metadata = template.get("metadata") or {}
    pod = owned_by(owner, kind="Pod", api_version="v1", name=name, labels={**(metadata.get("labels") or {}), **labels})
    if metadata.get("annotations"):
        pod["metadata"]["annotations"] = dict(metadata["annotations"])
    pod["spec"] = dict(template.get("spec") or {})
    pod["status"] = NEW_POD_STATUS
    return pod


def digest(value: object, length: int = 10) -> str:
    """A short hash of a JSON value in the letters of generated names; equal values give equal hashes."""
    number = int.from_bytes(hashlib.sha256(msgspec.json.encode(value, order="sorted")).digest()[:12], "big")
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)


def suffix() -> str:
    """Five letters that distinguish the pods of one set."""
    return digest(new_uid(), 5)


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Does a label selector (`matchLabels`, `matchExpressions`) choose these labels? An empty one chooses none here."""
    if not selector:
        return False
    pairs: Mapping[str, str] = selector.get("matchLabels") or {}
    expressions: Iterable[Mapping[str, Any]] = selector.get("matchExpressions") or ()
    return all(labels.get(name) == value for name, value in pairs.items()) and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    name, values = expression["key"], expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return labels.get(name) in values
        case "NotIn":
            return labels.get(name) not in values
        case "Exists":
            return name in labels
        case _:
            return name not in labels
