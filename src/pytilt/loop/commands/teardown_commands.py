"""The `teardown_cmd` of local resources: what undoes outside of a cluster what a resource has done."""

from collections.abc import Callable, Sequence

from pytilt.errors import CommandError, WorkError
from pytilt.host.output import decoded
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.loop.commands.processes import ending
from pytilt.model.commands import Command
from pytilt.model.names import ResourceName
from pytilt.model.resources import Declaration, ResourceSpec


class TeardownCommands:
    """Runs them.

    Args:
        runner: starts processes.
        request: makes the process of a command.
    """

    def __init__(self, runner: Runner, request: Callable[[Command], ProcessRequest]) -> None:
        self._runner = runner
        self._request = request

    async def run(self, resources: Sequence[ResourceSpec], notify: Callable[[str], None]) -> list[str]:
        """Run the commands of some resources, one after the other; one that fails keeps no other from running.

        Args:
            resources: in their order; those without such a command are left out.
            notify: called with each line.

        Returns:
            What went wrong.
        """
        failed: list[str] = []
        for resource in resources:
            command = resource.deploy.teardown
            if command is not None:
                try:
                    await self._one(resource.name, command, notify)
                except WorkError as problem:
                    failed.append(f"{resource.name}: {problem}")
        return failed

    async def _one(self, name: ResourceName, command: Command, notify: Callable[[str], None]) -> None:
        notify(f"Running teardown_cmd of {name}: {command.shown}")
        lines = _Lines(name, notify)
        outcome = await self._runner.run(self._request(command), decoded(lines.take), notice=notify)
        lines.end()
        if outcome.exit_status != 0:
            raise CommandError(f"teardown_cmd `{command.shown}` failed: {ending(outcome.exit_status)}")


class _Lines:
    """Passes output on line by line, with the name of its resource in front."""

    def __init__(self, name: ResourceName, notify: Callable[[str], None]) -> None:
        self._name, self._notify, self._rest = name, notify, ""

    def take(self, text: str) -> None:
        *lines, self._rest = f"{self._rest}{text}".split("\n")
        for line in lines:
            self._notify(f"{self._name} │ {line}")

    def end(self) -> None:
        if self._rest:
            self._notify(f"{self._name} │ {self._rest}")


def needed_by_cluster(declaration: Declaration) -> frozenset[ResourceName]:
    """The resources that something in the cluster needs, directly or not: they are torn down after it."""
    by_name = {each.name: each for each in declaration.resources}
    found: set[ResourceName] = set()
    waiting = [each for each in declaration.resources if each.deploy.in_cluster and each.name in declaration.enabled]
    while waiting:
        for name in waiting.pop().resource_deps:
            if name in by_name and name not in found:
                found.add(name)
                waiting.append(by_name[name])
    return frozenset(found)
