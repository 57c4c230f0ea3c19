"""The files into which this program prints."""

import fcntl
import os
import stat
import sys
from pathlib import Path

_PRINTED = (1, 2)
_LONGEST_PATH = 1024
"""Of macOS, in bytes."""


def own_outputs() -> tuple[str, ...]:
    """The paths of the files that standard output and standard error are; those that are none are left out."""
    return tuple(dict.fromkeys(path for each in _PRINTED if (path := _path(each))))


def _path(descriptor: int) -> str:
    """The path of an open file; empty where it is none, or has no name any more."""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return ""
        if sys.platform == "darwin":
            path = os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(_LONGEST_PATH)).rstrip(b"\0"))
        else:
            path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        return path if os.path.samestat(Path(path).stat(), found) else ""
    except OSError:
        return ""
