"""`tilt down`."""

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import PROJECT_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.terminal.printing import note
from pytilt.errors import UserError
from pytilt.settings import Settings

if TYPE_CHECKING:
    import signal

    from pytilt.session.lookup import SessionRecord
    from pytilt.session.project import SessionProject


@subcommand(
    "down",
    Argument("args", several=True),
    *PROJECT_OPTIONS,
    Option("--delete-namespaces", is_flag=True, help="Delete declared namespaces whatever is in them."),
    Option("--delete-volumes", is_flag=True, help="Delete declared volume claims too."),
)
def command(
    args: tuple[str, ...],
    tiltfile: str,
    context: str | None,
    namespace: str | None,
    delete_namespaces: bool,
    delete_volumes: bool,
) -> int:
    """Delete what the Tiltfile declares from the cluster; a running session of the project ends first.

    The `teardown_cmd` of local resources is run: before that, or after it where something in the cluster needs them.

    A namespace that the Tiltfile declares goes too, unless something is left in it that the project did not put there.
    Custom resources go first, while their operators run. What does not go is named, with exit code 1.

    \b
    Examples:
      tilt down
      tilt down --delete-namespaces
    """
    from pytilt.cli.running import exit_status
    from pytilt.session.project import find_project

    settings = Settings.from_environment()
    project = find_project(settings, tiltfile, args, context=context, namespace=namespace)
    _end_sessions(project)
    ended = take_down(project, delete_namespaces=delete_namespaces, delete_volumes=delete_volumes)
    if ended is None:
        return 0
    note("interrupted; `tilt down` again deletes what is left")
    return exit_status(ended)


def take_down(
    project: "SessionProject", *, delete_namespaces: bool = False, delete_volumes: bool = False, disable: bool = False
) -> "signal.Signals | None":
    """Delete what a Tiltfile declares.

    Args:
        project: whose.
        delete_namespaces: declared ones too, whatever is in them?
        delete_volumes: declared claims too?
        disable: only what goes when every resource is disabled?

    Returns:
        The signal that interrupted it.
    """
    from pytilt.cli.running import run_in_foreground
    from pytilt.cli.terminal.printing import evaluation_log
    from pytilt.host.processes import HostRunner

    async def run(runner: HostRunner) -> None:
        from pytilt.docker.engine import Engine
        from pytilt.loop.commands.processes import command_process
        from pytilt.loop.commands.teardown_commands import TeardownCommands
        from pytilt.loop.teardown import Teardown, disabling
        from pytilt.session.clusters import connected
        from pytilt.session.commands import command_environ, deploy_commands
        from pytilt.session.evaluators import evaluator

        settings = project.settings
        async with (
            Engine(settings) as engine,
            connected(project.target, project.root, settings, runner, engine, _say) as access,
        ):
            result = await evaluator(project, "down", runner, access.kubeconfig).evaluate(project.args, evaluation_log)
            if result.declaration is None:
                raise UserError(result.error or "the Tiltfile cannot be evaluated")
            request = partial(command_process, environ=command_environ(project, access.kubeconfig))
            tearing = Teardown(
                access.cluster,
                _say,
                commands=deploy_commands(runner, access, project),
                local=TeardownCommands(runner, request),
            )
            await tearing.run(
                disabling(result.declaration) if disable else result.declaration,
                delete_namespaces=delete_namespaces,
                delete_volumes=delete_volumes,
                secrets=result.secrets,
            )

    return run_in_foreground(run)


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal may be gone; what is to be deleted goes all the same
        print(line, flush=True)


def _end_sessions(project: "SessionProject") -> None:
    """End the sessions of this project with this cluster, which would deploy again what is deleted."""
    from pytilt.cli.session.stop import end
    from pytilt.session.registry import SessionRegistry

    registry, target = SessionRegistry(project.settings), project.target
    for record in registry.of_project(project.tiltfile):
        same = (record.context, record.namespace) == (target.context, target.namespace)
        if is_descendant_of(record.pid):
            continue
        if same:
            end(registry, record)
        else:
            note(goes_on(record))


def goes_on(record: "SessionRecord") -> str:
    """What is said of a session of the project that deploys elsewhere, and is left alone."""
    namespace = f" --namespace {record.namespace}" if record.namespace else ""
    return (
        f"a session of this project runs with the context `{record.context}` and goes on\n"
        f"`tilt down --context {record.context}{namespace}` ends it and deletes what it deployed"
    )


def is_descendant_of(pid: int) -> bool:
    """Was this process started by that one, directly or not? A session may run `tilt down` as one of its commands."""
    import psutil  # imported here: most often no session runs

    return any(each.pid == pid for each in psutil.Process().parents())
