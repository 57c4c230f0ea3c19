"""Watched files: what the watcher of this machine tells becomes the status of `FileWatch` objects."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from pytilt.host.files import Watcher
from pytilt.host.ignoring import EDITOR_PATTERNS
from pytilt.loop import freshness
from pytilt.model.files import FileRule, Ignore
from pytilt.model.objects import FileWatch, FileWatchStatus
from pytilt.model.resources import Declaration
from pytilt.store.objects import Store

EDITORS = Ignore(base="/", patterns=EDITOR_PATTERNS)


def that_matter(files: FileRule, declaration: Declaration) -> FileRule:
    """The files without those that matter nowhere: what the whole Tiltfile ignores, and what editors write."""
    return replace(files, ignores=(*files.ignores, *declaration.ignores, EDITORS))


class Watching:
    """Writes every `FileWatch`: the only source of the sequence numbers of changes.

    Args:
        store: the session's objects.
        watcher: watches the files of this machine.
    """

    def __init__(self, store: Store, watcher: Watcher) -> None:
        self._store = store
        self._watcher = watcher
        self._sequence = 0

    async def declare(self, rules: Mapping[str, Sequence[FileRule]]) -> None:
        """Watch exactly this; on return no later change is missed.

        Args:
            rules: name of the watch -> what it watches. A known watch keeps what it has seen.
        """
        await self._watcher.update(rules)
        for gone in self._store.snapshot().named(FileWatch).keys() - rules.keys():
            self._store.delete(FileWatch, gone)
        for name, wanted in rules.items():
            before = self._store.get(FileWatch, name) or FileWatch(name=name)
            self._store.put(replace(before, rules=tuple(wanted)))

    async def run(self) -> None:
        """Tell changes as they come, without end."""
        async for batch in self._watcher.changes():
            self.tell(batch)

    def tell(self, batch: Mapping[str, frozenset[str]]) -> None:
        """Note that these files changed, all at one moment."""
        self._sequence += 1
        for name, paths in batch.items():
            watch = self._store.get(FileWatch, name)
            if watch is not None:
                self._store.put(_with(watch, dict.fromkeys(paths, self._sequence), self._sequence))

    def next_sequence(self) -> int:
        """A number greater than that of every change told so far, and no greater than that of the next."""
        return self._sequence + 1

    @property
    def sequence(self) -> int:
        """The number of the newest change."""
        return max(self._sequence, freshness.latest(self._store.snapshot()))


def _with(watch: FileWatch, changed: Mapping[str, int], latest: int) -> FileWatch:
    return replace(watch, status=FileWatchStatus(changes={**watch.status.changes, **changed}, latest=latest))
