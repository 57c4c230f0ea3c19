"""Where a session keeps its files."""

import time
from pathlib import Path

from pytilt.host.state import StateDirectory
from pytilt.session.lookup import token_file
from pytilt.settings import Settings

KEPT_SESSIONS = 5
"""Logs of so many sessions are kept, the running ones included; older ones are removed when another begins."""

KEPT_SECONDS = 14 * 24 * 3600.0
"""So long a log is kept after its last line."""

KEPT_BYTES = 2 * 1024**3
"""So much all logs but those of the present hour may take; beyond it the oldest go."""

RUNNING_SECONDS = 3600.0
"""What was written to within this time may belong to a session that runs."""


def token_path(settings: Settings) -> Path:
    """See `token_file`."""
    return Path(token_file(settings))


def ensure_token(settings: Settings) -> str:
    """The secret, made when there is none yet.

    Raises:
        UserError: the state directory cannot be written.
    """
    import uuid  # imported here: a verb that only reads the token does without

    directory = StateDirectory(settings.state_dir)
    found = directory.read("token")
    if found and found.strip():
        return found.decode().strip()
    token = str(uuid.uuid4())
    directory.write("token", token.encode())
    return token


def keep_token(settings: Settings, token: str) -> None:
    """Write the secret of a session that runs, where there is no file of it any more.

    Raises:
        UserError: the state directory cannot be written.
    """
    if not token_path(settings).exists():
        StateDirectory(settings.state_dir).write("token", token.encode())


def new_session_dir(settings: Settings) -> Path:
    """A folder for the log of a session that begins now.

    Raises:
        UserError: it cannot be made, for example because the disk is full.
    """
    import shutil  # imported here, for the same reason
    import uuid

    sessions = StateDirectory(settings.state_dir).below("sessions")
    folder = sessions.below(uuid.uuid4().hex).make()
    now, size = time.time(), 0
    for place, path in enumerate(sorted(sessions.path.iterdir(), key=_changed_at, reverse=True)):
        age = now - _changed_at(path)
        size += _size(path) if age > RUNNING_SECONDS else 0
        if place >= KEPT_SESSIONS or age > KEPT_SECONDS or size > KEPT_BYTES:
            shutil.rmtree(path, ignore_errors=True)
    return folder


def _size(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except OSError:
        return 0


def _changed_at(path: Path) -> float:
    """When a log was last written to; its folder, when the log began."""
    try:
        return max([path.stat().st_mtime, *(file.stat().st_mtime for file in path.iterdir())])
    except OSError:  # another session that begins now removed it first
        return 0.0
