"""What can be asked of any Kubernetes object: its kind, name, namespace, labels."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject

DEFAULT_NAMESPACE = "default"
"""What Tilt calls the namespace of an object that names none."""


def kind(o: KubeObject) -> str:
    """For example `Deployment`."""
    return str(o.get("kind", ""))


def api_version(o: KubeObject) -> str:
    """For example `apps/v1`."""
    return str(o.get("apiVersion", ""))


@lru_cache(maxsize=1024)
def group(version: str) -> str:
    """The API group of an `apiVersion`; empty for the core group."""
    head, slash, _ = version.rpartition("/")
    return head if slash else ""


def name(o: KubeObject) -> str:
    """The object's name; empty for one that leaves its name to the cluster (`generateName`)."""
    return str(metadata(o).get("name") or "")


def namespace(o: KubeObject) -> str:
    """The namespace that the object names itself, empty when it names none."""
    return str(metadata(o).get("namespace") or "")


def namespace_or_default(o: KubeObject) -> str:
    """The namespace as Tilt's selectors and fragments see it: `default` when the object names none."""
    return namespace(o) or DEFAULT_NAMESPACE


def uid(o: KubeObject) -> str:
    """The id that a cluster gave to this very object; empty for one from YAML."""
    return str(metadata(o).get("uid") or "")


def labels(o: KubeObject) -> Mapping[str, str]:
    """The object's own labels."""
    return _texts(metadata(o).get("labels"))


def annotations(o: KubeObject) -> Mapping[str, str]:
    """The object's annotations."""
    return _texts(metadata(o).get("annotations"))


def ref(o: KubeObject) -> ObjectRef:
    """Which object this is."""
    return ObjectRef(api_version=api_version(o), kind=kind(o), name=name(o), namespace=namespace(o))


def identity(reference: ObjectRef, default: str) -> tuple[str, str, str, str]:
    """The same for all references to one object, also where their versions differ or one names no namespace.

    Args:
        reference: which object.
        default: the namespace of those that name none.
    """
    return group(reference.api_version), reference.kind, reference.namespace or default, reference.name


def metadata(o: KubeObject) -> Mapping[str, Any]:
    """`metadata`, empty where there is none."""
    found = o.get("metadata")
    return found if isinstance(found, dict) else mapping(o, "metadata")


def mapping(o: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The mapping below some keys, empty where one of them is missing or leads to something else."""
    found: Any = o
    for key in path:
        # A dict is nearly always what there is, and much quicker recognized than any mapping.
        found = found.get(key) if isinstance(found, dict) or isinstance(found, Mapping) else None  # noqa: SIM101 - much quicker
    return found if isinstance(found, dict) or isinstance(found, Mapping) else {}  # noqa: SIM101 - much quicker


def items(o: Mapping[str, Any], *path: str) -> list[dict[str, Any]]:
    """The mappings of the list below some keys, none where there is no list."""
    found = mapping(o, *path[:-1]).get(path[-1])
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list | tuple) else []


def number(o: Mapping[str, Any], key: str) -> int:
    """A whole number, also one that is written as text; 0 where there is none."""
    found = o.get(key)
    if isinstance(found, str) and re.fullmatch(r"-?[0-9]{1,18}", found):
        return int(found)
    return found if isinstance(found, int) else 0


def _texts(found: object) -> Mapping[str, str]:
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, Mapping) else {}
