"""What is at a path, in few bytes: to distinguish a file that was only written anew from one whose content changed."""

import hashlib
import os
import stat

from pytilt.host.files.blocks import read_blocks

ABSENT = b""
"""The fingerprint of a path at which nothing is."""

_SMALL_BYTES = 256 * 1024
_LARGEST_BYTES = 64 * 1024 * 1024
"""The content of larger files is not compared: each time they are written counts."""


def is_small(path: str) -> bool:
    """Is reading it so quick that it may be done on the event loop?"""
    try:
        found = os.stat(path)  # noqa: PTH116 - a link may be followed
    except OSError:
        return True
    return not stat.S_ISREG(found.st_mode) or found.st_size <= _SMALL_BYTES


def fingerprint(path: str) -> bytes:
    """What is at a path: kind, mode and content, without times, owner and what is in a directory.

    Args:
        path: absolute; a link is not followed.
    """
    try:
        return _fingerprint(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError as error:
        return f"error {error.errno}".encode()


def _fingerprint(path: str) -> bytes:
    found = os.lstat(path)
    kind = f"{found.st_mode:o} ".encode()
    if stat.S_ISLNK(found.st_mode):
        return kind + os.fsencode(os.readlink(path))  # noqa: PTH115 - as it is written
    if not stat.S_ISREG(found.st_mode):
        return kind
    if found.st_size > _LARGEST_BYTES:
        return kind + f"{found.st_size} {found.st_mtime_ns} {found.st_ino}".encode()
    if found.st_size > _SMALL_BYTES:
        return kind + f"{found.st_size} ".encode() + hashlib.sha256(read_blocks(path, found).sums).digest()
    return kind + _digest(path)


def _digest(path: str) -> bytes:
    """The digest of what is probably read at once; with plain system calls, since a save waits for it."""
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while content := os.read(descriptor, _SMALL_BYTES + 1):
            digest.update(content)
    finally:
        os.close(descriptor)
    return digest.digest()
