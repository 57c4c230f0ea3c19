"""Saves that are about to be live: who saves a file and asks the pod at once is to be answered with what was saved."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from pytilt.loop.planning import freshness
from pytilt.model.objects import FileWatch, Resource
from pytilt.model.updates import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pytilt.loop.updates.watching import Watching
    from pytilt.store.objects import Store

LONGEST_SECONDS = 0.05
"""How long anybody waits: ten times as long as a live update of a small file takes."""


class _WaitingConnection:
    """One that may go on when what was saved is in the containers."""

    def __init__(self, go: "Callable[[], object]") -> None:
        self._go = go
        self.sequence: int | None = None
        """Of the last change that is waited for; None: it is not known yet."""
        self.gone = False

    def go(self) -> None:
        """Let it go on, once."""
        if not self.gone:
            self.gone = True
            self._go()


class RecentChanges:
    """Says when what was saved is in the running containers, where that is a matter of milliseconds.

    Args:
        store: the session's objects.
        watching: knows what was saved.
        longest: how long anybody waits.
    """

    def __init__(self, store: "Store", watching: "Watching", longest: float = LONGEST_SECONDS) -> None:
        self._store = store
        self._watching = watching
        self._longest = longest
        self._waiting: dict[str, list[_WaitingConnection]] = {}

    def settle(self, resource: str, go: "Callable[[], object]") -> "Coroutine[None, None, None] | None":
        """Call `go` once everything that was saved before now is in the containers of a resource.

        It is called all the same where only a full update will bring it, and when that takes longer than a live update
        should.

        Returns:
            None where `go` was called; else what is to be run until it is.
        """
        if self._watching.read() and not self._is_coming(resource):
            go()
            return None
        return self._wait(resource, _WaitingConnection(go))

    def arrived(self, resource: str, sequence: int) -> None:
        """What was saved is in all containers of a resource, which is noted a moment later.

        Args:
            resource: its name.
            sequence: of the last change that is there.
        """
        for waiting in self._waiting.get(resource, ()):
            if waiting.sequence is not None and waiting.sequence <= sequence:
                waiting.go()

    async def _wait(self, name: str, waiting: _WaitingConnection) -> None:
        self._waiting.setdefault(name, []).append(waiting)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._longest):
                    await self._watching.known()
                    state = self._store.snapshot()
                    if (resource := state.get(Resource, name)) is not None:
                        waiting.sequence = freshness.latest_of(state, resource)
                    async for _ in self._store.watch(Resource, FileWatch):
                        if waiting.gone or not self._is_coming(name):
                            return
        finally:
            self._waiting[name].remove(waiting)
            if not self._waiting[name]:
                del self._waiting[name]
            waiting.go()

    def _is_coming(self, name: str) -> bool:
        """Is a live update due or running?"""
        state = self._store.snapshot()
        resource = state.get(Resource, name)
        if resource is None:
            return False
        if resource.status.current:
            return any(update.strategy is Strategy.LIVE for update in resource.status.current)
        due = resource.spec.trigger_mode.auto and freshness.unconsumed(state, resource)
        return bool(due) and isinstance(freshness.in_place(state, resource), freshness.InPlace)
