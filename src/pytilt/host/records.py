"""What earlier sessions did, kept in the state directory so that it is not done again."""

import hashlib
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
        directory, file = self._place(kind, name)
        with suppress(UserError, msgspec.MsgspecError):
            content = directory.read(file)
            if content is None:
                return None
            path = directory.path / file
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > TOUCHED_SECONDS:
                    path.touch()
            return msgspec.msgpack.decode(content, type=type_)
        return None

    def has(self, kind: str, name: str) -> bool:
        """Is there a record of this kind and name, readable or not?"""
        directory, file = self._place(kind, name)
        return self._used and (directory.path / file).exists()

    def keep(self, kind: str, name: str, value: object) -> None:
        """Write a record in the place of the one before; where that fails, there is none: the one before is wrong."""
        directory, file = self._place(kind, name)
        for _ in range(2):
            try:
                directory.write(file, msgspec.msgpack.encode(value))
                return
            except (UserError, UnicodeEncodeError):  # bytes that are no text; a full disk, which has room once it went
                self.forget(kind, name)

    def forget(self, kind: str, name: str) -> None:
        """Remove a record; one that is not there is no error."""
        directory, file = self._place(kind, name)
        with suppress(OSError):
            (directory.path / file).unlink()

    def prune(self) -> None:
        """Remove what nobody uses any more; reads a directory for each kind and so blocks for a moment."""
        oldest = time.time() - KEPT_SECONDS
        with suppress(OSError):
            for path in self._directory.path.glob("*/*"):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _place(self, kind: str, name: str) -> tuple[StateDirectory, str]:
        return self._directory.below(kind), hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:32]
