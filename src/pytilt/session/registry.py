"""Which sessions run on this machine: each keeps a small file, locked for as long as it lives."""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from pytilt.errors import UserError
from pytilt.host.state import LockedError, StateDirectory
from pytilt.session.lookup import SessionRecord, records_folder, running_sessions, session_near
from pytilt.session.places import keep_token
from pytilt.settings import Settings

BEGIN_SECONDS = 5.0
"""How long a session waits for another one to take its port; then it goes on without order."""

PAUSE_SECONDS = 0.01
"""Between two looks at the lock of another process, whose release no portable call notifies of."""

RENEW_SECONDS = 2.0
"""A session sees after so long that its record was removed."""


class SessionRegistry:
    """The sessions of this user.

    A record counts for as long as its file is locked, so that a session which was killed is not found any more.

    Args:
        settings: where the state directory is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._directory = StateDirectory(records_folder(settings))

    def running(self) -> list[SessionRecord]:
        """All that run, the oldest first; files of others are removed."""
        return running_sessions(self._settings)

    def near(self, folder: str, *, serving: bool = True) -> SessionRecord | None:
        """The session that a command means which runs in this folder; see `session_near`."""
        return session_near(self._settings, folder, serving=serving)

    def of_project(self, tiltfile: str) -> list[SessionRecord]:
        """The sessions of a Tiltfile."""
        path = os.path.realpath(tiltfile)
        return [record for record in self.running() if record.tiltfile == path]

    @contextmanager
    def registered(self, record: SessionRecord, token: str | None = None) -> "Iterator[Registration]":
        """Have a session found for as long as the block; where that cannot be written it is not found.

        Args:
            record: what describes it.
            token: what its server wants to be shown; None: nothing.
        """
        with closing(Registration(self._settings, self._directory, record, token)) as registration:
            registration.renew()
            yield registration

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


class Registration:
    """How one session is found: its record, and the file with the token.

    Args:
        settings: where the token is.
        directory: where the record is.
        record: what describes the session.
        token: what its server wants to be shown; None: nothing.
    """

    def __init__(self, settings: Settings, directory: StateDirectory, record: SessionRecord, token: str | None) -> None:
        self.token = token
        """What the server of the session wants to be shown; None: nothing."""
        self._settings = settings
        self._directory = directory
        self._path = directory.path / f"{os.urandom(8).hex()}.json"
        self._content = json.dumps(record._asdict()).encode()
        self._descriptor: int | None = None

    def renew(self) -> None:
        """Write what is not there, or not any more; where it cannot be written, commands do not find the session."""
        with suppress(OSError, UserError):
            if self.token is not None:
                keep_token(self._settings, self.token)
            if not self._is_there():
                self._directory.make()
                written = _write_locked(self._path, self._content)
                self._release()
                self._descriptor = written

    async def keep(self) -> None:
        """Renew it now and then, without end: somebody may remove the state directory under a session that runs."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await asyncio.to_thread(self.renew)

    def close(self) -> None:
        """Remove the record."""
        with suppress(OSError):
            if self._is_there():
                self._path.unlink()
        self._release()

    def _is_there(self) -> bool:
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except OSError:
            return False

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


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
