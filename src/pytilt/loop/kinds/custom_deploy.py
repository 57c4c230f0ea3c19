"""Resources that the user's own commands deploy (`k8s_custom_deploy`): one applies and prints what, one deletes."""

from collections.abc import Sequence

from pytilt.cluster import objects
from pytilt.host import timing
from pytilt.loop.apply import applied
from pytilt.loop.apply.applied_objects import AppliedObjects
from pytilt.loop.apply.synced_pods import SyncedPods
from pytilt.loop.commands.deploy_commands import DeployCommandRunner
from pytilt.loop.images.imaging import Imaging, step_count
from pytilt.loop.live_updates.inference import infer
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.narration import UpdateSteps
from pytilt.loop.updates.outcomes import Done
from pytilt.model.logs import Log
from pytilt.model.objects import Resource
from pytilt.model.resources import CustomDeploy, KubeObject, ResourceSpec, UpdateSettings
from pytilt.model.updates import Reason, StepName
from pytilt.store.objects import Store


class CustomDeployKind:
    """Deploys resources by their commands.

    Args:
        store: the session's objects.
        imaging: makes the images.
        commands: runs the commands.
        applied_objects: keeps what was applied, so that somebody may look after it.
        synced: knows the pods with files that their images do not have; None: there are none.
    """

    def __init__(
        self,
        store: Store,
        imaging: Imaging,
        commands: DeployCommandRunner,
        applied_objects: AppliedObjects,
        synced: SyncedPods | None = None,
    ) -> None:
        self._store = store
        self._imaging = imaging
        self._commands = commands
        self._applied_objects = applied_objects
        self._synced = synced

    async def update(
        self, resource: Resource, deploy: CustomDeploy, start: Start, log: Log, settings: UpdateSettings
    ) -> Done:
        """Build, publish, run the apply command; a forced update runs the delete command first.

        It is run once more where somebody has deleted what it applied: nothing else knows how to make that anew.

        Raises:
            WorkError: what failed; nothing that was applied is undone.
            UnreachableError: the engine or the cluster does not answer.
        """
        info = applied.connected_cluster(self._store)
        self._applied_objects.forget(resource.name)
        seconds = settings.apply_timeout_seconds
        steps = UpdateSteps(log, step_count(resource.spec.built_images, force=start.force))
        if start.force:
            with steps.step("Force update") as step_log, timing.step(StepName.DELETE):
                await self._commands.delete(deploy.commands, step_log, seconds=seconds)
        images = await self._imaging.ensure(resource, info, steps, sequence=start.sequence, force=start.force)
        first = start.reason == Reason.INITIAL_BUILD
        if first:
            images = await self._imaging.ensure_published(resource, info, steps, images, sequence=start.sequence)
        references = {image.name: image.reference for image in images}
        with steps.step("Deploying") as step_log, timing.step(StepName.APPLY):
            named = {name: references[name] for name in deploy.images if name in references}
            if self._synced is not None and (first or named):
                await self._synced.replace(resource.name, images, (), step_log, first=first)
            present = await self._commands.apply(deploy.commands, named, step_log, seconds=seconds)
        self._applied_objects.note(resource.name, [_identity(each) for each in present], present)
        steps.recap()
        return applied.done(
            resource,
            present,
            images,
            sequence=start.sequence,
            now=self._store.now(),
            inferences=infer(self._store.snapshot(), resource),
        )

    async def remove(
        self,
        resource: Resource,
        deploy: CustomDeploy,
        declared: Sequence[ResourceSpec],
        log: Log,
        settings: UpdateSettings,
    ) -> None:
        """Run the delete command, if the apply command ever ran: nobody knows what it did even if it failed.

        Raises:
            ApplyError: the delete command failed or took too long.
        """
        self._applied_objects.forget(resource.name)
        if resource.status.history:
            await self._commands.delete(deploy.commands, log, seconds=settings.apply_timeout_seconds)

    async def run(self) -> None:
        """Its pods are followed with those of all that is in the cluster (`KubernetesKind.run`)."""


def _identity(o: KubeObject) -> KubeObject:
    """What of an object is known to be wanted: that it is there. Its fields are the command's affair."""
    named = {key: value for key, value in objects.metadata(o).items() if key in ("name", "namespace")}
    return {"apiVersion": o.get("apiVersion", ""), "kind": o.get("kind", ""), "metadata": named}
