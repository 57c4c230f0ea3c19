"""Directories that the kernel watches, and those that it refuses to: the latter are looked at now and then.

What differs then becomes the kernel's events, so that nobody else knows the difference.
"""

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import NamedTuple

from pytilt.errors import UserError
from pytilt.host.files.inotify import Inotify, InotifyEvent, Mask

_REPLACED = int(Mask.MOVED_TO)
_WRITTEN = int(Mask.CLOSE_WRITE)
_ATTRIB = int(Mask.ATTRIB)
_GONE = int(Mask.DELETE)
_NEW_DIRECTORY = int(Mask.CREATE | Mask.ISDIR)
_GONE_DIRECTORY = int(Mask.DELETE | Mask.ISDIR)
_ENDED = int(Mask.DELETE_SELF)

POLL_SECONDS = 1.0
"""Between two looks."""

_PAUSE_FACTOR = 10
"""A look that costs much is followed by a pause that many times as long, so that looking takes a tenth of a core."""


class Watches:
    """Watches of the kernel's queue; of its methods, `add` and `remove` may be called from any thread.

    Args:
        make_inotify: opens the queue.
    """

    def __init__(self, make_inotify: Callable[[], Inotify] = Inotify) -> None:
        self.polled = PolledDirectories()
        """Those for which the system has no watch."""
        self.refusal: UserError | None = None
        """Why not."""
        self._inotify: Inotify | None = None
        try:
            self._inotify = make_inotify()
        except UserError as refusal:
            self.refusal = refusal

    @property
    def fd(self) -> int | None:
        """What is readable when there are events; None if the system allows no queue."""
        return self._inotify.fd if self._inotify else None

    def add(self, path: str) -> int:
        """Watch a directory, by looking at it where the system allows no more watches.

        Returns:
            The id of the watch; the same again for the same directory.

        Raises:
            OSError: it is not there, is no directory, or may not be read.
        """
        if (polled := self.polled.find(path)) is not None:
            return polled
        try:
            if self._inotify:
                return self._inotify.add(path)
        except UserError as refusal:
            self.refusal = refusal
        return self.polled.add(path)

    def remove(self, watch: int) -> None:
        """End a watch; one that has ended already is fine."""
        if watch < 0:
            self.polled.remove(watch)
        elif self._inotify:
            self._inotify.remove(watch)

    def read(self) -> list[InotifyEvent]:
        """The events that the kernel has at this moment."""
        return self._inotify.read() if self._inotify else []

    def close(self) -> None:
        """End all watches."""
        if self._inotify:
            self._inotify.close()


