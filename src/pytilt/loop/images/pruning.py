"""Removing old images while a session runs, as `docker_prune_settings` says: when nothing is being updated."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from pytilt.errors import PytiltError
from pytilt.model.base import Value
from pytilt.model.logs import Level, Log
from pytilt.model.names import TILTFILE
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.resources import Declaration, PruneSettings
from pytilt.model.updates import Outcome, Strategy
from pytilt.store.objects import Store

Prune = Callable[[Declaration, Callable[[str], None]], Awaitable[None]]
"""Removes what is stale; the second argument takes what was removed, line by line."""

_NOTHING = "removed 0 "


class Pruned(Value):
    """The last time that images were removed."""

    builds: int
    """How many updates with images had ended by then."""
    at: float
    """By the clock of the event loop, seconds."""


def is_prune_due(settings: PruneSettings, last: Pruned | None, builds: int, now: float) -> bool:
    """Whether stale images are to be removed now; for the first time after the first build.

    Args:
        settings: of the Tiltfile.
        last: the last time; None before the first.
        builds: how many updates with images have ended.
        now: by the clock of the event loop, seconds.
    """
    if not settings.automatic or not builds:
        return False
    if last is None:
        return True
    if settings.every_builds:
        return builds - last.builds >= settings.every_builds
    return now - last.at >= settings.every_seconds


class Pruning:
    """Removes stale images from the engine.

    Args:
        store: the session's objects.
        log: takes what was removed.
        prune: removes them.
    """

    def __init__(self, store: Store, log: Log, prune: Prune) -> None:
        self._store = store
        self._log = log
        self._prune = prune
        self._ended: set[int] = set()
        self._last: Pruned | None = None

    async def run(self) -> None:
        """Remove them whenever it is time, without end."""
        changed = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(changed), name="changes to prune after")
            while True:
                await self._turn()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await changed.wait()
                changed.clear()

    async def _listen(self, changed: asyncio.Event) -> None:
        async for _ in self._store.watch(Resource, Tiltfile, aspects={Resource: lambda each: each.status.busy}):
            changed.set()

    def _pause(self) -> float | None:
        """Seconds until it may be time without anything having changed."""
        declaration = self._declaration()
        if declaration is None or self._last is None or not declaration.prune.automatic:
            return None
        return max(0.0, self._last.at + declaration.prune.every_seconds - asyncio.get_running_loop().time()) + 1.0

    async def _turn(self) -> None:
        declaration, resources = self._declaration(), self._store.snapshot().all(Resource)
        self._ended |= {
            update.id
            for resource in resources
            if resource.spec.images
            for update in resource.status.history
            if update.strategy is Strategy.FULL and update.outcome is Outcome.OK
        }
        if declaration is None or any(resource.status.busy for resource in resources):
            return
        now = asyncio.get_running_loop().time()
        if is_prune_due(declaration.prune, self._last, len(self._ended), now):
            self._last = Pruned(builds=len(self._ended), at=now)
            await self._remove(declaration)

    async def _remove(self, declaration: Declaration) -> None:
        lines: list[str] = []
        try:
            await self._prune(declaration, lines.append)
        except PytiltError as error:
            self._log(f"[Docker Prune] old images stay: {error}\n", level=Level.WARN)
        for line in lines:
            if _NOTHING not in line:
                self._log(f"{line}\n")

    def _declaration(self) -> Declaration | None:
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        return tiltfile.status.declaration if tiltfile is not None else None
