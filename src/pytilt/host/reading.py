"""Files that are read as a whole: only what is a file, so that nobody waits for a pipe that nobody writes to."""

import os
import stat
from pathlib import Path


def read_file(path: str) -> bytes:
    """The content of a file, also of one that a link leads to; nothing where that is `/dev/null`.

    Raises:
        OSError: it cannot be read, or is a pipe, a socket or a device.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) and not os.path.samestat(found, Path(os.devnull).stat()):
            raise OSError(None, "it is a pipe, a socket or a device, and no file", path)
        return file.read()
