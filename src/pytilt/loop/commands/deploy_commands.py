"""The commands of `k8s_custom_deploy`: one applies objects and prints them, one deletes them."""

import asyncio
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.cluster.seam import Cluster
from pytilt.cluster.yaml import parse
from pytilt.errors import ApplyError, CommandError, UserError
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.model.commands import Command
from pytilt.model.logs import Level, Log
from pytilt.model.names import ImageName
from pytilt.model.resources import DeployCommands, KubeObject

LONGEST_OUTPUT = 500
"""Characters of what a command printed that an error shows: its beginning and its end; Tilt's number."""


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


def _excerpt(text: str) -> str:
    if len(text) <= LONGEST_OUTPUT:
        return text
    half = LONGEST_OUTPUT // 2
    return f"{text[:half]}\n… [{len(text) - LONGEST_OUTPUT} characters left out] …\n{text[-half:]}"
