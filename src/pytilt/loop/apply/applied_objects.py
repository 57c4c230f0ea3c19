"""What this session has applied, object by object, and what has become of it since."""

import asyncio
import base64
from collections.abc import Mapping, Sequence

from pytilt.cluster import drift, objects
from pytilt.model.base import Value
from pytilt.model.clusters import ObjectRef
from pytilt.model.numbers import whole
from pytilt.model.resources import KubeObject


class Baseline(Value):
    """An object as it was applied, with which its present state is compared."""

    resource: str
    ref: ObjectRef
    wanted: KubeObject
    """With everything injected."""
    leaves: Mapping[str, str]
    """What it said right after the apply, field by field."""
    uid: str
    version: int
    """Its resource version then; 0 where the cluster's versions are no numbers."""


class AppliedObjects:
    """The objects of all resources, as their last apply left them; and which of them are to be applied again."""

    def __init__(self) -> None:
        self._objects: dict[ObjectRef, Baseline] = {}
        self._drifted: dict[str, set[ObjectRef]] = {}
        self.changed = asyncio.Event()
        """Other objects are known than before."""

    def note(self, resource: str, wanted: Sequence[KubeObject], present: Sequence[KubeObject]) -> None:
        """Remember an apply that went well, in the place of the one before.

        Args:
            resource: whose objects they are.
            wanted: what was applied.
            present: the objects as the cluster answered with them.
        """
        self.forget(resource)
        self.renew(resource, wanted, present)

    def renew(self, resource: str, wanted: Sequence[KubeObject], present: Sequence[KubeObject]) -> None:
        """Remember that some objects of a resource were applied once more."""
        by_name = {(objects.kind(each), objects.name(each)): each for each in wanted}
        for each in present:
            applied = by_name.get((objects.kind(each), objects.name(each)))
            if applied is not None:
                data, ref = _with_data(applied), objects.ref(each)
                version = str(objects.metadata(each).get("resourceVersion", ""))
                self._objects[ref] = Baseline(
                    resource=resource,
                    ref=ref,
                    wanted=data,
                    leaves=drift.leaves(data, each),
                    uid=objects.uid(each),
                    version=whole(version) or 0,
                )
        self._drifted.pop(resource, None)
        self.changed.set()

    def forget(self, resource: str) -> None:
        """What becomes of the objects of a resource does not matter any more."""
        self._objects = {ref: each for ref, each in self._objects.items() if each.resource != resource}
        self._drifted.pop(resource, None)
        self.changed.set()

    def find(self, ref: ObjectRef) -> Baseline | None:
        """An object that was applied."""
        return self._objects.get(ref)

    def all(self) -> tuple[Baseline, ...]:
        """Every object that was applied."""
        return tuple(self._objects.values())

    def mark(self, applied: Baseline) -> None:
        """Note that an object is to be applied again."""
        self._drifted.setdefault(applied.resource, set()).add(applied.ref)

    def drifted(self, resource: str) -> tuple[Baseline, ...]:
        """The objects of a resource that are to be applied again."""
        marked = self._drifted.get(resource, set())
        return tuple(each for ref, each in self._objects.items() if ref in marked)


def _with_data(wanted: KubeObject) -> KubeObject:
    """A Secret with its `stringData` as the cluster keeps it."""
    plain = objects.mapping(wanted, "stringData")
    if not plain:
        return wanted
    kept = {name: value for name, value in wanted.items() if name != "stringData"}
    coded = {name: base64.b64encode(str(value).encode()).decode() for name, value in plain.items()}
    return {**kept, "data": {**objects.mapping(wanted, "data"), **coded}}
