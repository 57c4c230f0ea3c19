"""Quiet times: an update that only changed files ask for waits until they have been quiet for as long as is asked."""

import asyncio
from collections.abc import Callable

from pytilt.loop.planning import freshness
from pytilt.model.names import ResourceName
from pytilt.model.objects import Resource
from pytilt.store.objects import Store

AT_MOST = 10
"""So many quiet times after the first change an update starts even if files go on changing."""

Quiet = Callable[[ResourceName, int], None]
"""Called with a resource whose files are quiet, and the sequence of the last change."""


class _Wait:
    """A resource that waits."""

    def __init__(self, timer: asyncio.TimerHandle, sequence: int, until: float) -> None:
        self.timer = timer
        self.sequence = sequence
        self.until = until


class Debouncing:
    """The timers of the resources that wait.

    Args:
        store: the session's objects.
        quiet: takes note that the files of a resource are quiet.
    """

    def __init__(self, store: Store, quiet: Quiet) -> None:
        self._store = store
        self._quiet = quiet
        self._waits: dict[ResourceName, _Wait] = {}

    def wait(self, name: ResourceName) -> None:
        """Begin to wait for a resource; where one waits already, only another change begins anew."""
        resource = self._store.get(Resource, name)
        if resource is None:
            return
        changed = freshness.unconsumed(self._store.snapshot(), resource)
        sequence, seconds = max(changed.values(), default=0), resource.spec.debounce_seconds
        loop = asyncio.get_running_loop()
        now, before = loop.time(), self._waits.get(name)
        if before is not None:
            if before.sequence == sequence:
                return
            before.timer.cancel()
        until = before.until if before else now + AT_MOST * seconds
        timer = loop.call_at(min(now + seconds, until), self._end, name, sequence)
        self._waits[name] = _Wait(timer, sequence, until)

    def close(self) -> None:
        """Wait for nothing any more."""
        for each in self._waits.values():
            each.timer.cancel()
        self._waits.clear()

    def _end(self, name: ResourceName, sequence: int) -> None:
        del self._waits[name]
        self._quiet(name, sequence)
