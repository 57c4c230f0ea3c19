"""The place of a session among others: its port, and the file by which commands find it."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pytilt.errors import UserError
from pytilt.model.times import precise
from pytilt.server.binding import bind
from pytilt.session.lookup import SessionRecord
from pytilt.session.places import ensure_token
from pytilt.session.project import SessionProject
from pytilt.session.registry import Registration, SessionRegistry


class Hosting(NamedTuple):
    """Where a session listens."""

    host: str
    port: int
    """0: nowhere."""
    listener: socket.socket | None
    registration: Registration
    taken: str = ""
    """Why it is not the usual port, which nobody asked for; empty where it is."""

    @property
    def address(self) -> str:
        """In words, for the first line of a session."""
        if not self.port:
            return "(without browser UI)"
        return f"on http://{self.host}:{self.port}/" + (f" ({self.taken})" if self.taken else "")


@contextmanager
def hosting(project: SessionProject, host: str | None, port: int | None, *, ci: bool = False) -> Iterator[Hosting]:
    """Take the port of a session and have commands find it, for as long as the block.

    Args:
        project: whose session.
        host: of the command line.
        port: of the command line; if neither it nor the environment names one, the next free one is taken.
        ci: does the session end by itself?

    Raises:
        UserError: the port that was named is taken, or a session of this project runs already.
    """
    settings = project.settings
    registry = SessionRegistry(settings)
    where, wanted = host or settings.host, settings.port if port is None else port
    free = port is None and not settings.port_given
    with ExitStack() as stack:
        with registry.beginning():
            if free:
                _refuse_second(registry, project)
            token = ensure_token(settings) if wanted and settings.hud_auth else None  # before anybody can ask
            listener = _bind(where, wanted, others=free) if wanted else None
            if listener is not None:
                stack.enter_context(listener)
            actual = listener.getsockname()[1] if listener is not None else 0
            taken = _taken(registry, wanted) if actual != wanted else ""
            record = SessionRecord(
                pid=os.getpid(),
                tiltfile=os.path.realpath(project.tiltfile),
                started_in=os.path.realpath(Path.cwd()),
                host=where,
                port=actual,
                started=precise(datetime.now(UTC)),
                ci=ci,
                context=project.target.context,
                namespace=project.target.namespace,
            )
            registration = stack.enter_context(registry.registered(record, token))
        yield Hosting(where, actual, listener, registration, taken)


def _bind(host: str, port: int, *, others: bool) -> socket.socket:
    return asyncio.run(bind(host, port, others=others))


def _refuse_second(registry: SessionRegistry, project: SessionProject) -> None:
    target = project.target
    for other in registry.of_project(project.tiltfile):
        if (other.context, other.namespace) == (target.context, target.namespace):
            place = f" on {other.url}" if other.url else ""
            raise UserError(
                f"a session of this project runs already{place} (process {other.pid})",
                hint="`tilt attach` shows it, `tilt stop` ends it; with `--port` another one runs beside it",
            )


def _taken(registry: SessionRegistry, port: int) -> str:
    for other in registry.running():
        if other.port == port:
            return f"{port} is taken by the session of {other.folder}"
    return f"{port} is taken"
