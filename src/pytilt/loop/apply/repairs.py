"""Repairs of what somebody has undone outside of the session, and where they stop: something else is stronger."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from pytilt.model.logs import Log
from pytilt.model.names import ResourceName, SpanId
from pytilt.store.logs import LogStore

REPAIRS = 3
"""So often one thing is repaired within `FIGHT_SECONDS`; what undoes that again is stronger."""
FIGHT_SECONDS = 600.0

Repair = Callable[[ResourceName, str, bool], None]
"""Asks for the repair of a resource, with the reason, and whether it was repaired too often to be repaired again."""


Thing = TypeVar("Thing", bound=Hashable)


class Repairs(Generic[Thing]):
    """Counts repairs of each thing.

    Args:
        clock: seconds that only count up.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: defaultdict[Thing, deque[float]] = defaultdict(deque)

    def exhausted(self, thing: Thing) -> bool:
        """Was it repaired too often? If not, count one more repair."""
        now, times = self._clock(), self._times[thing]
        while times and times[0] < now - FIGHT_SECONDS:
            times.popleft()
        if len(times) >= REPAIRS:
            return True
        times.append(now)
        return False


def repair_log(logs: LogStore, name: ResourceName) -> Log:
    """Where a resource's log says what was noticed, and what becomes of it."""
    return logs.span(name, SpanId(f"drift:{name}"))
