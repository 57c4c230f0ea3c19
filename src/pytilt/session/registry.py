"""Which sessions run on this machine: each keeps a small file, locked for as long as it lives."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pytilt.errors import SessionUnreachableError, UserError
from pytilt.host.state import LockedError, StateDirectory
from pytilt.settings import Settings

BEGIN_SECONDS = 5.0
"""How long a session waits for another one to take its port; then it goes on without order."""

PAUSE_SECONDS = 0.01
"""Between two looks at the lock of another process, whose release no portable call notifies of."""


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
        return str(Path(self.tiltfile).parent)

    @property
    def url(self) -> str:
        """Where its page is; empty where it has no server."""
        return f"http://{self.host}:{self.port}/" if self.port else ""


class SessionRegistry:
    """The sessions of this user.

    A record counts for as long as its file is locked, so that a session which was killed is not found any more.

    Args:
        settings: where the state directory is.
    """

    def __init__(self, settings: Settings) -> None:
        self._directory = StateDirectory(settings.state_dir).below("running")

    def running(self) -> list[SessionRecord]:
        """All that run, the oldest first; files of others are removed."""
        found = [record for path in self._paths() if (record := _read(path)) is not None]
        return sorted(found, key=lambda record: (record.started, record.pid))

    def near(self, folder: str, *, serving: bool = True) -> SessionRecord | None:
        """The session that a command means which runs in this folder.

        It is the one whose project has this folder or one above it: the innermost, of those the youngest; else the
        youngest that was started in this very folder.

        Args:
            folder: where the command runs.
            serving: only sessions that have a server.
        """
        place = os.path.realpath(folder)
        records = [record for record in self.running() if record.port or not serving]
        around = [record for record in records if Path(place).is_relative_to(record.folder)]
        if around:
            return max(around, key=lambda record: (len(record.folder), record.started))
        here = [record for record in records if record.started_in == place]
        return here[-1] if here else None

    def of_project(self, tiltfile: str) -> list[SessionRecord]:
        """The sessions of a Tiltfile."""
        path = os.path.realpath(tiltfile)
        return [record for record in self.running() if record.tiltfile == path]

    @contextmanager
    def registered(self, record: SessionRecord) -> Iterator[None]:
        """Have a session found for as long as the block; where that cannot be written it is not found."""
        path = self._directory.path / f"{os.urandom(8).hex()}.json"
        descriptor: int | None = None
        with suppress(OSError, UserError):
            self._directory.make()
            descriptor = _write_locked(path, json.dumps(record._asdict()).encode())
        try:
            yield
        finally:
            if descriptor is not None:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                os.close(descriptor)

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Let one session at a time look at the others and take its port."""
        deadline = time.monotonic() + BEGIN_SECONDS
        while True:
            try:
                with self._directory.lock("beginning"):
                    yield
                    return
            except LockedError:
                if time.monotonic() > deadline:
                    break
                time.sleep(PAUSE_SECONDS)
        yield

    def wait_until_gone(self, record: SessionRecord, seconds: float) -> bool:
        """Wait until a session has ended; return whether it has."""
        deadline = time.monotonic() + seconds
        while record in self.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_SECONDS)
        return True

    def _paths(self) -> list[Path]:
        with suppress(OSError):
            return list(self._directory.path.glob("*.json"))
        return []


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
    registry = SessionRegistry(settings)
    with suppress(OSError):
        folder = os.path.realpath(Path.cwd())
        found = registry.near(folder)
        if found is None:
            _refuse_other(registry, folder, usual)
        elif found.host == usual[0] or not (host or settings.host_given):
            return found.host, found.port
    return usual


def _refuse_other(registry: SessionRegistry, folder: str, usual: tuple[str, int]) -> None:
    """Inside a project, leave the sessions of others alone."""
    project = next((each for each in (Path(folder), *Path(folder).parents) if (each / "Tiltfile").is_file()), None)
    if project is None:
        return
    for other in registry.running():
        if other.port == usual[1] and not Path(other.folder).is_relative_to(project):
            raise SessionUnreachableError(
                f"no session of {project} runs; that on port {other.port} is of {other.folder}",
                hint=f"start one with `tilt up`, or ask the other one with `--port {other.port}`",
            )


def _write_locked(path: Path, content: bytes) -> int:
    """Write a file that nobody sees before it is locked; return its descriptor, which holds the lock."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, content)
        temporary.rename(path)
    except OSError:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)
        raise
    return descriptor


def _read(path: Path) -> SessionRecord | None:
    """The record of a session that runs; the file of one that does not is removed."""
    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _decoded(file.read())
        path.unlink(missing_ok=True)
    except OSError:
        return None
    return None


def _decoded(content: bytes) -> SessionRecord | None:
    """A record from its file; None where another version, or another program, has written something else."""
    try:
        record = SessionRecord(**json.loads(content))
    except (ValueError, TypeError):
        return None
    kinds = SessionRecord.__annotations__.values()
    return record if all(type(value) is kind for value, kind in zip(record, kinds, strict=True)) else None
