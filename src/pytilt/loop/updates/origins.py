"""When the save was seen that an update was started by, and what happened until it began."""

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

from pytilt.host.timing import Recording
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.watching import Watching
from pytilt.model.names import ResourceName
from pytilt.model.times import moment, precise
from pytilt.model.updates import Reason, StepName

_OTHER_THAN_A_SAVE = ~(Reason.CHANGED_FILES | Reason.CONTAINER_REPLACED | Reason.DEPENDENCY_UPDATED)


class Origin(NamedTuple):
    """Where an update begins."""

    recording: Recording
    """Takes its steps."""
    saved_at: str = ""
    """When the save was seen, RFC 3339; empty where no save has started it."""
    planned: float | None = None
    """Since when it was planned and begun, by the monotonic clock; None where no save has started it."""

    def begin(self) -> None:
        """Its work begins."""
        if self.planned is not None:
            self.recording.add(StepName.PLAN, self.planned, time.monotonic())


class Origins:
    """Knows of every resource what kept its updates waiting.

    Args:
        watching: knows when a change was seen.
        now: the time of the wall clock, RFC 3339.
    """

    def __init__(self, watching: Watching, now: Callable[[], str]) -> None:
        self._watching = watching
        self._now = now
        self._held: set[ResourceName] = set()
        self._ended: dict[ResourceName, float] = {}

    def hold(self, names: Iterable[ResourceName]) -> None:
        """These resources are due, and wait."""
        self._held.update(names)

    def end(self, name: ResourceName) -> None:
        """An update of a resource has ended: another one may begin."""
        self._ended[name] = time.monotonic()

    def of(self, start: Start) -> Origin:
        """Where an update begins that is started now."""
        held = start.resource in self._held
        self._held.discard(start.resource)
        began = time.monotonic()
        change = self._watching.moment(start.first_change)
        if change is None or not start.reason & Reason.CHANGED_FILES or start.reason & _OTHER_THAN_A_SAVE:
            return Origin(Recording(began))
        recording = Recording(change.seen)
        recording.add(StepName.EVENT, change.seen, change.known)
        free = began if held else max(change.known, self._ended.get(start.resource, 0.0))
        if free > change.known:
            recording.add(StepName.WAIT, change.known, free)
        saved_at = precise(moment(self._now()) - timedelta(seconds=began - change.seen))
        return Origin(recording, saved_at, free)
