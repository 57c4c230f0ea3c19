"""For whom an update waits: what runs changes all the time, so it is looked up when somebody wants to know."""

from functools import lru_cache

from pytilt.model.names import ResourceName
from pytilt.model.objects import Resource
from pytilt.model.updates import Hold, HoldReason, Strategy
from pytilt.store.objects import Snapshot

_BY_OTHERS = frozenset(
    {HoldReason.WAITING_FOR_LOCAL, HoldReason.IS_UNPARALLELIZABLE_LOCAL, HoldReason.WAITING_FOR_SLOT}
)


def waits_for(state: Snapshot, hold: Hold) -> tuple[ResourceName, ...]:
    """The resources that a hold waits for."""
    return hold.on or (_running(state) if hold.reason in _BY_OTHERS else ())


@lru_cache(maxsize=1)  # many resources of one state wait for the same ones
def _running(state: Snapshot) -> tuple[ResourceName, ...]:
    """The resources of which an update runs that others wait for, in the order of the Tiltfile."""
    found = [
        resource
        for resource in state.all(Resource)
        if any(update.strategy is not Strategy.LIVE for update in resource.status.current)
    ]
    return tuple(ResourceName(each.name) for each in sorted(found, key=lambda each: each.order))
