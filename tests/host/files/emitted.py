"""Reading what a watcher emits."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from pytilt.host.files.linux import InotifyWatcher
from pytilt.model.files import FileRule, Ignore


class Reader:
    """Reads items; times out rather than waiting for ever."""

    def __init__(self, watcher: InotifyWatcher, root: Path) -> None:
        self.root = root
        self._items = watcher.changes()

    async def next(self) -> dict[str, set[str]]:
        async with asyncio.timeout(10):
            while not (item := await anext(self._items)).paths:
                pass
        return {key: _relative(paths, self.root) for key, paths in item.paths.items()}

    async def collect(self, *wanted: str, key: str = "k") -> set[str]:
        """Read until all these paths of a key were emitted; everything that was emitted."""
        seen: set[str] = set()
        while not set(wanted) <= seen:
            seen |= (await self.next()).get(key, set())
        return seen


def _relative(paths: Iterable[str], root: Path) -> set[str]:
    return {os.path.relpath(path, root) for path in paths}


def rule(*paths: Path, ignores: Iterable[Ignore] = ()) -> FileRule:
    return FileRule(paths=tuple(map(str, paths)), ignores=tuple(ignores))