class Poller:
    """Looks at the directories for which there is no watch, as long as there are any.

    Args:
        watches: knows which these are.
        threads: where it looks; one thread.
        dispatch: takes each event, on the event loop.
        warn: takes once why there is no watch, and what is done instead.
    """

    def __init__(
        self,
        watches: Watches,
        threads: Executor,
        dispatch: Callable[[InotifyEvent], None],
        warn: Callable[[str], None],
    ) -> None:
        self._watches = watches
        self._threads = threads
        self._dispatch = dispatch
        self._warn = warn
        self._warned = False
        self._pause = POLL_SECONDS
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look now and then from now on, if there is anything to look at."""
        if not self._watches.polled or self._timer:
            return
        if self._watches.refusal and not self._warned:
            self._warned = True
            self._warn(_warning(self._watches.refusal, len(self._watches.polled)))
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._look)

    async def poll(self) -> None:
        """Look once, and have everything dispatched that happened before."""
        if self._watches.polled:
            await self._submit()

    def close(self) -> None:
        """Look no more."""
        if self._timer:
            self._timer.cancel()

    def _look(self) -> None:
        self._submit().add_done_callback(self._looked)

    def _looked(self, looked: "asyncio.Future[list[InotifyEvent]]") -> None:
        self._timer = None
        if not looked.cancelled():
            looked.result()
            self.start()

    def _submit(self) -> "asyncio.Future[list[InotifyEvent]]":
        looked = asyncio.wrap_future(self._threads.submit(self._timed))
        looked.add_done_callback(self._pass_on)
        return looked

    def _timed(self) -> list[InotifyEvent]:
        # What it costs counts: where others keep the machine busy, the same look takes longer and costs no more.
        started, used = time.monotonic(), time.thread_time()
        events = self._watches.polled.poll()
        cost = _PAUSE_FACTOR * (time.thread_time() - used)
        self._pause = max(POLL_SECONDS, cost, time.monotonic() - started)
        return events

    def _pass_on(self, looked: "asyncio.Future[list[InotifyEvent]]") -> None:
        if not looked.cancelled() and not looked.exception():
            for event in looked.result():
                self._dispatch(event)


def _warning(refusal: UserError, polled: int) -> str:
    directories = "1 directory is" if polled == 1 else f"{polled} directories are"
    return (
        f"{refusal.message}\n{directories} looked at every second instead, and so is what appears from now on\n"
        f"hint: {refusal.hint}, then start `tilt` again"
    )


class _EntryState(NamedTuple):
    """What differs between one state of an entry and the next."""

    inode: int
    mode: int
    written: tuple[int, int]
    """Time and size; nothing for a directory, whose own entries are looked at if they matter."""
    touched: int
    """When anything of it changed, its mode too."""

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)


class _Polled:
    """A directory as it was when it was looked at last."""

    def __init__(self, path: str, found: os.stat_result) -> None:
        self.path = path
        self.inode = (found.st_dev, found.st_ino)
        self.entries = _entries(path)


class PolledDirectories:
    """Takes the place of watches. `add` and `remove` may be called from any thread, `poll` from one at a time."""

    def __init__(self) -> None:
        self._polled: dict[int, _Polled] = {}
        self._by_path: dict[str, int] = {}
        self._last = -1

    def __len__(self) -> int:
        return len(self._polled)

    def find(self, path: str) -> int | None:
        """The id of a directory that is polled, if the path still leads to the same one."""
        number = self._by_path.get(path)
        polled = self._polled.get(number) if number is not None else None
        return number if polled and _inode(path) == polled.inode else None

    def add(self, path: str) -> int:
        """Look at a directory from now on.

        Returns:
            A negative number, which no watch of the kernel has.

        Raises:
            OSError: it is not there, is no directory, or may not be read.
        """
        polled = _Polled(path, os.stat(path))  # noqa: PTH116 - as `lstat` below
        self._last -= 1
        self._polled[self._last] = polled
        self._by_path[path] = self._last
        return self._last

    def remove(self, number: int) -> None:
        """Look at it no more."""
        polled = self._polled.pop(number, None)
        if polled and self._by_path.get(polled.path) == number:
            del self._by_path[polled.path]

    def poll(self) -> list[InotifyEvent]:
        """What happened since the last look, in the kernel's words."""
        events: list[InotifyEvent] = []
        for number, polled in tuple(self._polled.items()):
            if _inode(polled.path) != polled.inode:
                events.append(InotifyEvent(number, _ENDED, ""))
                self.remove(number)
                continue
            try:
                entries = _entries(polled.path)
            except OSError:  # going at this moment: the next look knows
                continue
            before, polled.entries = polled.entries, entries
            events.extend(InotifyEvent(number, mask, name) for name, mask in _differences(before, entries))
        return events


def _differences(before: dict[str, _EntryState], now: dict[str, _EntryState]) -> Iterator[tuple[str, int]]:
    for name, entry in before.items():
        if name not in now or _was_replaced(entry, now[name]):
            yield name, _GONE_DIRECTORY if entry.is_directory else _GONE
    for name, entry in now.items():
        old = before.get(name)
        if old is None or _was_replaced(old, entry):
            yield name, _NEW_DIRECTORY if entry.is_directory else _REPLACED
        elif not entry.is_directory and (old.inode, old.written) != (entry.inode, entry.written):
            yield name, _WRITTEN if old.inode == entry.inode else _REPLACED
        elif old.mode != entry.mode or (not entry.is_directory and old.touched != entry.touched):
            yield name, _ATTRIB | (int(Mask.ISDIR) if entry.is_directory else 0)


def _was_replaced(before: _EntryState, now: _EntryState) -> bool:
    """By something of another kind, or a directory by another one?"""
    kinds_differ = stat.S_IFMT(before.mode) != stat.S_IFMT(now.mode)
    return kinds_differ or (now.is_directory and before.inode != now.inode)


def _entries(path: str) -> dict[str, _EntryState]:
    with os.scandir(path) as listed:
        return {entry.name: found for entry in listed if (found := _entry(entry))}


def _entry(entry: "os.DirEntry[str]") -> _EntryState | None:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:  # gone meanwhile
        return None
    written = (0, 0) if stat.S_ISDIR(found.st_mode) else (found.st_mtime_ns, found.st_size)
    return _EntryState(found.st_ino, found.st_mode, written, found.st_ctime_ns)


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a watched path that is a link is followed
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None
