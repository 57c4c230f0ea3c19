"""What finding an engine needs to know of this machine."""

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from pytilt.host.reading import read_file
from pytilt.model.base import Value
from pytilt.settings import Settings


class Machine(Value):
    """Questions to a machine; a table of answers in tests."""

    system: str
    """`Linux`, `Darwin`, …"""
    runtime_dir: str
    """Where the user's own daemons keep their sockets, for example `/run/user/1000`."""
    exists: Callable[[str], bool]
    read: Callable[[str], str | None]
    """The text of a small file, None when it cannot be read."""
    has_program: Callable[[str], bool]


def this_machine(settings: Settings) -> Machine:
    """The machine that this runs on."""
    return Machine(
        system=platform.system(),
        runtime_dir=settings.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}",
        exists=lambda path: Path(path).exists(),
        read=_read,
        has_program=lambda name: shutil.which(name, path=settings.environ.get("PATH")) is not None,
    )


def _read(path: str) -> str | None:
    try:
        return read_file(path).decode()
    except (OSError, UnicodeDecodeError):
        return None
