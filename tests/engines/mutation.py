"""Ignoring a field: it is dropped from every object before it reaches the built-in context.

A test that proves a field has to fail then. `scripts/prove_fields.py` does that to all of them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pytilt.model.base import Value

Json = dict[str, Any]

WORKLOADS = {"DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"}
"""Kinds that have a pod in `spec.template`."""


PATIENCE = 8.0
"""Seconds after which a proof on an engine that waits in vain has failed."""


class Field(Value):
    """A row of `docs/engine.md`."""

    kind: str
    path: str
    """Below `spec`, for example `containers[].env[].value`."""

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.kind} {self.path}"


_IGNORED: ContextVar[Field | None] = ContextVar("ignored", default=None)


@contextmanager
def ignoring(field: Field) -> Iterator[None]:
    """Ignore a field for as long as the block."""
    token = _IGNORED.set(field)
    try:
        yield
    finally:
        _IGNORED.reset(token)


def is_on() -> bool:
    """Is a field ignored now?"""
    return _IGNORED.get() is not None


def applied(obj: Json) -> Json:
    """The object without the field that is ignored, if one is."""
    field = _IGNORED.get()
    if field is None:
        return obj
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return obj
    if obj["kind"] == field.kind:
        return {**obj, "spec": without(spec, field.path.split("."))}
    if field.kind == "Pod" and obj["kind"] in WORKLOADS and "template" in spec:
        template = spec["template"]
        pod = {**template, "spec": without(template["spec"], field.path.split("."))}
        return {**obj, "spec": {**spec, "template": pod}}
    return obj


def without(value: Any, path: Sequence[str]) -> Any:
    """A value without what is at a path; a name that ends in `[]` stands for all items of a list."""
    if not isinstance(value, dict):
        return value
    name, *rest = path
    key = name.removesuffix("[]")
    if key not in value:
        return value
    if not rest:
        return {other: each for other, each in value.items() if other != key}
    inner = value[key]
    if name.endswith("[]"):
        return {**value, key: [without(each, rest) for each in inner or ()]}
    return {**value, key: without(inner, rest)}
