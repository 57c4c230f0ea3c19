"""The file watcher of Linux: inotify itself, so that a save is emitted within a millisecond."""

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import Self

from pytilt.host.files.bursts import Bursts
from pytilt.host.files.contents import fingerprint
from pytilt.host.files.contract import Changes
from pytilt.host.files.gathering import Gathering
from pytilt.host.files.inotify import Inotify, InotifyEvent, Mask
from pytilt.host.files.interests import Interest, Interests, WatchPlan
from pytilt.host.files.polling import Poller, Watches
from pytilt.host.files.repositories import LOCK, Repository
from pytilt.host.files.scanning import Findings, FoundDirectory, TreeScanner
from pytilt.host.files.tree import Directory, Tree
from pytilt.model.files import FileRule

_OVERFLOW_SLACK_NS = 100_000_000
"""File times lag behind the clock by up to a tick of the kernel."""

# Plain numbers: this is asked for every event.
_DIRECTORY = int(Mask.ISDIR)
_ARRIVED = int(Mask.CREATE | Mask.MOVED_TO)
_LEFT = int(Mask.DELETE | Mask.MOVED_FROM)
_COMPLETE = int(Mask.CLOSE_WRITE | Mask.MOVED_TO)
_ENDED = int(Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.IGNORED | Mask.UNMOUNT)
_CREATE = int(Mask.CREATE)
_CLOSE_WRITE = int(Mask.CLOSE_WRITE)
_MODIFY = int(Mask.MODIFY)
_ATTRIB = int(Mask.ATTRIB)
_MOVE_SELF = int(Mask.MOVE_SELF)
_MOVED_FROM = int(Mask.MOVED_FROM)
_OVERFLOW = int(Mask.Q_OVERFLOW)


