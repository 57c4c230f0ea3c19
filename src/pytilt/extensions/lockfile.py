"""`tilt_extensions.lock`: which commit of each extension repository a project uses. It is meant to be committed."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.base import Value

NAME = "tilt_extensions.lock"
VERSION = 1


class LockedRepository(Value):
    """One repository as it was when the lock was written."""

    url: str
    ref: str = ""
    """As the Tiltfile asks for it: a branch, a tag or a commit; empty: the repository's default branch."""
    commit: str
    tree: str
    """Hash of the commit's content, in git's own form."""


class Lock(Value):
    """The content of the file."""

    version: int = VERSION
    repositories: tuple[LockedRepository, ...] = ()

    def find(self, url: str, ref: str) -> LockedRepository | None:
        """The entry of a repository, None where it is not locked."""
        return next((each for each in self.repositories if (each.url, each.ref) == (url, ref)), None)


def read(path: Path) -> Lock | None:
    """The lock of a project; None where there is none.

    Raises:
        UserError: it cannot be read, or is of another version.
    """
    try:
        content = read_file(str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"`{path}`: {(error.strerror or str(error)).lower()}") from error
    hint = "write it anew with `tilt extension lock`"
    try:
        lock = msgspec.json.decode(content, type=Lock)
    except msgspec.DecodeError as error:
        raise UserError(f"`{path}` is no lock of extensions: {error}", hint=hint) from error
    if lock.version != VERSION:
        raise UserError(f"`{path}` has version {lock.version}, this pytilt knows version {VERSION}", hint=hint)
    return lock


def write(path: Path, repositories: Iterable[LockedRepository]) -> None:
    """Write the lock of a project, sorted, so that equal locks are equal files.

    Raises:
        UserError: it cannot be written.
    """
    lock = Lock(repositories=tuple(sorted(repositories, key=lambda each: (each.url, each.ref))))
    text = msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n"
    try:
        path.write_bytes(text)
    except OSError as error:
        raise UserError(f"`{path}`: {(error.strerror or str(error)).lower()}") from error
