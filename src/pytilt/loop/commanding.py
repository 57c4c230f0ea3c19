"""Updates of local resources: the command of a `local_resource`, run once."""

from collections.abc import Callable, Mapping

from pytilt.errors import CommandError
from pytilt.host.output import Tail, both, decoded
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.host.timing import step
from pytilt.loop.cmd_progress import CmdProgress
from pytilt.loop.declaring import update_command
from pytilt.loop.outcomes import Done
from pytilt.model.api.cmds import CmdStatus
from pytilt.model.commands import Command
from pytilt.model.logs import Level, Log
from pytilt.model.objects import Resource
from pytilt.model.resources import ComposeDeploy, LocalDeploy
from pytilt.model.updates import Outcome, StepName

Report = Callable[[str, CmdStatus], None]
"""Called with the name and status of a Cmd."""


class Commanding:
    """Runs the commands of local resources.

    Args:
        runner: starts processes.
        environ: the environment that every command gets.
        report: called with how the command of a resource is doing.
    """

    def __init__(self, runner: Runner, environ: Mapping[str, str], report: Report = lambda _, __: None) -> None:
        self._runner = runner
        self._environ = environ
        self._report = report

    async def update(self, resource: Resource, log: Log) -> Done:
        """Run the command of a resource; one without command is done at once.

        Raises:
            CommandError: it could not start, or ended with another status than 0.
        """
        deploy = resource.spec.deploy
        assert isinstance(deploy, LocalDeploy)
        if isinstance(deploy, ComposeDeploy):
            raise CommandError(
                f"`{resource.name}` is a service of Docker Compose, which is not run here yet",
                hint="deploy it with `k8s_yaml`, or run `docker compose up` with a `local_resource`",
            )
        if deploy.update is None:
            return Done(outcome=Outcome.OK)
        if not deploy.update.echo_off:
            log(f"Running cmd: {deploy.update.shown}\n")
        tail = Tail()
        output = decoded(both(tail.feed, log))
        progress = CmdProgress(lambda status: self._report(update_command(resource.name), status))
        with progress.running(), step(StepName.COMMAND, "" if deploy.update.echo_off else deploy.update.shown):
            outcome = await self._runner.run(
                self.request(deploy.update),
                output,
                notice=lambda text: log(f"{text}\n", level=Level.WARN),
                started=progress.started,
            )
            progress.ended(outcome.exit_status)
        if outcome.exit_status != 0:
            raise CommandError(
                f'Command "{deploy.update.shown}" failed: {ending(outcome.exit_status)}',
                exit_status=outcome.exit_status,
                output=tail.excerpt(),
            )
        return Done(outcome=Outcome.OK)

    def request(self, command: Command) -> ProcessRequest:
        """The process of a command, with the environment that Tilt gives it."""
        env = {"LINES": "24", "COLUMNS": "80", "PYTHONUNBUFFERED": "1", **self._environ, **dict(command.env)}
        return ProcessRequest(argv=command.argv, dir=command.dir, env=tuple(sorted(env.items())))


def ending(exit_status: int) -> str:
    """How a process ended, in Tilt's words."""
    return f"exit status {exit_status}" if exit_status >= 0 else f"signal {-exit_status}"
