"""Files that are read as a whole: only what is a file, so that nobody waits for a pipe that nobody writes to."""

import errno
import os
import stat

LARGEST_BYTES = 64 * 1024 * 1024
"""Nobody writes a larger file by hand, and reading one would fill the memory."""


def read_file(path: str, *, pipes: bool = False) -> bytes:
    """The content of a file, also of one that a link leads to; nothing where that is `/dev/null`.

    Args:
        path: of the file.
        pipes: read also from a pipe or a terminal, and wait for who writes to it, as for `-f <(COMMAND)`.

    Raises:
        OSError: it cannot be read, is a directory or too large, or is a pipe, a socket or a device.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if pipes else os.O_NONBLOCK))
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        piped = pipes and (stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode))
        if not (stat.S_ISREG(found.st_mode) or piped or os.path.samestat(found, os.stat(os.devnull))):
            raise OSError(None, "it is a pipe, a socket or a device, and no file", path)
        content = file.read(LARGEST_BYTES + 1) if found.st_size <= LARGEST_BYTES else b""
        if max(found.st_size, len(content)) > LARGEST_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {LARGEST_BYTES >> 20} megabytes", path)
        return content
