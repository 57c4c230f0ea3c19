"""Resources that the user's own commands deploy (`k8s_custom_deploy`): one applies and prints what, one deletes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.cluster.seam import Cluster
from pytilt.cluster.yaml import parse
from pytilt.errors import ApplyError, CommandError, UserError
from pytilt.host import timing
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.loop import applied
from pytilt.loop.applied_objects import AppliedObjects
from pytilt.loop.imaging import Imaging, step_count
from pytilt.loop.inference import infer
from pytilt.loop.narration import UpdateSteps
from pytilt.loop.outcomes import Done
from pytilt.loop.schedule import Start
from pytilt.model.commands import Command
from pytilt.model.logs import Level, Log
from pytilt.model.names import ImageName
from pytilt.model.objects import Resource
from pytilt.model.resources import CustomDeploy, DeployCommands, KubeObject, ResourceSpec, UpdateSettings
from pytilt.model.updates import Reason, StepName
from pytilt.store.objects import Store

LONGEST_OUTPUT = 500
"""Characters of what a command printed that an error shows: its beginning and its end; Tilt's number."""


class CustomDeployKind:
    """Deploys resources by their commands.

    Args:
        store: the session's objects.
        imaging: makes the images.
        commands: runs the commands.
        applied_objects: keeps what was applied, so that somebody may look after it.
    """

    def __init__(
        self, store: Store, imaging: Imaging, commands: "DeployCommandRunner", applied_objects: AppliedObjects
    ) -> None:
        self._store = store
        self._imaging = imaging
        self._commands = commands
        self._applied_objects = applied_objects

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
        if start.reason == Reason.INITIAL_BUILD:
            images = await self._imaging.ensure_published(resource, info, steps, images, sequence=start.sequence)
        references = {image.name: image.reference for image in images}
        with steps.step("Deploying") as step_log, timing.step(StepName.APPLY):
            named = {name: references[name] for name in deploy.images if name in references}
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


class DeployCommandRunner:
    """Runs apply and delete commands.

    Args:
        runner: starts processes.
        request: makes the process of a command.
        cluster: knows the objects that a command says it applied.
        kubernetes: is there a Kubernetes API that a command can speak to?
    """

    def __init__(
        self, runner: Runner, request: Callable[[Command], ProcessRequest], cluster: Cluster, *, kubernetes: bool
    ) -> None:
        self._runner = runner
        self._request = request
        self._cluster = cluster
        self._kubernetes = kubernetes

    async def apply(
        self, commands: DeployCommands, images: Mapping[ImageName, str], log: Log, *, seconds: float
    ) -> list[KubeObject]:
        """Run the apply command.

        Args:
            commands: of the resource.
            images: the images it deploys, in their order, and their references as the cluster knows them.
            log: takes what the command writes to its standard error.
            seconds: how long it may take.

        Returns:
            The objects that it printed, as they are in the cluster.

        Raises:
            ApplyError: it failed, took too long, or printed no YAML.
        """
        env: dict[str, str] = {}
        for index, (name, reference) in enumerate(images.items()):
            env |= {
                f"TILT_IMAGE_MAP_{index}": name.replace("/", "_").replace("%", "_"),
                f"TILT_IMAGE_{index}": reference,
            }
        printed = await self._run("apply", commands.apply, env, log, seconds)
        try:
            found = parse(printed, "stdout")
        except UserError as error:
            raise ApplyError(f"apply command returned malformed YAML: {error}\nstdout:\n{_excerpt(printed)}") from error
        present = [await self._present(each) for each in found]
        log("Objects applied to cluster:\n")
        for each in present:
            log(f"  → {objects.name(each)}:{objects.kind(each).lower()}\n")
        return present

    async def delete(self, commands: DeployCommands, log: Log, *, seconds: float) -> None:
        """Run the delete command.

        Raises:
            ApplyError: it failed or took too long.
        """
        await self._run("delete", commands.delete, {}, log, seconds)

    async def _present(self, printed: KubeObject) -> KubeObject:
        """The object with the `uid` that it has in the cluster, which the command need not print."""
        if objects.uid(printed):
            return printed
        return await self._cluster.get(objects.ref(printed)) or printed

    async def _run(self, what: str, command: Command, env: Mapping[str, str], log: Log, seconds: float) -> str:
        if not self._kubernetes:
            raise ApplyError(
                f"the {what} command speaks to the Kubernetes API, which the context `engine` does not have",
                hint="choose a cluster: `--context NAME` or `kubectl config use-context NAME`",
            )
        command = replace(command, env=(*command.env, *env.items()))
        if not command.echo_off:
            log(f"Running cmd: {command.shown}\n")
        printed: list[bytes] = []

        def show(chunk: bytes) -> None:
            log(chunk.decode(errors="replace"))

        def take(chunk: bytes) -> None:
            printed.append(chunk)
            if what == "delete":  # nobody reads it but the person
                show(chunk)

        try:
            async with asyncio.timeout(seconds):
                outcome = await self._runner.run(
                    self._request(command),
                    take,
                    error_output=show,
                    notice=lambda text: log(f"{text}\n", level=Level.WARN),
                )
        except TimeoutError as error:
            raise ApplyError(
                f"{what} command timed out after {seconds:g}s",
                hint="allow it more: `update_settings(k8s_upsert_timeout_secs=…)`",
            ) from error
        except CommandError as error:
            raise ApplyError(f"{what} command failed: {error.message}") from error
        text = b"".join(printed).decode(errors="replace")
        shown = f"\nstdout:\n{_excerpt(text)}" if text else ""
        if outcome.exit_status != 0:
            raise ApplyError(f"{what} command exited with status {outcome.exit_status}{shown}")
        return text


def _identity(o: KubeObject) -> KubeObject:
    """What of an object is known to be wanted: that it is there. Its fields are the command's affair."""
    named = {key: value for key, value in objects.metadata(o).items() if key in ("name", "namespace")}
    return {"apiVersion": o.get("apiVersion", ""), "kind": o.get("kind", ""), "metadata": named}


def _excerpt(text: str) -> str:
    if len(text) <= LONGEST_OUTPUT:
        return text
    half = LONGEST_OUTPUT // 2
    return f"{text[:half]}\n… [{len(text) - LONGEST_OUTPUT} characters left out] …\n{text[-half:]}"
