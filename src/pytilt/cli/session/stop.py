"""`tilt stop`."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.parsing import IntRange, Option
from pytilt.errors import UserError
from pytilt.session.lookup import SessionRecord
from pytilt.session.registry import SessionRegistry
from pytilt.settings import Settings

STOP_SECONDS = 120.0
"""A session ends two seconds after a signal at the latest; deleting what it deployed, where it is to, takes longer."""


@subcommand(
    "stop",
    Option("--port", type=IntRange(0, 65535), help="Port of the session (TILT_PORT; this project's session)."),
    Option("--all", "every", is_flag=True, help="All sessions that run on this machine."),
)
def command(port: int | None, every: bool) -> None:
    """End the running session of this project, and wait until it is gone.

    What it deployed stays, unless it was started with `--on-exit=down`.

    \b
    Examples:
      tilt stop
      tilt stop --all
    """
    settings = Settings.from_environment()
    registry = SessionRegistry(settings)
    port = settings.port if port is None and settings.port_given else port
    records = registry.running() if every else _meant(registry, port)
    if not records and not every:
        raise UserError(
            "no session of this project runs" if port is None else f"no session runs on port {port}",
            hint="`tilt sessions` lists those that run",
        )
    for record in records:
        end(registry, record)


def end(registry: SessionRegistry, record: SessionRecord) -> None:
    """End a session and wait until it is gone.

    Raises:
        UserError: it does not end, or belongs to another user.
    """
    try:
        with suppress(ProcessLookupError):
            os.kill(record.pid, signal.SIGTERM)
    except PermissionError as problem:
        raise UserError(f"process {record.pid} may not be ended: {problem.strerror}") from problem
    if not registry.wait_until_gone(record, STOP_SECONDS):
        raise UserError(f"the session does not end (process {record.pid})", hint=f"end it with `kill -9 {record.pid}`")
    print(f"the session of {record.folder} has ended (process {record.pid})", flush=True)


def _meant(registry: SessionRegistry, port: int | None) -> list[SessionRecord]:
    if port is not None:
        return [record for record in registry.running() if record.port == port]
    found = registry.near(str(Path.cwd()), serving=False)
    return [found] if found is not None else []
