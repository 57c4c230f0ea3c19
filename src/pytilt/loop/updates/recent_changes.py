"""Saves that are about to be live: who saves a file and asks the pod at once is to be answered with what was saved."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from pytilt.loop.planning import freshness
from pytilt.model.objects import FileWatch, Resource
from pytilt.model.updates import Strategy

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from pytilt.loop.updates.watching import Watching
    from pytilt.store.objects import Store

LONGEST_SECONDS = 0.05
"""How long anybody waits: ten times as long as a live update of a small file takes."""


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

    def settled(self, resource: str) -> "Coroutine[None, None, None] | None":
        """Is everything that was saved before now in the containers of a resource, or will only a full update bring it?

        Returns:
            None where it is; else what to wait for, which takes no longer than a live update should.
        """
        if self._watching.read() and not self._is_coming(resource):
            return None
        return self._wait(resource)

    async def _wait(self, resource: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._longest):
                await self._watching.known()
                async for _ in self._store.watch(Resource, FileWatch):
                    if not self._is_coming(resource):
                        return

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
