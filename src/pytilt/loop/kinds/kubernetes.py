"""Resources of Kubernetes objects: images, YAML, apply, and the removal of what is declared no more."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain

from pytilt.cluster import drift, finalizers, injection, objects, order, workloads
from pytilt.cluster.seam import Cluster, ObjectRef
from pytilt.errors import ApplyError, PytiltError
from pytilt.host import timing
from pytilt.loop.apply import applied
from pytilt.loop.apply.applied_objects import AppliedObjects, Baseline
from pytilt.loop.apply.apply_records import ApplyRecords, RecordedObjects
from pytilt.loop.apply.object_apply import apply_objects
from pytilt.loop.apply.object_deletion import ObjectDeletion
from pytilt.loop.apply.synced_pods import SyncedPods
from pytilt.loop.failures import first_failure
from pytilt.loop.images.imaging import Imaging, step_count
from pytilt.loop.live_updates.inference import infer
from pytilt.loop.planning import freshness
from pytilt.loop.planning.schedule import Start
from pytilt.loop.pods.runtimes import Runtimes
from pytilt.loop.updates.narration import UpdateSteps
from pytilt.loop.updates.outcomes import STILL_BROKEN, Done
from pytilt.model.clusters import ClusterInfo
from pytilt.model.logs import Level, Log
from pytilt.model.objects import ClusterState, Resource
from pytilt.model.resources import KubeObject, KubernetesDeploy, ResourceSpec, UpdateSettings
from pytilt.model.updates import DeployedImage, Outcome, Reason, StepName
from pytilt.store.objects import Store

CLEAR_SECONDS = 30.0
"""How long an object may take to go before it is made anew, as in Tilt."""

FRESH_SECONDS = 10.0
"""What the cluster has said is asked again when images have taken longer."""

_Key = tuple[str, str, str, str]


class KubernetesKind:
    """Deploys resources of declared objects.

    Args:
        store: the session's objects.
        cluster: where to deploy.
        imaging: makes the images.
        runtimes: follows the pods.
        clear_seconds: how long an object may take to go that a forced update makes anew.
        records: what earlier sessions applied; None: nothing is known of them.
        synced: knows the pods with files that their images do not have; None: there are none.
        fresh_seconds: how long images may take before the cluster is asked again what is there.
    """

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        imaging: Imaging,
        runtimes: Runtimes,
        *,
        clear_seconds: float = CLEAR_SECONDS,
        records: ApplyRecords | None = None,
        synced: SyncedPods | None = None,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._imaging = imaging
        self._runtimes = runtimes
        self._clear_seconds = clear_seconds
        self._records = records
        self._synced = synced
        self._fresh_seconds = fresh_seconds
        self.applied_objects = AppliedObjects()
        """What was applied, so that somebody may look after it."""

    async def update(
        self, resource: Resource, deploy: KubernetesDeploy, start: Start, log: Log, settings: UpdateSettings
    ) -> Done:
        """Build, publish, apply; then remove what the last update had applied and this one did not.

        Raises:
            WorkError: what failed; nothing that was applied is undone.
            UnreachableError: the engine or the cluster does not answer.
        """
        info = applied.connected_cluster(self._store)
        drifted = self.applied_objects.drifted(resource.name)
        if start.reason == Reason.DRIFTED and drifted:
            return await self._repair(resource, drifted, log, settings.apply_timeout_seconds)
        steps = UpdateSteps(log, step_count(resource.spec.built_images, force=start.force))
        if start.force:
            with steps.step("Force update") as step_log, timing.step(StepName.DELETE):
                await self._clear(resource.status.applied, step_log)
        elif resource.spec.images:
            await self._cluster.prepare(deploy.objects)
        first = start.reason == Reason.INITIAL_BUILD
        images, recorded = await self._ensure(resource, info, start, steps)
        wanted = self._wanted(resource, deploy, images)
        present: Sequence[KubeObject] | None = recorded.unchanged(wanted) if recorded and wanted else None
        known = first and self._records is not None and self._records.has(resource.name)
        if known and not (present and all(map(workloads.runs, present))):
            images = await self._imaging.ensure_published(resource, info, steps, images, sequence=start.sequence)
            before, wanted = wanted, self._wanted(resource, deploy, images)
            present = present if wanted == before else None
        spared = present is not None
        with steps.step("Deploying") as step_log, timing.step(StepName.APPLY):
            if present is None:
                seconds = settings.apply_timeout_seconds
                present = await self._apply(resource, wanted, images, step_log, seconds, first=first)
            else:
                step_log(f"Unchanged{' since an earlier session' if first else ''}: nothing to apply\n")
        self.applied_objects.note(resource.name, wanted, present)
        steps.recap()
        hashes = injection.template_hashes(wanted)
        return applied.done(
            resource,
            present,
            images,
            sequence=start.sequence,
            now=self._store.now(),
            template_hashes=hashes,
            inferences=infer(self._store.snapshot(), resource),
            manifest=wanted,
            adopted=spared and (first or resource.status.adopted),
        )

    async def _repair(self, resource: Resource, drifted: Sequence[Baseline], log: Log, seconds: float) -> Done:
        """Apply once more what somebody has deleted or changed; its images and all else are as they were."""
        wanted, status = [each.wanted for each in drifted], resource.status
        with timing.step(StepName.APPLY):
            sent = [await self._with_scale(each) for each in drifted]
            present = await apply_objects(self._cluster, sent, log, seconds=seconds)
        new = {objects.ref(each): objects.uid(each) for each in present}
        self.applied_objects.renew(resource.name, wanted, present)
        # After an update that failed, what it may have applied follows, of which no uid is known.
        uids = tuple(new.get(ref, uid) for ref, uid in zip(status.applied, status.applied_uids, strict=False))
        kept = {"applied": status.applied, "applied_uids": uids, "applied_images": status.applied_images}
        status_after = {**kept, "deployed_at": self._store.now(), "adopted": False}
        if (failed := freshness.failed_update(resource, repairs=False)) is None:
            return Done(outcome=Outcome.OK, status=status_after)
        log(f"{STILL_BROKEN}\n", level=Level.WARN)
        return Done(outcome=failed.outcome, error=failed.error, status=status_after)

    async def _with_scale(self, drifted: Baseline) -> KubeObject:
        """What is applied again of an object, without a fight with an autoscaler."""
        if "replicas" not in objects.mapping(drifted.wanted, "spec"):
            return drifted.wanted
        present = await self._cluster.get(drifted.ref)
        return drift.with_scale(drifted.wanted, present) if present is not None else drifted.wanted

    def _wanted(
        self, resource: Resource, deploy: KubernetesDeploy, images: Sequence[DeployedImage]
    ) -> tuple[KubeObject, ...]:
        """The objects to apply."""
        references = {image.name: image.reference for image in images}
        deployed = [image for image in resource.spec.built_images if image.deployed]
        supervised = self._imaging.supervised(resource)
        return injection.inject(deploy.objects, references, deployed, deploy.locators, supervised=supervised)

    async def _ensure(
        self, resource: Resource, info: ClusterInfo, start: Start, steps: UpdateSteps
    ) -> tuple[tuple[DeployedImage, ...], RecordedObjects | None]:
        """Make the images ready, and find out what has become of what was applied, where that may spare an apply.

        At the start of a session both at the same time, so that all resources ask at once and one request answers many.
        """
        ensuring = self._imaging.ensure(resource, info, steps, sequence=start.sequence, force=start.force)
        if start.reason != Reason.INITIAL_BUILD:
            images = await ensuring
            return images, await self._recorded(resource) if _makes_the_same(resource, start, images) else None
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(self._recorded(resource), name=f"what is there of {resource.name}")
                images = await ensuring
        except ExceptionGroup as failures:
            raise first_failure(failures) from None
        late = asyncio.get_running_loop().time() - began > self._fresh_seconds
        return images, await self._recorded(resource) if late else asking.result()

    async def _recorded(self, resource: Resource) -> RecordedObjects | None:
        """None where nothing is known of an earlier session, or of what has become of its objects."""
        try:
            return await self._records.recorded(resource.name) if self._records is not None else None
        except PytiltError:
            return None

    async def _apply(
        self,
        resource: Resource,
        wanted: Sequence[KubeObject],
        images: Sequence[DeployedImage],
        log: Log,
        seconds: float,
        *,
        first: bool,
    ) -> Sequence[KubeObject]:
        self.applied_objects.forget(resource.name)
        if self._synced is not None and (first or resource.spec.built_images):
            hashes = injection.template_hashes(wanted)
            await self._synced.replace(resource.name, images, hashes, log, first=first)
        present = await apply_objects(self._cluster, wanted, log, seconds=seconds)
        await self._remove_vanished(resource, tuple(map(objects.ref, present)), log)
        if self._records is not None:
            self._records.applied(resource.name, wanted, present)
        return present

    async def remove(
        self,
        resource: Resource,
        deploy: KubernetesDeploy,
        declared: Sequence[ResourceSpec],
        log: Log,
        settings: UpdateSettings,
    ) -> None:
        """Delete the objects that were applied, but those that another resource declares now.

        Raises:
            ApplyError: the cluster refuses to delete one.
            ClusterUnreachableError: it does not answer.
        """
        self.applied_objects.forget(resource.name)
        namespace = self._namespace()
        kept = {
            objects.identity(objects.ref(each), namespace)
            for other in declared
            if other.name != resource.name
            for each in other.deploy.objects
        }
        stale = [ref for ref in resource.status.applied if objects.identity(ref, namespace) not in kept]
        await self._delete(stale, log)

    async def run(self) -> None:
        """Follow the pods of everything in the cluster, without end."""
        await self._runtimes.run()

    async def _delete(self, refs: Iterable[ObjectRef], log: Log) -> None:
        """Delete objects, dependents first; what is not there is no error."""
        batches = order.deletion_batches(refs)
        if batches:
            log("Deleting kubernetes objects:\n")
        for ref in chain.from_iterable(batches):
            log(f"→ {ref}\n")
            await self._cluster.delete(ref)

    async def _clear(self, refs: Iterable[ObjectRef], log: Log) -> None:
        """Delete objects to make them anew, and see them gone; what holds others stays and is only updated."""
        deletion = ObjectDeletion(self._cluster, lambda line: log(f"{line}\n"), self._clear_seconds)
        batches = order.deletion_batches(ref for ref in refs if ref.kind not in order.HOLDING_OTHERS)
        if batches:
            log("Deleting kubernetes objects:\n")
        for batch in batches:
            for ref in batch:
                log(f"→ {ref}\n")
            left, refused = await deletion.run(batch)
            if refused:
                raise ApplyError("\n".join(refused))
            if left:
                raise finalizers.stuck(await deletion.described(left), self._clear_seconds)

    async def _remove_vanished(self, resource: Resource, refs: tuple[ObjectRef, ...], log: Log) -> None:
        present = set(map(self._key, refs))
        vanished = [ref for ref in resource.status.applied if self._key(ref) not in present]
        if vanished:
            others = {key for other in self._others(resource) for key in self._keys(other)}
            await self._delete([ref for ref in vanished if self._key(ref) not in others], log)

    def _others(self, resource: Resource) -> list[Resource]:
        return [each for each in self._store.snapshot().all(Resource) if each.enabled and each.name != resource.name]

    def _keys(self, resource: Resource) -> set[_Key]:
        """What a resource has in the cluster, or will have."""
        deploy = resource.spec.deploy
        declared = map(objects.ref, deploy.objects)
        return {self._key(ref) for ref in (*declared, *resource.status.applied)}

    def _key(self, ref: ObjectRef) -> _Key:
        return objects.identity(ref, self._namespace())

    def _namespace(self) -> str:
        """Where objects live that name no namespace."""
        cluster = self._store.get(ClusterState, "default")
        return cluster.info.namespace if cluster and cluster.info else objects.DEFAULT_NAMESPACE


def _makes_the_same(resource: Resource, start: Start, images: Sequence[DeployedImage]) -> bool:
    """Did nothing but files ask for an update, and are its images those that were applied (a file was only touched)?"""
    same = start.reason == Reason.CHANGED_FILES and tuple(images) == resource.status.applied_images
    return same and freshness.failed_update(resource) is None
