"""What earlier sessions applied, so that what is unchanged, here and in the cluster, is not applied again."""

import asyncio
import hashlib
from collections.abc import Sequence

from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.cluster.seam import Cluster
from pytilt.host.records import Records
from pytilt.model.base import Value
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject
from pytilt.model.texts import exact_json

_KIND = "applies"


class AppliedObject(Value):
    """An object as the cluster had it after the apply."""

    ref: ObjectRef
    uid: str
    version: str
    """Another one when somebody has changed it since."""


class ResourceRecord(Value):
    """An apply of all objects of a resource."""

    wanted: str
    """Digest of the objects, with everything injected."""
    objects: tuple[AppliedObject, ...]
    synced: bool = False
    """Did a live update bring files into its containers, which their image does not have?"""


class RecordedObjects(Value):
    """What an earlier session applied, and what is there now."""

    record: ResourceRecord
    found: tuple[KubeObject | None, ...]

    def unchanged(self, wanted: Sequence[KubeObject]) -> tuple[KubeObject, ...] | None:
        """The objects as they are in the cluster, if they are what is wanted; else None.

        Args:
            wanted: the objects that would be applied.
        """
        if self.record.wanted != _digest(wanted):
            return None
        present = tuple(each for each in self.found if each is not None)
        same = len(present) == len(self.found) and all(map(_is_same, self.record.objects, present))
        return present if same and _labelled(wanted, present) else None


class ApplyRecords:
    """The records of one project in one cluster.

    Args:
        records: keep them.
        cluster: knows what has become of the objects.
    """

    def __init__(self, records: Records, cluster: Cluster) -> None:
        self._records = records
        self._cluster = cluster
        self._synced: set[str] = set()

    def has(self, name: str) -> bool:
        """Is there a record of an apply of this resource?"""
        return self._records.has(_KIND, name)

    async def recorded(self, name: str) -> "RecordedObjects | None":
        """What an earlier session applied for a resource, and what has become of it; None where nobody knows.

        Args:
            name: of the resource.
        """
        record = self._records.find(_KIND, name, ResourceRecord)
        if record is None or record.synced:
            return None
        found = await asyncio.gather(*(self._cluster.get(each.ref) for each in record.objects))
        return RecordedObjects(record=record, found=tuple(found))

    def applied(self, name: str, wanted: Sequence[KubeObject], present: Sequence[KubeObject]) -> None:
        """Remember an apply that went well.

        Args:
            name: of the resource.
            wanted: what was applied.
            present: the objects as the cluster answered with them.
        """
        kept = tuple(
            AppliedObject(ref=objects.ref(each), uid=objects.uid(each), version=_version(each)) for each in present
        )
        self._synced.discard(name)
        self._records.keep(_KIND, name, ResourceRecord(wanted=_digest(wanted), objects=kept))

    def synced(self, name: str) -> None:
        """Remember that containers of a resource have files which their image does not have."""
        if name in self._synced:
            return
        self._synced.add(name)
        record = self._records.find(_KIND, name, ResourceRecord)
        if record is not None:
            self._records.keep(_KIND, name, replace(record, synced=True))


def _digest(wanted: Sequence[KubeObject]) -> str:
    return hashlib.sha256(exact_json(list(wanted))).hexdigest()


def _version(found: KubeObject) -> str:
    """The generation counts changes of what is wanted; objects without one change as a whole."""
    metadata = objects.metadata(found)
    generation = metadata.get("generation")
    return f"generation {generation}" if generation else f"version {metadata.get('resourceVersion', '')}"


def _is_same(kept: AppliedObject, found: KubeObject) -> bool:
    deleting = objects.metadata(found).get("deletionTimestamp")
    return not deleting and objects.uid(found) == kept.uid and _version(found) == kept.version


def _labelled(wanted: Sequence[KubeObject], present: Sequence[KubeObject]) -> bool:
    """Have the objects all labels and annotations that they are to have? A change of these counts as no generation."""
    by_name = {(objects.kind(each), objects.name(each)): each for each in present}
    for each in wanted:
        found = by_name.get((objects.kind(each), objects.name(each)), {})
        for part in (objects.labels, objects.annotations):
            has = part(found)
            if any(has.get(name) != value for name, value in part(each).items()):
                return False
    return True
