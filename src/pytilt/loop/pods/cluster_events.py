"""The events of a cluster: each is kept with the resource whose object it is about."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from pytilt.cluster import pods
from pytilt.model.cluster_events import ClusterEvent, ResourceEvents
from pytilt.model.names import ResourceName
from pytilt.model.objects import runtime_owner
from pytilt.store.objects import Store

MOST_EVENTS = 50
"""So many events of a resource are kept, the last ones."""

MOST_PENDING = 500
"""So many events of objects that belong to no known resource are kept until they do, or others come."""


class ClusterEvents:
    """Writes `ResourceEvents`.

    Args:
        store: the session's objects.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pending: dict[str, pods.ObjectEvent] = {}

    def take(self, uid: str, event: pods.ObjectEvent) -> None:
        """Take an event, or one that happened again; whose it is may not be known yet."""
        self._pending.pop(uid, None)
        self._pending[uid] = event
        if len(self._pending) > MOST_PENDING:
            del self._pending[next(iter(self._pending))]

    @property
    def pending(self) -> bool:
        """Are there events that belong to no resource yet?"""
        return bool(self._pending)

    def assign(self, names: Mapping[str, ResourceName], lineages: Mapping[str, Iterable[str]]) -> None:
        """Write the events whose resource is known by now.

        Args:
            names: the resources of objects, by their uid.
            lineages: for every object that an event is about its own uid and those of its owners.
        """
        news: dict[ResourceName, list[ClusterEvent]] = {}
        for uid, event in list(self._pending.items()):
            name = next((names[each] for each in lineages.get(event.object_uid, ()) if each in names), None)
            if name is not None:
                del self._pending[uid]
                news.setdefault(name, []).append(_kept(uid, event))
        for resource, events in news.items():
            self._write(resource, events)

    def subjects(self) -> set[str]:
        """The uids of the objects that pending events are about."""
        return {event.object_uid for event in self._pending.values()}

    def _write(self, name: ResourceName, events: Iterable[ClusterEvent]) -> None:
        before = self._store.get(ResourceEvents, name) or ResourceEvents(name=name, owner=runtime_owner(name))
        known = {event.uid: event for event in (*before.events, *events)}
        last = sorted(known.values(), key=lambda event: event.last_seen)[-MOST_EVENTS:]
        self._store.put(replace(before, events=tuple(last)))


def _kept(uid: str, event: pods.ObjectEvent) -> ClusterEvent:
    return ClusterEvent(
        uid=uid,
        type=event.type,
        reason=event.reason,
        message=event.message.rstrip(),
        object=f"{event.object.kind.lower()}/{event.object.name}",
        count=event.count,
        last_seen=event.last_seen or event.created_at,
    )
