"""The directories that are watched, and what is known of them."""

from collections.abc import Collection, Iterator
from pathlib import Path

from pytilt.host.files.interests import Interest
from pytilt.host.files.polling import Watches
from pytilt.host.files.repositories import Repository
from pytilt.host.files.scanning import Findings, FoundDirectory


class Directory:
    """A watched directory; one for each way to write its path."""

    __slots__ = ("expected", "guards", "interests", "names", "path", "prefix", "repository", "watch")

    def __init__(self, path: str, watch: int) -> None:
        self.path = path
        self.prefix = path.rstrip("/") + "/"
        self.watch = watch
        self.interests: tuple[Interest, ...] = ()
        """Those that want to know about its entries."""
        self.names: set[str] = set()
        """Its entries that matter to any of them."""
        self.expected: dict[str, tuple[Interest, ...]] = {}
        """Entries on which an interest waits that does not care about the others."""
        self.repository: Repository | None = None
        """Whose work tree it belongs to."""
        self.guards: Repository | None = None
        """Whose git directory it is."""

    @property
    def roots(self) -> list[Interest]:
        """Those that watch exactly this directory and what is below it."""
        return [interest for interest in self.interests if interest.path == self.path]

    @property
    def awaiting(self) -> list[Interest]:
        """Those that wait for an entry of it."""
        return [interest for waiting in self.expected.values() for interest in waiting]

    @property
    def useless(self) -> bool:
        """Does nobody need it?"""
        return not (self.interests or self.expected or self.guards)

    def interested(self, name: str) -> list[Interest]:
        """Those to whom an entry matters."""
        path = self.prefix + name
        found = [interest for interest in self.interests if not interest.matcher.matches(path)]
        found.extend(
            interest for interest in self.expected.get(name, ()) if interest not in found and interest.covers(path)
        )
        return found


class Tree:
    """All watched directories."""

    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._by_path: dict[str, Directory] = {}
        self._by_watch: dict[int, list[Directory]] = {}
        self.repositories: dict[str, Repository] = {}
        self.disturbed = False
        """Was a watch ended? A walk that is under way may have found it before."""

    def __len__(self) -> int:
        return len(self._by_path)

    def at(self, path: str) -> Directory | None:
        """The directory with this path."""
        return self._by_path.get(path)

    def watched_by(self, watch: int) -> tuple[Directory, ...]:
        """The directories of a watch; none when it is unknown."""
        return tuple(self._by_watch.get(watch, ()))

    def below(self, path: str) -> list[Directory]:
        """The directory with this path and all below it."""
        prefix = path.rstrip("/") + "/"
        return [directory for directory in self._by_path.values() if directory.prefix.startswith(prefix)]

    def merge(self, findings: Findings) -> list[Directory]:
        """Take in what a walk found.

        Returns:
            The directories that were not known before.
        """
        known = {found.path for found in findings.directories if self._knows(found)}
        for repository in findings.repositories.values():
            if repository.git_dir not in self.repositories:
                self.repositories[repository.git_dir] = Repository(repository.git_dir)
            self._directory(repository.git_dir, repository.watch).guards = self.repositories[repository.git_dir]
        for found in findings.directories:
            self._merge_directory(found)
        return [self._by_path[found.path] for found in findings.directories if found.path not in known]

    def discard(self, findings: Findings) -> None:
        """End the watches of a walk that came to nothing."""
        found = {directory.watch for directory in findings.directories}
        found |= {repository.watch for repository in findings.repositories.values()}
        for watch in found - self._by_watch.keys():
            self._watches.remove(watch)

    def _knows(self, found: FoundDirectory) -> bool:
        directory = self._by_path.get(found.path)
        return bool(directory and directory.watch == found.watch and set(found.interests).issubset(directory.interests))

    def _merge_directory(self, found: FoundDirectory) -> None:
        directory = self._directory(found.path, found.watch)
        directory.interests += tuple(new for new in found.interests if new not in directory.interests)
        directory.names |= found.names
        for name, interest in found.expected:
            others = directory.expected.get(name, ())
            if interest not in others:
                directory.expected[name] = (*others, interest)
        if found.git_dir:
            directory.repository = self.repositories[found.git_dir]

    def _directory(self, path: str, watch: int) -> Directory:
        directory = self._by_path.get(path)
        if directory and directory.watch != watch:  # another one took its place
            self._unlist(directory)
            directory.watch = watch
            self._by_watch.setdefault(watch, []).append(directory)
        if directory is None:
            directory = self._by_path[path] = Directory(path, watch)
            others = [other for other in self._by_watch.get(watch, ()) if Path(other.path).is_dir()]
            self._by_watch[watch] = [*others, directory]
        return directory

    def remove(self, directory: Directory) -> None:
        """Stop watching a directory."""
        if self._by_path.get(directory.path) is directory:
            del self._by_path[directory.path]
            self._unlist(directory)
        if directory.guards:
            self.repositories.pop(directory.guards.git_dir, None)

    def _unlist(self, directory: Directory) -> None:
        left = [other for other in self._by_watch.get(directory.watch, ()) if other is not directory]
        if left:
            self._by_watch[directory.watch] = left
        else:
            self._by_watch.pop(directory.watch, None)
            self._watches.remove(directory.watch)
            self.disturbed = True

    def unexpect(self, interests: Collection[Interest]) -> None:
        """Let interests wait for nothing; `prune` when it is known what they wait for instead."""
        for directory in self._by_path.values():
            if directory.expected:
                directory.expected = dict(_without(directory.expected, interests))

    def forget(self, interests: Collection[Interest]) -> None:
        """Stop watching for interests."""
        if interests:
            gone = set(interests)
            for directory in self._by_path.values():
                if not gone.isdisjoint(directory.interests):
                    directory.interests = tuple(kept for kept in directory.interests if kept not in gone)
            self.unexpect(gone)
            self.prune()

    def prune(self) -> None:
        """Stop watching what nobody needs."""
        used = {directory.repository for directory in self._by_path.values() if directory.repository}
        for directory in tuple(self._by_path.values()):
            if directory.guards and directory.guards not in used:
                directory.guards = None
                self.repositories.pop(directory.path, None)
            if directory.useless:
                self.remove(directory)


def _without(
    expected: dict[str, tuple[Interest, ...]], gone: Collection[Interest]
) -> Iterator[tuple[str, tuple[Interest, ...]]]:
    for name, interests in expected.items():
        left = tuple(interest for interest in interests if interest not in gone)
        if left:
            yield name, left
