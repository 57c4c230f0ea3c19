"""Walking directories and watching them on the way; runs in a thread, changes nothing of the watcher's."""

import os
import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pytilt.host.files.interests import Interest
from pytilt.host.files.polling import Watches
from pytilt.host.files.repositories import find_git_dir, git_dir_of


class FoundDirectory(NamedTuple):
    """A directory that is watched now."""

    path: str
    watch: int
    interests: tuple[Interest, ...] = ()
    """Those that want to know about its entries."""
    names: frozenset[str] = frozenset()
    """Its entries that matter to any of them."""
    changed: frozenset[str] = frozenset()
    """Those that changed since the time that was asked about."""
    expected: tuple[tuple[str, Interest], ...] = ()
    """Entries whose appearance matters to an interest although the rest of the directory does not."""
    git_dir: str | None = None
    """Of the work tree that it belongs to."""


class FoundRepository(NamedTuple):
    """A git directory that is watched now."""

    git_dir: str
    watch: int


class Findings:
    """What a walk found."""

    def __init__(self) -> None:
        self.directories: list[FoundDirectory] = []
        self.repositories: dict[str, FoundRepository] = {}


class TreeScanner:
    """Walks on behalf of some interests."""

    def __init__(self, watches: Watches, interests: Sequence[Interest], *, since: int | None = None) -> None:
        """Prepare a walk.

        Args:
            watches: where directories are watched.
            interests: on whose behalf.
            since: nanoseconds since 1970; files that changed from then on are returned separately.
        """
        self._watches = watches
        self._interests = tuple(interests)
        self._since = since
        self.findings = Findings()
        """What has been found up to now."""

    def find_root(self, path: str) -> Findings:
        """Watch a path that interests name: the tree below it, or where it would appear."""
        walked = Path(path).is_dir() and self._walk(path)
        if not walked or Path(path).is_symlink():
            self._expect(path)
            if not walked and Path(path).is_dir():  # it has just appeared
                self._walk(path)
        return self.findings

    def find_tree(self, path: str) -> Findings:
        """Watch a directory that appeared in a watched one."""
        self._walk(path)
        return self.findings

    def _walk(self, root: str) -> bool:
        waiting = [(root, self._interests, self._repository_above(root))]
        while waiting:
            path, interests, git_dir = waiting.pop()
            interests = tuple(interest for interest in interests if not interest.matcher.may_skip_dir(path))
            if not interests:
                continue
            try:
                watch = self._watches.add(path)  # before its entries are listed, so that none is missed
                with os.scandir(path) as entries:
                    listed = list(entries)
            except OSError:  # gone, or not for us
                continue
            if any(entry.name == ".git" for entry in listed):
                git_dir = self._repository(git_dir_of(path)) or git_dir
            prefix = path.rstrip("/") + "/"
            below = [entry.name for entry in listed if entry.is_dir(follow_symlinks=False)]
            waiting.extend((prefix + name, interests, git_dir) for name in below)
            self._add_directory(path, watch, interests, listed, git_dir)
        return bool(self.findings.directories)

    def _add_directory(
        self,
        path: str,
        watch: int,
        interests: tuple[Interest, ...],
        listed: "list[os.DirEntry[str]]",
        git_dir: str | None,
    ) -> None:
        prefix = path.rstrip("/") + "/"
        wanted = [
            entry
            for entry in listed
            if any(not interest.matcher.matches(prefix + entry.name) for interest in interests)
        ]
        self.findings.directories.append(
            FoundDirectory(
                path=path,
                watch=watch,
                interests=interests,
                names=frozenset(entry.name for entry in wanted),
                changed=frozenset(entry.name for entry in wanted if self._since and _changed(entry, self._since)),
                git_dir=git_dir,
            )
        )

    def _expect(self, path: str) -> None:
        """Watch the nearest directory above a path that exists, for the part of the path that is missing there."""
        tried: set[str] = set()
        parent = posixpath.dirname(path)
        while True:
            try:
                watch = self._watches.add(parent)
            except OSError:
                if parent == "/":
                    return
                parent = posixpath.dirname(parent)
                continue
            name = path[len(parent.rstrip("/")) + 1 :].partition("/")[0]
            below = posixpath.join(parent, name)
            if below == path or below in tried or not Path(below).is_dir():
                self._add_expected(parent, name, watch)
                return
            tried.add(below)  # it has just appeared, or is not for us
            parent = below

    def _add_expected(self, parent: str, name: str, watch: int) -> None:
        self.findings.directories.append(
            FoundDirectory(
                path=parent,
                watch=watch,
                names=frozenset({name} if os.path.lexists(posixpath.join(parent, name)) else ()),
                expected=tuple((name, interest) for interest in self._interests),
                changed=frozenset({name} if self._since else ()),
                git_dir=self._repository_above(parent),
            )
        )

    def _repository_above(self, path: str) -> str | None:
        return self._repository(find_git_dir(path))

    def _repository(self, git_dir: str | None) -> str | None:
        if git_dir is None or git_dir in self.findings.repositories:
            return git_dir
        try:
            watch = self._watches.add(git_dir)
        except OSError:
            return None
        self.findings.repositories[git_dir] = FoundRepository(git_dir, watch)
        return git_dir


def _changed(entry: "os.DirEntry[str]", since: int) -> bool:
    try:
        return not entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_ctime_ns >= since
    except OSError:
        return True
