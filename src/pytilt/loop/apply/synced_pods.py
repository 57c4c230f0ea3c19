"""The pods that live updates brought files into, which are replaced where a full build takes those files back."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import aclosing, suppress

from pytilt.cluster import objects
from pytilt.cluster.injection import TEMPLATE_HASH_LABEL
from pytilt.cluster.seam import Cluster
from pytilt.host.records import Records
from pytilt.loop.apply.object_deletion import ObjectDeletion
from pytilt.model.base import Value
from pytilt.model.clusters import ObjectRef
from pytilt.model.logs import Log
from pytilt.model.objects import Runtime
from pytilt.model.pods import Pod
from pytilt.model.resources import KubeObject
from pytilt.model.updates import DeployedImage
from pytilt.store.objects import Store

_KIND = "synced-pods"

NOTICE_SECONDS = 5.0
"""How long it may take until the watch of the pods says that some are being deleted."""

GONE_SECONDS = 30.0
"""How long a pod may take to go that nothing but another apply makes anew."""


class SyncedPod(Value):
    """A pod whose containers have, or may have, files that their images do not have."""

    ref: ObjectRef
    uid: str


class SyncedPods:
    """Those of one project in one cluster, also of earlier sessions.

    Args:
        store: the session's objects.
        cluster: where they are.
        records: keep them.
    """

    def __init__(self, store: Store, cluster: Cluster, records: Records) -> None:
        self._store = store
        self._cluster = cluster
        self._records = records
        self._known: dict[str, dict[str, SyncedPod]] = {}
        """By resource and uid."""

    def note(self, name: str, pods: Iterable[Pod]) -> None:
        """Remember that a live update is about to bring files into pods.

        Args:
            name: of their resource.
            pods: what it brings them into.
        """
        known, count = self._of(name), len(self._of(name))
        for pod in pods:
            if pod.uid not in known:
                ref = ObjectRef(api_version="v1", kind="Pod", name=pod.name, namespace=pod.namespace)
                known[pod.uid] = SyncedPod(ref=ref, uid=pod.uid)
        if len(known) != count:
            self._records.keep(_KIND, name, tuple(known.values()))

    async def replace(
        self, name: str, images: Sequence[DeployedImage], hashes: Collection[str], log: Log, *, first: bool
    ) -> None:
        """Delete those that would stay as they are when a resource is applied; new ones of the images take their place.

        The others are remembered: an apply that goes back to their template would let them stay.

        Args:
            name: of the resource.
            images: that are about to be applied; none: whatever they run, they stay.
            hashes: of the pod templates that are about to be applied, as far as they have any.
            log: gets a line for each pod.
            first: is it the first update of a session?

        Raises:
            ApplyError: the cluster refuses to delete one.
            ClusterUnreachableError: it does not answer.
        """
        known = self._of(name)
        if not known:
            return
        found = await asyncio.gather(*(self._cluster.get(each.ref) for each in known.values()))
        present = {objects.uid(pod): pod for pod in found if pod is not None and objects.uid(pod) in known}
        references = {image.reference for image in images}
        staying = {uid: pod for uid, pod in present.items() if _stays(pod, references, hashes)}
        who = "an earlier session has" if first else "live updates have"
        for pod in staying.values():
            log(f"Replacing pod {objects.name(pod)}: {who} brought files into it that its image does not have\n")
        await self._delete(tuple(staying.values()), log)
        self._known[name] = {uid: each for uid, each in known.items() if uid in present and uid not in staying}
        if self._known[name]:
            self._records.keep(_KIND, name, tuple(self._known[name].values()))
        else:
            self._records.forget(_KIND, name)
        await self._noticed(name, staying)

    def _of(self, name: str) -> dict[str, SyncedPod]:
        if name not in self._known:
            kept = self._records.find(_KIND, name, tuple[SyncedPod, ...]) or ()
            self._known[name] = {each.uid: each for each in kept}
        return self._known[name]

    async def _delete(self, pods: Sequence[KubeObject], log: Log) -> None:
        alone = [objects.ref(pod) for pod in pods if not objects.items(pod, "metadata", "ownerReferences")]
        for pod in pods:
            if (ref := objects.ref(pod)) not in alone:
                await self._cluster.delete(ref)
        # What is being deleted still would be what an apply updates.
        await ObjectDeletion(self._cluster, lambda line: log(f"{line}\n"), GONE_SECONDS).run(alone)

    async def _noticed(self, name: str, uids: Collection[str]) -> None:
        """Wait until the runtime of a resource counts pods no more: it is not to be ready by them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(NOTICE_SECONDS), aclosing(self._store.watch(Runtime)) as changes:  # type: ignore[type-var]  # an async generator has `aclose`
                async for _ in changes:
                    runtime = self._store.get(Runtime, name)
                    pods = runtime.status.pods if runtime else ()
                    if not any(pod.uid in uids and not pod.deleting for pod in pods):
                        return


def _stays(pod: KubeObject, references: Collection[str], hashes: Collection[str]) -> bool:
    """Is it one of what is about to be applied? Those of another template or image are replaced by themselves."""
    if objects.metadata(pod).get("deletionTimestamp"):
        return False
    if (template := objects.labels(pod).get(TEMPLATE_HASH_LABEL)) is not None:
        return template in hashes
    images = {str(each.get("image") or "") for each in objects.items(pod, "spec", "containers")}
    return not references or not images.isdisjoint(references)
