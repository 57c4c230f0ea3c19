"""Where a session keeps its files."""

from pathlib import Path

from pytilt.settings import Settings


def token_path(settings: Settings) -> Path:
    """The file of the secret that requests show; it is kept between sessions, as in Tilt."""
    return Path(settings.state_dir, "token")


def sessions_dir(settings: Settings) -> Path:
    """The folder of the sessions' logs, one folder a session."""
    return Path(settings.state_dir, "sessions")
