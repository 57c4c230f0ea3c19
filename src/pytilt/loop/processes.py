"""The processes of users' commands: their environment, and how they ended."""

from collections.abc import Mapping

from pytilt.host.processes import ProcessRequest
from pytilt.model.commands import Command


def command_process(command: Command, environ: Mapping[str, str]) -> ProcessRequest:
    """The process of a command, with the environment that Tilt gives it.

    Args:
        command: what is to run.
        environ: the environment that every command gets.
    """
    env = {"LINES": "24", "COLUMNS": "80", "PYTHONUNBUFFERED": "1", **environ, **dict(command.env)}
    return ProcessRequest(argv=command.argv, dir=command.dir, env=tuple(sorted(env.items())))


def ending(exit_status: int) -> str:
    """How a process ended, in Tilt's words."""
    return f"exit status {exit_status}" if exit_status >= 0 else f"signal {-exit_status}"
