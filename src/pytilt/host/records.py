"""What earlier sessions did, kept in the state directory so that it is not done again."""

import hashlib
import os
import time
from contextlib import suppress
from typing import TypeVar

import msgspec

from pytilt.errors import UserError
from pytilt.host.state import StateDirectory

KEPT_SECONDS = 60 * 24 * 3600.0
"""A record that nobody has written or read for so long is removed."""

TOUCHED_SECONDS = 24 * 3600.0
"""A record that is read is marked as used once in so long."""

T = TypeVar("T")


class Records:
    """Values by kind and name, each in a file of its own: sessions that run side by side do not disturb each other.

    A record is a saving and never needed: what cannot be read is as if it were not there, and a full disk keeps none.

    Args:
        directory: where they are.
        used: are records of earlier sessions used? New ones are kept in any case.
    """

    def __init__(self, directory: StateDirectory, *, used: bool = True) -> None:
        self._directory = directory
        self._used = used

    def find(self, kind: str, name: str, type_: type[T]) -> T | None:
        """The record of this kind and name, None where there is none that can be read."""
        if not self._used:
            return None
        path = self._path(kind, name)
        with suppress(OSError, msgspec.MsgspecError), open(path, "rb", buffering=0) as file:  # noqa: PTH123 - quick
            found = msgspec.msgpack.decode(file.read(), type=type_)
            if time.time() - os.fstat(file.fileno()).st_mtime > TOUCHED_SECONDS:
                with suppress(OSError):
                    os.utime(path)
            return found
        return None

    def has(self, kind: str, name: str) -> bool:
        """Is there a record of this kind and name, readable or not?"""
        return self._used and os.path.exists(self._path(kind, name))  # noqa: PTH110 - quick

    def keep(self, kind: str, name: str, value: object) -> None:
        """Write a record in the place of the one before; where that fails, there is none: the one before is wrong."""
        for _ in range(2):
            try:
                self._directory.below(kind).write(_file(name), msgspec.msgpack.encode(value))
                return
            except (UserError, UnicodeEncodeError):  # bytes that are no text; a full disk, which has room once it went
                self.forget(kind, name)

    def forget(self, kind: str, name: str) -> None:
        """Remove a record; one that is not there is no error."""
        with suppress(OSError):
            os.unlink(self._path(kind, name))  # noqa: PTH108 - quick

    def prune(self) -> None:
        """Remove what nobody uses any more; reads a directory for each kind and so blocks for a moment."""
        oldest = time.time() - KEPT_SECONDS
        with suppress(OSError):
            for path in self._directory.path.glob("*/*"):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _path(self, kind: str, name: str) -> str:
        """Many records are looked up at the start of a session, and `pathlib` takes longer than the disk."""
        return f"{self._directory.path}/{kind}/{_file(name)}"


def _file(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:32]
