"""The kernel's file events on Linux (inotify(7)), by ctypes: a thin layer without opinions."""

import errno
import fcntl
import os
import struct
import sys
import termios
from collections import Counter
from enum import IntFlag
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytilt.errors import PytiltError, UserError
from pytilt.model.modules import lazy

if TYPE_CHECKING:
    import ctypes
else:
    ctypes = lazy("ctypes")

_HEADER = struct.Struct("iIII")
_SYSCTLS = Path("/proc/sys")
_IN_NAMESPACE = {
    "fs.inotify.max_user_watches": "user.max_inotify_watches",
    "fs.inotify.max_user_instances": "user.max_inotify_instances",
}
"""The same limits in a user namespace, as containers without root have one: there they may be lower."""
_QUEUE = "anon_inode:inotify"
"""What the link of a queue's file descriptor reads."""


class Mask(IntFlag):
    """What happened, as in `<sys/inotify.h>`."""

    MODIFY = 0x2
    ATTRIB = 0x4
    CLOSE_WRITE = 0x8
    MOVED_FROM = 0x40
    MOVED_TO = 0x80
    CREATE = 0x100
    DELETE = 0x200
    DELETE_SELF = 0x400
    MOVE_SELF = 0x800
    UNMOUNT = 0x2000
    Q_OVERFLOW = 0x4000
    IGNORED = 0x8000
    ONLYDIR = 0x0100_0000
    EXCL_UNLINK = 0x0400_0000
    ISDIR = 0x4000_0000


_WANTED = int(
    Mask.MODIFY
    | Mask.ATTRIB
    | Mask.CLOSE_WRITE
    | Mask.MOVED_FROM
    | Mask.MOVED_TO
    | Mask.CREATE
    | Mask.DELETE
    | Mask.DELETE_SELF
    | Mask.MOVE_SELF
    | Mask.ONLYDIR
    | Mask.EXCL_UNLINK
)


_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
"""Of names, as `os.fsdecode` has them."""


class InotifyEvent(NamedTuple):
    """One event of the kernel."""

    watch: int
    mask: int
    """Flags of `Mask`, as a plain number for speed."""
    name: str
    """The entry of the watched directory that it is about; empty for the directory itself."""


class Inotify:
    """One inotify instance. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._full: UserError | None = None
        """What was said when the system allowed no more watches; to look for who has them takes a while."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise _init_error(ctypes.get_errno())

    def add(self, path: str) -> int:
        """Watch a directory.

        Returns:
            The id of the watch; the same again for the same directory.

        Raises:
            OSError: it is not there, is no directory, or may not be read.
            UserError: the system allows no more watches.
        """
        watch: int = self._libc.inotify_add_watch(self.fd, os.fsencode(path), _WANTED)
        if watch < 0:
            number = ctypes.get_errno()
            if number == errno.ENOSPC:
                self._full = self._full or _limit_error("max_user_watches", "directories to watch than", 524288)
                raise self._full
            raise OSError(number, os.strerror(number), path)
        return watch

    def remove(self, watch: int) -> None:
        """End a watch; one that has ended already is fine."""
        self._libc.inotify_rm_watch(self.fd, watch)

    def read(self) -> list[InotifyEvent]:
        """The events that the kernel has at this moment."""
        size = int.from_bytes(fcntl.ioctl(self.fd, termios.FIONREAD, bytes(4)), sys.byteorder)
        data = os.read(self.fd, size) if size else b""
        events = []
        position = 0
        while position < len(data):
            watch, mask, _, length = _HEADER.unpack_from(data, position)
            position += _HEADER.size + length
            name = data[position - length : position].rstrip(b"\0")
            events.append(InotifyEvent(watch, mask, name.decode(_ENCODING, _ERRORS)))
        return events

    def close(self) -> None:
        """End all watches."""
        os.close(self.fd)


def _init_error(number: int) -> PytiltError:
    if number == errno.EMFILE and _open_files() < os.sysconf("SC_OPEN_MAX"):
        return _limit_error("max_user_instances", "programs that watch files than", 1024)
    if number == errno.EMFILE:
        return UserError("files cannot be watched: too many open files", hint="raise the limit with `ulimit -n 8192`")
    return UserError(f"files cannot be watched: {os.strerror(number).lower()}")


def _limit_error(name: str, what: str, suggestion: int) -> UserError:
    used = watch_usage() if name == "max_user_watches" else watch_usage("")
    users = ", ".join(f"`{program}` {count:,}" for program, count in used.most_common(3))
    name, limit = effective_limit(f"fs.inotify.{name}")
    wanted = max(suggestion, 4 * limit)
    return UserError(
        f"there are more {what} the system allows: `{name}` is {limit or 'unknown'}"
        + (f", {used.total():,} are in use ({users})" if users else ""),
        hint=f"raise it with `sudo sysctl {name}={wanted}`, and have it kept with a line "
        f"`{name}={wanted}` in `/etc/sysctl.d/60-inotify.conf`",
    )


def effective_limit(name: str, sysctls: Path = _SYSCTLS) -> tuple[str, int]:
    """Which sysctl limits most, and its value; 0 where that is not known.

    Args:
        name: of the limit for the whole machine.
        sysctls: where their values are.
    """
    whole, inner = _limit(sysctls, name), _limit(sysctls, _IN_NAMESPACE[name])
    return (_IN_NAMESPACE[name], inner) if 0 < inner < whole else (name, whole)


def watch_usage(line: str = "inotify wd:") -> Counter[str]:
    """How much of a limit the programs of this user take, as far as they may be looked into.

    Args:
        line: how the lines begin that count, of what the kernel says of a queue; empty to count queues.
    """
    used: Counter[str] = Counter()
    for file in Path("/proc").glob("[0-9]*/fd/*"):
        process = file.parent.parent
        try:
            if file.readlink().name == _QUEUE and process.stat().st_uid == os.getuid():
                lines = (process / "fdinfo" / file.name).read_text().splitlines()
                used[_program(process)] += sum(each.startswith(line) for each in lines) if line else 1
        except OSError:  # it has ended, or is not for us
            continue
    return used


def _program(process: Path) -> str:
    return (process / "comm").read_text(errors="replace").strip()


def _limit(sysctls: Path, name: str) -> int:
    try:
        return int((sysctls / name.replace(".", "/")).read_text())
    except (OSError, ValueError):
        return 0


def _open_files() -> int:
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 0
