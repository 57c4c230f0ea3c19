"""The state directory: small private files that are never seen half written."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytilt.errors import UserError

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600
_HINTS = {
    errno.ENOSPC: "free some space on this disk, or set TILT_DEV_DIR to a directory on another",
    errno.EDQUOT: "your quota on this disk is used up: free some space, or set TILT_DEV_DIR to a directory on another",
    errno.EROFS: "the file system is read-only: set TILT_DEV_DIR to a directory that can be written to",
    errno.EACCES: "check the owner and mode of the path, or set TILT_DEV_DIR to a directory of your own",
    errno.EPERM: "check the owner and mode of the path, or set TILT_DEV_DIR to a directory of your own",
}
_ANY_HINT = "set TILT_DEV_DIR to a directory that exists or can be made"


class LockedError(UserError):
    """Another process holds the lock."""


class StateDirectory:
    """A directory of this user's own. What it does takes next to no time, but for `durable` writes.

    Args:
        path: where; it is made when it is first needed.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def below(self, *names: str) -> "StateDirectory":
        """A directory in this one."""
        return StateDirectory(self.path.joinpath(*names))

    def make(self) -> Path:
        """Make sure that the directory is there, for this user alone.

        Raises:
            UserError: it cannot be made.
        """
        with explained(self.path):
            for directory in (*reversed(self.path.parents), self.path):
                if not directory.is_dir():
                    directory.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        return self.path

    def read(self, name: str) -> bytes | None:
        """The content of a file, None when there is no such file.

        Raises:
            UserError: it cannot be read.
        """
        path = self.path / name
        with explained(path):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes, *, durable: bool = False) -> None:
        """Replace a file as a whole: whoever reads sees the old content or the new.

        Args:
            name: of the file.
            content: what is to be in it.
            durable: have it survive a power failure too; waits for the disk, so call it from a thread.

        Raises:
            UserError: it cannot be written, for example because the disk is full; the old content stays.
        """
        self.make()
        with explained(self.path / name):
            temporary = self.path / f".{name}.{os.urandom(8).hex()}"
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    if durable:
                        os.fsync(file.fileno())
                temporary.replace(self.path / name)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            if durable:
                _sync_directory(self.path)

    def remove(self, name: str) -> None:
        """Remove a file; it is fine when there is none.

        Raises:
            UserError: it cannot be removed.
        """
        with explained(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def lock(self, name: str = "lock") -> Iterator[None]:
        """Hold a lock for as long as the block; it ends with the process, however that ends.

        Raises:
            LockedError: another process holds it.
            UserError: the lock file cannot be made.
        """
        self.make()
        path = self.path / name
        with explained(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            with explained(path):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise LockedError(f"`{path}` is locked by another process", hint="wait until it is done") from error
            yield
        finally:
            os.close(descriptor)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system says about a path into an error for the user.

    Raises:
        UserError: the block failed with an `OSError`.
    """
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"`{path}`: {reason}", hint=_HINTS.get(error.errno or 0, _ANY_HINT)) from error


@contextmanager
def temporary_files() -> Iterator[None]:
    """Turn what the system says about temporary files into an error for the user.

    Raises:
        UserError: the block failed with an `OSError`.
    """
    try:
        yield
    except OSError as error:
        place = f"`{error.filename}`: " if error.filename else ""
        raise UserError(
            f"no temporary file can be written: {place}{(error.strerror or str(error)).lower()}",
            hint="free some space there, or set TMPDIR to a directory on another disk",
        ) from error


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
