"""Full updates of Kubernetes resources: images, YAML, apply, and the removal of what is declared no more."""

from collections.abc import Iterable
from itertools import chain

from pytilt.cluster import finalizers, injection, objects, order
from pytilt.cluster.seam import Cluster, ObjectRef
from pytilt.errors import ApplyError
from pytilt.host import timing
from pytilt.loop.deploy_commands import DeployCommandRunner
from pytilt.loop.imaging import Imaging, step_count
from pytilt.loop.narration import UpdateSteps
from pytilt.loop.object_apply import apply_objects
from pytilt.loop.object_deletion import ObjectDeletion
from pytilt.loop.outcomes import Done
from pytilt.loop.schedule import Start
from pytilt.model.clusters import ClusterInfo
from pytilt.model.logs import Log
from pytilt.model.objects import ClusterState, Resource
from pytilt.model.resources import DeployCommands, KubernetesDeploy
from pytilt.model.updates import Outcome, StepName
from pytilt.store.objects import Store

CLEAR_SECONDS = 30.0
"""How long an object may take to go before it is made anew, as in Tilt."""

KEEP = ("tilt.dev/down-policy", "keep")
"""Objects with this annotation outlive `tilt down`."""

_Key = tuple[str, str, str, str]


class Deploying:
    """Carries out full updates.

    Args:
        store: the session's objects.
        cluster: where to deploy.
        imaging: makes the images.
        commands: runs those of resources that the user's own commands deploy.
        clear_seconds: how long an object may take to go that a forced update makes anew.
    """

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        imaging: Imaging,
        *,
        commands: DeployCommandRunner | None = None,
        clear_seconds: float = CLEAR_SECONDS,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._imaging = imaging
        self._commands = commands
        self._clear_seconds = clear_seconds

    async def update(self, resource: Resource, start: Start, log: Log, *, timeout: float) -> Done:  # noqa: ASYNC109 - the limit of one object
        """Build, publish, apply; then remove what the last update had applied and this one did not.

        Raises:
            WorkError: what failed; nothing that was applied is undone.
            UnreachableError: the engine or the cluster does not answer.
        """
        deploy = resource.spec.deploy
        assert isinstance(deploy, KubernetesDeploy)
        info = self._info()
        steps = UpdateSteps(log, step_count(resource.spec.built_images, force=start.force))
        if start.force:
            with steps.step("Force update") as step_log, timing.step(StepName.DELETE):
                if deploy.commands is not None:
                    await self._runner.delete(deploy.commands, step_log, seconds=timeout)
                else:
                    await self._clear(resource.status.applied, step_log)
        elif resource.spec.images:
            await self._cluster.prepare(deploy.objects)
        images = await self._imaging.ensure(resource, info, steps, sequence=start.sequence, force=start.force)
        references = {image.name: image.reference for image in images}
        deployed = [image for image in resource.spec.built_images if image.deployed]
        with steps.step("Deploying") as step_log, timing.step(StepName.APPLY):
            if deploy.commands is not None:
                named = {name: references[name] for name in deploy.images if name in references}
                applied = await self._runner.apply(deploy.commands, named, step_log, seconds=timeout)
                hashes: tuple[str, ...] = ()
            else:
                wanted = injection.inject(deploy.objects, references, deployed, deploy.locators)
                applied = await apply_objects(self._cluster, wanted, step_log, seconds=timeout)
                hashes = injection.template_hashes(wanted)
            refs = tuple(objects.ref(each) for each in applied)
            if deploy.commands is None:
                await self._remove_vanished(resource, refs, step_log)
        steps.recap()
        return Done(
            outcome=Outcome.OK,
            status={
                "applied": refs,
                "applied_uids": tuple(str(each["metadata"].get("uid", "")) for each in applied),
                "template_hashes": hashes,
                "applied_images": images,
                "deployed_at": self._store.now(),
                "synced": start.sequence,
                # Their pods may go on running: no image was built for them.
                "containers": resource.status.containers if deployed != list(resource.spec.images) else (),
            },
        )

    @property
    def _runner(self) -> DeployCommandRunner:
        if self._commands is None:
            raise ApplyError("there is nothing here that runs commands")
        return self._commands

    async def undeploy(self, commands: DeployCommands, log: Log, *, seconds: float) -> None:
        """Remove what the user's own commands deployed.

        Raises:
            ApplyError: the command failed.
        """
        await self._runner.delete(commands, log, seconds=seconds)

    async def remove(self, refs: Iterable[ObjectRef], log: Log) -> None:
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
            await self.remove([ref for ref in vanished if self._key(ref) not in others], log)

    def _others(self, resource: Resource) -> list[Resource]:
        return [each for each in self._store.snapshot().all(Resource) if each.enabled and each.name != resource.name]

    def _keys(self, resource: Resource) -> set[_Key]:
        """What a resource has in the cluster, or will have."""
        deploy = resource.spec.deploy
        declared = map(objects.ref, deploy.objects)
        return {self._key(ref) for ref in (*declared, *resource.status.applied)}

    def _key(self, ref: ObjectRef) -> _Key:
        return objects.identity(ref, self._info().namespace)

    def _info(self) -> ClusterInfo:
        state = self._store.get(ClusterState, "default")
        if state is None or state.info is None:
            raise ApplyError("the cluster is not connected")
        return state.info
