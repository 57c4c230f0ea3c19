"""Where a session keeps its files."""

import shutil
import uuid
from pathlib import Path

from pytilt.host.state import StateDirectory
from pytilt.settings import Settings

KEPT_SESSIONS = 5
"""Logs of so many sessions are kept, the running ones included; older ones are removed when another begins."""


def token_path(settings: Settings) -> Path:
    """The file of the secret that requests show; it is kept between sessions, as in Tilt."""
    return Path(settings.state_dir, "token")


def ensure_token(settings: Settings) -> str:
    """The secret, made when there is none yet.

    Raises:
        UserError: the state directory cannot be written.
    """
    directory = StateDirectory(settings.state_dir)
    found = directory.read("token")
    if found and found.strip():
        return found.decode().strip()
    token = str(uuid.uuid4())
    directory.write("token", token.encode())
    return token


def new_session_dir(settings: Settings) -> Path:
    """A folder for the log of a session that begins now.

    Raises:
        UserError: it cannot be made, for example because the disk is full.
    """
    sessions = StateDirectory(settings.state_dir).below("sessions")
    folder = sessions.below(uuid.uuid4().hex).make()
    for path in sorted(sessions.path.iterdir(), key=_changed_at, reverse=True)[KEPT_SESSIONS:]:
        shutil.rmtree(path, ignore_errors=True)
    return folder


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another session that begins now removed it first
        return 0.0