class InotifyWatcher:
    """The `Watcher` of Linux.

    Directories are walked in a thread. Events of directories that a walk has found, but of which the loop has not
    read yet, wait until it has. It is made on the event loop that it serves, and entered at once.

    Args:
        make_inotify: opens the kernel's queue.
    """

    def __init__(self, *, make_inotify: Callable[[], Inotify] = Inotify) -> None:
        self._loop = asyncio.get_running_loop()
        self._watches = Watches(make_inotify)
        self._tree = Tree(self._watches)
        self._gathering = Gathering(busy=lambda: bool(self._walks))
        self._threads = ThreadPoolExecutor(1, "pytilt-files")
        self._poller = Poller(self._watches, self._threads, self._dispatch, self._gathering.warn)
        self._interests = Interests()
        self._updating = asyncio.Lock()
        self._walks = 0
        self._walked_all = asyncio.Event()
        """No directory is being walked."""
        self._walked_all.set()
        self._early: list[InotifyEvent] = []
        self._touched: dict[str, set[str]] = {}
        """Entries of known directories of which events came during walks: a walk may have been there before."""
        self._read_at = time.time_ns()
        self._bursts = Bursts()
        self._pause: asyncio.TimerHandle | None = None
        """Ends a pause of reading."""

    async def __aenter__(self) -> Self:
        """Read the kernel's queue from now on."""
        self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all watches."""
        if self._pause is not None:
            self._pause.cancel()
        if self._watches.fd is not None:
            self._loop.remove_reader(self._watches.fd)
        self._poller.close()
        self._gathering.close()
        try:
            await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        finally:
            self._watches.close()

    @property
    def watched(self) -> int:
        """How many directories are watched."""
        return len(self._tree)

    async def update(self, rules: Mapping[str, Sequence[FileRule]]) -> None:
        """Watch exactly these rules; see `Watcher.update`."""
        async with self._updating:
            plan = self._interests.plan(rules)
            try:
                for path, interests in self._interests.by_path(plan.added).items():
                    scanner = TreeScanner(self._watches, interests)
                    merge = partial(self._merge_unless_dropped, plan)
                    await asyncio.shield(self._walk(scanner, partial(scanner.find_root, path), merge))
            except BaseException:
                plan.dropped = True
                self._tree.forget(plan.added)
                raise
            self._interests.carry_out(plan)
            self._tree.forget(plan.removed)
            self._gathering.keep(rules)

    def changes(self) -> AsyncIterator[Changes]:
        """Yield what changed since the last item; see `Watcher.changes`."""
        return self._gathering.items()

    async def flush(self) -> None:
        """Have the reader know all that has happened by now; see `Watcher.flush`."""
        self._read()
        while self._walks:
            await self._walked_all.wait()
        await self._poller.poll()
        await self._gathering.drained()

    def read(self) -> bool:
        """Read what the kernel has to report; see `Watcher.read`."""
        self._read()
        return self._gathering.idle

    async def taken(self) -> None:
        """Wait until the reader has what was read; see `Watcher.taken`."""
        await self._gathering.taken()

    def fingerprint(self, path: str) -> bytes:
        """What is at a path; see `Watcher.fingerprint`."""
        return fingerprint(path)

    # Events

    def _listen(self) -> None:
        """Read what comes from now on."""
        if self._watches.fd is not None:
            self._loop.add_reader(self._watches.fd, self._follow)

    def _follow(self) -> None:
        """Read what has come, and after a pause what follows where that is a burst."""
        if pause := self._bursts.pause(self._read(), self._loop.time()):
            assert self._watches.fd is not None  # something was read
            self._loop.remove_reader(self._watches.fd)
            self._pause = self._loop.call_later(pause, self._listen)

    def _read(self) -> int:
        """Read what has come; returns how many files were written."""
        now = time.time_ns()
        events = tuple(without_steps(self._watches.read()))
        for event in events:
            self._dispatch(event)
        self._read_at = now
        return sum(bool(event.mask & _COMPLETE) for event in events)

    def _dispatch(self, event: InotifyEvent) -> None:
        if event.mask & _OVERFLOW:
            self._compare_everything()
            return
        directories = self._tree.watched_by(event.watch)
        if not directories and self._walks:
            self._early.append(event)
        for directory in directories:
            if self._walks and event.name:
                self._touched.setdefault(directory.path, set()).add(event.name)
            if not event.name:
                self._on_directory(directory, event.mask)
            elif event.mask & _DIRECTORY:
                self._on_subdirectory(directory, event.name, event.mask)
            else:
                self._on_file(directory, event.name, event.mask)

    def _on_file(self, directory: Directory, name: str, mask: int) -> None:
        path = directory.prefix + name
        if directory.guards and name == LOCK:
            self._on_lock(directory.guards, mask)
        if name == ".git" and mask & (_CREATE | _COMPLETE):
            self._find_repository(directory)
        if mask & _ARRIVED and name in directory.expected and Path(path).is_symlink():
            self._find_again(directory.expected[name])
        interests = directory.interested(name)
        if not interests:
            return
        if mask & _LEFT:
            directory.names.discard(name)
            self._vanish(directory, name)
            return
        if name not in directory.names:
            directory.names.add(name)
            self._appear(directory, name, forgettable=True)
        if mask & _COMPLETE or (mask & _CREATE and not _will_be_closed(path)):
            self._gathering.emit(interests, path, directory.repository)
        elif mask & (_CREATE | _MODIFY):
            self._gathering.emit_when_closed(path, partial(self._emit, directory, name))
        elif not self._gathering.is_open(path):  # its mode changed
            self._gathering.emit(interests, path, directory.repository)

    def _on_subdirectory(self, directory: Directory, name: str, mask: int) -> None:
        path = directory.prefix + name
        if mask & _MOVED_FROM:
            self._tree.disturbed = True
            self._lose(self._tree.below(path))
        if mask & _LEFT:
            directory.names.discard(name)
            self._vanish(directory, name)
            return
        if mask & _ARRIVED:
            known = name in directory.names
            directory.names.add(name)
            self._find_subdirectory(directory, name)
            if not known and directory.interested(name) and self._appear(directory, name):
                return
        self._emit(directory, name)

    def _find_subdirectory(self, directory: Directory, name: str) -> None:
        if name in directory.expected:
            self._find_again(directory.expected[name])
        path = directory.prefix + name
        if name == ".git":
            self._find_repository(directory)
        elif directory.interests and not self._knows(path, directory.interests):
            scanner = TreeScanner(self._watches, directory.interests)
            self._walk_later(scanner, partial(scanner.find_tree, path), self._announce)

    def _find_repository(self, directory: Directory) -> None:
        """A work tree begins at a directory: what is in it belongs to another repository than before."""
        if directory.interests:
            scanner = TreeScanner(self._watches, directory.interests)
            self._walk_later(scanner, partial(scanner.find_tree, directory.path), self._announce)
        below = {
            interest for each in self._tree.below(directory.path) for interest in (*each.interests, *each.awaiting)
        }
        others = below.difference(directory.interests)
        for path, group in self._interests.by_path(others).items():
            scanner = TreeScanner(self._watches, group)
            self._walk_later(scanner, partial(scanner.find_root, path), self._announce_directories)

    def _knows(self, path: str, interests: Sequence[Interest]) -> bool:
        """Has the walk that found the directory above this one found it too, and is it still the same one?"""
        known = self._tree.at(path)
        if known is None or self._watch_of(path) != known.watch:
            return False
        return all(interest in known.interests or interest.matcher.may_skip_dir(path) for interest in interests)

    def _watch_of(self, path: str) -> int | None:
        try:
            return self._watches.add(path)
        except OSError:
            return None

    def _on_directory(self, directory: Directory, mask: int) -> None:
        if mask & _MOVE_SELF and self._watch_of(directory.path) == directory.watch:
            return  # it was found where it is now before this event was read
        if mask & _ENDED:
            self._tree.disturbed = True
            self._lose(self._tree.below(directory.path) if mask & _MOVE_SELF else [directory])
        elif mask & _ATTRIB:
            self._emit_root(directory)

    def _on_lock(self, repository: Repository, mask: int) -> None:
        if mask & _ARRIVED:
            repository.releasing = False
            self._gathering.hold(repository)
        elif mask & _LEFT:
            self._release(repository)

    def _emit(self, directory: Directory, name: str) -> None:
        self._gathering.emit(directory.interested(name), directory.prefix + name, directory.repository)

    def _appear(self, directory: Directory, name: str, *, forgettable: bool = False) -> bool:
        emit = partial(self._emit, directory, name)
        return self._gathering.appear(directory.prefix + name, emit, directory.repository, forgettable=forgettable)

    def _found(self, directory: Directory, name: str) -> None:
        """A walk found an entry."""
        if directory.interested(name) and not self._appear(directory, name):
            self._emit(directory, name)

    def _vanish(self, directory: Directory, name: str) -> None:
        if directory.interested(name):
            self._gathering.vanish(directory.prefix + name, partial(self._emit, directory, name), directory.repository)

    def _emit_root(self, directory: Directory) -> None:
        """Emit a directory to those who watch exactly this one."""
        roots = [interest for interest in directory.roots if interest.covers(directory.path)]
        self._gathering.emit(roots, directory.path, directory.repository)

    def _emit_covering(self, directory: Directory) -> None:
        """Emit a directory to those who watch what is in it."""
        covering = [interest for interest in directory.interests if interest.covers(directory.path)]
        self._gathering.emit(covering, directory.path, directory.repository)

    def _release(self, repository: Repository) -> None:
        repository.releasing = True
        if not self._walks:
            self._gathering.release(repository)

    def _lose(self, directories: Iterable[Directory]) -> None:
        """Directories are gone: emit what was in them, and wait for what is to be watched there."""
        interests: list[Interest] = []
        for directory in directories:
            for name in directory.names:
                self._vanish(directory, name)
            if directory.roots:
                self._gathering.vanish(directory.path, partial(self._emit_root, directory), directory.repository)
            interests.extend(directory.roots)
            interests.extend(directory.awaiting)
            if directory.guards:
                self._gathering.release(directory.guards)
            self._tree.remove(directory)
        self._find_again(interests)

    # Walks

    def _find_again(self, interests: Iterable[Interest]) -> None:
        """The paths of these interests have appeared or are gone."""
        for path, group in self._interests.by_path(interests).items():
            scanner = TreeScanner(self._watches, group)
            self._walk_later(scanner, partial(scanner.find_root, path), partial(self._replace_expected, group))

    def _compare_everything(self) -> None:
        """Events were lost: compare what is there with what was known."""
        for repository in tuple(self._tree.repositories.values()):
            if os.path.lexists(repository.lock):
                self._gathering.hold(repository)
            elif repository.locked:
                repository.releasing = True  # when the walks are done
        for path, group in self._interests.by_path(self._interests.all).items():
            scanner = TreeScanner(self._watches, group, since=self._read_at - _OVERFLOW_SLACK_NS)
            self._walk_later(scanner, partial(scanner.find_root, path), partial(self._compare, path, group))

    def _walk(
        self, scanner: TreeScanner, walk: Callable[[], Findings], merge: Callable[[Findings], None]
    ) -> asyncio.Future[Findings]:
        if not self._walks:
            self._tree.disturbed = False
            self._touched.clear()
        self._walks += 1
        self._walked_all.clear()
        walked = asyncio.wrap_future(self._threads.submit(walk))
        walked.add_done_callback(partial(self._walked, scanner, merge))
        return walked

    def _walk_later(
        self, scanner: TreeScanner, walk: Callable[[], Findings], merge: Callable[[Findings], None]
    ) -> None:
        self._walk(scanner, walk, merge).add_done_callback(self._report)

    def _walked(
        self, scanner: TreeScanner, merge: Callable[[Findings], None], walked: asyncio.Future[Findings]
    ) -> None:
        if walked.cancelled():  # the watcher is being closed
            return
        if walked.exception():
            self._tree.discard(scanner.findings)
        else:
            merge(walked.result())
        self._walks -= 1
        early, self._early = self._early, []
        for event in early:
            self._dispatch(event)
        if self._walks:
            return
        self._walked_all.set()
        self._poller.start()
        for repository in tuple(self._tree.repositories.values()):
            if repository.releasing:
                self._gathering.release(repository)

    def _report(self, walked: asyncio.Future[Findings]) -> None:
        if not walked.cancelled() and (error := walked.exception()):
            raise error

    # What to do with what a walk found

    def _merge(self, findings: Findings) -> list[Directory]:
        if self._tree.disturbed:
            self._look_again(findings)
        known = set(self._tree.repositories)
        directories = self._tree.merge(findings)
        for repository in [self._tree.repositories[git_dir] for git_dir in findings.repositories.keys() - known]:
            if os.path.lexists(repository.lock):
                self._gathering.hold(repository)
        self._tree.forget({interest for interest in _interests_of(findings) if interest.removed})
        self._catch_up(findings)
        return directories

    def _catch_up(self, findings: Findings) -> None:
        """Emit what happened in directories while they were walked, to those on whose behalf."""
        for found in findings.directories if self._touched else ():
            if (directory := self._tree.at(found.path)) is None:
                continue
            for name in tuple(self._touched.get(found.path, ())):
                self._emit(directory, name)
                if Path(found.path, name).is_dir():
                    self._find_subdirectory(directory, name)

    def _look_again(self, findings: Findings) -> None:
        """Something was moved or given up during the walk: drop what is no longer where it was found."""
        directories, findings.directories = findings.directories, []
        for found in directories:
            watch = self._watch_of(found.path)
            if watch == found.watch:
                findings.directories.append(found)
                continue
            self._find_again(interest for _, interest in found.expected)
            if watch is not None and found.interests:
                scanner = TreeScanner(self._watches, found.interests)
                self._walk_later(scanner, partial(scanner.find_tree, found.path), self._announce)

    def _merge_unless_dropped(self, plan: WatchPlan, findings: Findings) -> None:
        if plan.dropped:
            self._tree.discard(findings)
        else:
            self._merge(findings)

    def _announce_directories(self, findings: Findings) -> None:
        for directory in self._merge(findings):
            emit = partial(self._emit_covering, directory)
            if not self._gathering.appear(directory.path, emit, directory.repository, forgettable=False):
                emit()
            for name in directory.names:
                self._found(directory, name)

    def _announce(self, findings: Findings) -> None:
        self._announce_directories(findings)
        for found in findings.directories:
            for name, _ in found.expected:
                if os.path.lexists(f"{found.path}/{name}") and (parent := self._tree.at(found.path)):
                    self._found(parent, name)

    def _replace_expected(self, interests: Sequence[Interest], findings: Findings) -> None:
        self._tree.unexpect(interests)
        self._announce(findings)
        self._tree.prune()

    def _compare(self, root: str, interests: Sequence[Interest], findings: Findings) -> None:
        found = {directory.path: directory for directory in findings.directories}
        known = [each for each in self._tree.below(root) if not set(interests).isdisjoint(each.interests)]
        names = {each.path: frozenset(each.names) for each in known}
        self._announce(findings)  # first: a directory that was moved keeps its watch
        self._lose([each for each in known if each.path not in found])
        for path, each in found.items():
            self._compare_names(each, names.get(path, frozenset()))
            for name in each.changed:
                self._emit_entry(path, name)

    def _compare_names(self, found: FoundDirectory, before: frozenset[str]) -> None:
        directory = self._tree.at(found.path)
        if directory is None:
            return
        for name in before - found.names:
            path = f"{found.path}/{name}"
            if any(not interest.matcher.matches(path) for interest in found.interests):
                directory.names.discard(name)
                self._emit(directory, name)
        for name in found.names - before:
            self._emit_entry(found.path, name)

    def _emit_entry(self, path: str, name: str) -> None:
        if directory := self._tree.at(path):
            self._emit(directory, name)


def without_steps(events: Sequence[InotifyEvent]) -> Iterator[InotifyEvent]:
    """The events, of a file that is written to in several steps only the last one."""
    following: InotifyEvent | None
    for event, following in zip_longest(events, events[1:]):
        written = event.mask == _MODIFY and following is not None and following.mask in (_MODIFY, _CLOSE_WRITE)
        if not (written and following[::2] == event[::2]):
            yield event


def _interests_of(findings: Findings) -> Iterator[Interest]:
    for found in findings.directories:
        yield from found.interests
        yield from (interest for _, interest in found.expected)


def _will_be_closed(path: str) -> bool:
    """Is this new entry a file that somebody has open for writing? Links and the like are complete at once."""
    try:
        found = os.lstat(path)
    except OSError:
        return True
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1
