"""How a command finds the session that it asks: what the files of running sessions say, and where the token is.

Every verb imports this before it asks anything, so paths are texts here: `pathlib` takes longer to import than the
answer takes to come.
"""

from __future__ import annotations

import fcntl
import os

from pytilt.errors import SessionUnreachableError
from pytilt.model.json_text import loads
from pytilt.model.named_tuple import NamedTuple
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class SessionRecord(NamedTuple):
    """A session that runs, as its file describes it; no struct, as those take long to import."""

    pid: int
    tiltfile: str
    """Absolute path, without symbolic links."""
    started_in: str
    """The folder in which it was started."""
    host: str
    port: int
    """0 where it has no server."""
    started: str
    """RFC 3339."""
    ci: bool = False
    context: str = ""
    namespace: str = ""

    @property
    def folder(self) -> str:
        """Of the project."""
        return os.path.dirname(self.tiltfile)

    @property
    def url(self) -> str:
        """Where its page is; empty where it has no server."""
        return f"http://{self.host}:{self.port}/" if self.port else ""


def token_file(settings: Settings) -> str:
    """The file of the secret that requests show; it is kept between sessions, as in Tilt."""
    return os.path.join(settings.state_dir, "token")


def records_folder(settings: Settings) -> str:
    """Where each session that runs keeps a file, locked for as long as it lives."""
    return os.path.join(settings.state_dir, "running")


def running_sessions(settings: Settings) -> list[SessionRecord]:
    """All sessions of this user that run, the oldest first; files of others are removed."""
    folder = records_folder(settings)
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".json")]
    except OSError:
        return []
    found = [record for name in names if (record := _read(os.path.join(folder, name))) is not None]
    return sorted(found, key=lambda record: (record.started, record.pid))


def session_near(settings: Settings, folder: str, *, serving: bool = True) -> SessionRecord | None:
    """The session that a command means which runs in this folder.

    It is the one whose project has this folder or one above it: the innermost, of those the youngest; else the
    youngest that was started in this very folder.

    Args:
        settings: where the state directory is.
        folder: where the command runs.
        serving: only sessions that have a server.
    """
    place = os.path.realpath(folder)
    records = [record for record in running_sessions(settings) if record.port or not serving]
    around = [record for record in records if _is_inside(place, record.folder)]
    if around:
        return max(around, key=lambda record: (len(record.folder), record.started))
    here = [record for record in records if record.started_in == place]
    return here[-1] if here else None


def session_address(settings: Settings, host: str | None = None, port: int | None = None) -> tuple[str, int]:
    """Host and port of the session that a command asks.

    Args:
        settings: what the environment says; a port there counts as one on the command line.
        host: of the command line.
        port: of the command line; without any, the session of the project around the present folder is meant.

    Raises:
        SessionUnreachableError: it does not run, and at the usual address is the session of another project.
    """
    usual = (host or settings.host, settings.port if port is None else port)
    if port is not None or settings.port_given:
        return usual
    try:
        folder = os.path.realpath(os.getcwd())
        found = session_near(settings, folder)
        if found is None:
            _refuse_other(settings, folder, usual)
    except OSError:
        return usual
    if found is not None and (found.host == usual[0] or not (host or settings.host_given)):
        return found.host, found.port
    return usual


def _refuse_other(settings: Settings, folder: str, usual: tuple[str, int]) -> None:
    """Inside a project, leave the sessions of others alone."""
    project = next((each for each in _upwards(folder) if os.path.isfile(os.path.join(each, "Tiltfile"))), None)
    if project is None:
        return
    for other in running_sessions(settings):
        if other.port == usual[1] and not _is_inside(other.folder, project):
            raise SessionUnreachableError(
                f"no session of {project} runs; that on port {other.port} is of {other.folder}",
                hint=f"start one with `tilt up`, or ask the other one with `--port {other.port}`",
            )


def _upwards(folder: str) -> Iterator[str]:
    """A folder, and those that it is in."""
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def _read(path: str) -> SessionRecord | None:
    """The record of a session that runs; the file of one that does not is removed."""
    try:
        with open(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _decoded(file.read())
        os.unlink(path)
    except OSError:
        return None
    return None


def _decoded(content: bytes) -> SessionRecord | None:
    """A record from its file; None where another version, or another program, has written something else."""
    try:
        record = SessionRecord(**loads(content))
    except (ValueError, TypeError):
        return None
    kinds = SessionRecord.__annotations__.values()
    return record if all(type(value).__name__ == kind for value, kind in zip(record, kinds, strict=True)) else None
