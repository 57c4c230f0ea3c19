"""The file watcher of systems other than Linux, on top of `watchfiles`."""

import asyncio
import os
import posixpath
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pytilt.host.files.contents import fingerprint
from pytilt.host.files.contract import Changes
from pytilt.host.files.gathering import Gathering
from pytilt.host.files.interests import Interests
from pytilt.host.files.repositories import LOCK, Repository, find_git_dir
from pytilt.model.files import FileRule

_STEP_MS = 5
_DEBOUNCE_MS = 20
"""A burst is emitted at the latest after so long; the system itself takes about as long to report it."""


class PortableWatcher:
    """The `Watcher` of macOS.

    The system watches whole trees there, so ignored directories cost nothing to set up; what happens in them is
    dropped here. It is made on the event loop that it serves, and entered at once.
    """

    def __init__(self) -> None:
        self._interests = Interests()
        self._updating = asyncio.Lock()
        self._repositories: dict[str, Repository] = {}
        self._git_dirs: dict[str, str | None] = {}
        self._roots: tuple[str, ...] = ()
        self._real: dict[str, str] = {}
        """Real paths of roots that are reached over links, and how the rules write them."""
        self._stop = asyncio.Event()
        self._gathering = Gathering()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Start without anything to watch."""
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all watches."""
        self._stop.set()
        self._gathering.close()
        await self._tasks.__aexit__(kind, error, trace)

    async def update(self, rules: Mapping[str, Sequence[FileRule]]) -> None:
        """Watch exactly these rules; see `Watcher.update`."""
        async with self._updating:
            plan = self._interests.plan(rules)
            roots = await asyncio.to_thread(_roots, [interest.path for interest in plan.keys])
            self._interests.carry_out(plan)
            self._gathering.keep(rules)
            if roots != self._roots:
                await self._watch(roots)

    def changes(self) -> AsyncIterator[Changes]:
        """Yield what changed since the last item; see `Watcher.changes`."""
        return self._gathering.items()

    async def flush(self) -> None:
        """Emit everything that was received so far; see `Watcher.flush`."""
        await self._gathering.drained()

    def read(self) -> bool:
        """Whether the reader has all that was reported; see `Watcher.read`."""
        return self._gathering.idle

    async def taken(self) -> None:
        """Wait until the reader has what was reported; see `Watcher.taken`."""
        await self._gathering.taken()

    def fingerprint(self, path: str) -> bytes:
        """What is at a path; see `Watcher.fingerprint`."""
        return fingerprint(path)

    async def _watch(self, roots: tuple[str, ...]) -> None:
        from watchfiles import awatch  # type: ignore[import-not-found,unused-ignore]  # not installed on Linux

        self._real = await asyncio.to_thread(_real_paths, roots)
        before, self._stop, self._roots = self._stop, asyncio.Event(), roots
        started = asyncio.Event()
        if roots:
            events = awatch(
                *roots,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=self._stop,
                yield_on_timeout=True,
            )
            self._tasks.create_task(self._follow(events, started), name="watch files")
            await started.wait()
        before.set()  # only now, so that nothing is missed in between

    async def _follow(self, events: AsyncIterator[set[tuple[int, str]]], started: asyncio.Event) -> None:
        asyncio.get_running_loop().call_soon(started.set)  # the first step of the iterator establishes the watches
        async for batch in events:
            for _, path in sorted(batch, key=lambda change: not change[1].endswith(LOCK)):
                self._on_change(self._as_written(path))

    def _as_written(self, path: str) -> str:
        for real, root in self._real.items():
            if path == real or _contains(real, path):
                return root + path[len(real) :]
        return path

    def _on_change(self, path: str) -> None:
        if posixpath.basename(path) == ".git":
            self._git_dirs.clear()  # a work tree begins or ends there
        repository = self._repository(posixpath.dirname(path))
        if repository and path == repository.lock:
            if Path(path).exists():
                self._gathering.hold(repository)
            else:
                self._gathering.release(repository)
            return
        covering = [interest for interest in self._interests.all if interest.covers(path)]
        self._gathering.emit(covering, path, repository)

    def _repository(self, directory: str) -> Repository | None:
        if directory not in self._git_dirs:
            self._git_dirs[directory] = find_git_dir(directory)
        git_dir = self._git_dirs[directory]
        if git_dir is None:
            return None
        return self._repositories.setdefault(git_dir, Repository(git_dir))


def _roots(paths: Sequence[str]) -> tuple[str, ...]:
    """The outermost directories that contain every watched path, and the git directories of their repositories."""
    git_dirs = {git_dir for path in paths if (git_dir := find_git_dir(path))}
    found = {_existing_directory(path) for path in paths} | git_dirs
    return tuple(sorted(path for path in found if not any(_contains(other, path) for other in found)))


def _real_paths(roots: Sequence[str]) -> dict[str, str]:
    real = {os.path.realpath(root): root for root in roots}
    return {path: root for path, root in real.items() if path != root}


def _existing_directory(path: str) -> str:
    while not Path(path).is_dir():
        path = posixpath.dirname(path)
    return path


def _contains(directory: str, path: str) -> bool:
    return path != directory and path.startswith(directory.rstrip("/") + "/")
