"""What to start now and what has to wait: what changed is looked at, the rest is remembered.

The answer is a pure function of the state; the work for one change does not grow with the number of resources.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping

from pytilt.loop.planning import freshness
from pytilt.loop.planning.schedule import (
    Blocked,
    Key,
    Need,
    Queued,
    QueueKind,
    Slots,
    Start,
    UpdatePlan,
    decide,
    full_start,
    need_of,
    order,
    queue_kind,
    takes_a_slot,
    tiltfile_pending,
    waiting_for_uncategorized,
)
from pytilt.model.names import TILTFILE, UNCATEGORIZED, ResourceName
from pytilt.model.objects import FileWatch, ImageMap, Resource, Runtime
from pytilt.model.updates import Hold, HoldReason, Reason
from pytilt.store.objects import Snapshot

Place = tuple[tuple[int, int, int], ResourceName]
"""The order of an update among those that wait for a slot."""


class Planner:
    """Decides from one change of the state to the next.

    Args:
        recorded: has an earlier session recorded an update of the resource of this name?
    """

    def __init__(self, recorded: Callable[[str], bool] = lambda _: False) -> None:
        self._recorded = recorded
        self._needs: dict[ResourceName, Need] = {}
        self._running: dict[ResourceName, QueueKind] = {}
        """What takes a slot."""
        self._queues: dict[QueueKind, list[Place]] = {kind: [] for kind in QueueKind}
        self._places: dict[ResourceName, tuple[QueueKind, Place, str]] = {}
        """Where each is in its queue, and why it is not updated in place."""
        self._interests = _Dependents()
        """The objects by which each resource is judged."""
        self._blocked = _Dependents()
        """The objects that each waits for besides."""
        self._evaluating = False
        self._one_runs_alone = False
        self._latest = 0

    def plan(self, state: Snapshot, slots: Slots, changed: Iterable[Key] | None = None) -> UpdatePlan:
        """Decide anew.

        Args:
            state: the objects of the session.
            slots: how many updates may run at a time.
            changed: what is different from the state before; None: anything.
        """
        names = self._dirty(state, changed)
        evaluating = tiltfile_pending(state)
        if evaluating != self._evaluating:
            names |= self._needs.keys()
        self._evaluating = evaluating
        for name in names:
            self._look(state, name)
        starts: list[tuple[Place, Start]] = []
        holds: dict[ResourceName, Hold] = {}
        for name in names & self._needs.keys():
            need = self._needs[name]
            if not need.asked or need.resource.status.current:
                continue
            if evaluating:
                holds[name] = Hold(reason=HoldReason.TILTFILE_RELOAD, on=(TILTFILE,))
                continue
            answer = decide(state, need, self._latest)
            if isinstance(answer, Start):
                starts.append((_place(need), answer))
            elif isinstance(answer, Queued):
                self._enqueue(need, answer.note)
            else:
                holds[name] = self._block(name, answer)
        if not evaluating:
            names |= self._start_queued(slots, starts, holds)
        return self._answer(names, starts, holds)

    def _dirty(self, state: Snapshot, changed: Iterable[Key] | None) -> set[ResourceName]:
        """The resources to look at again."""
        if changed is None:
            self._latest = freshness.latest(state)
            return {ResourceName(name) for name in (*state.named(Resource), *self._needs, *self._running)}
        names: set[ResourceName] = set()
        for key in changed:
            kind, name = key
            if kind is Resource:
                names.add(ResourceName(name))
            elif kind is FileWatch:
                watch = state.get(FileWatch, name)
                self._latest = max(self._latest, watch.status.latest if watch else 0)
            names |= self._interests.of(key) | self._blocked.of(key)
        return names

    def _look(self, state: Snapshot, name: ResourceName) -> None:
        """Find out whether a resource is due, and forget what was decided about it."""
        self._dequeue(name)
        self._blocked.set(name, ())
        resource = state.get(Resource, name)
        self._interests.set(name, _judged_by(resource) if resource else ())
        if resource is not None and any(map(takes_a_slot, resource.status.current)):
            self._running[name] = self._kind(resource)
        else:
            self._running.pop(name, None)
        need = need_of(state, resource) if resource else None
        if need is None:
            self._needs.pop(name, None)
        else:
            self._needs[name] = need

    def _kind(self, resource: Resource) -> QueueKind:
        first = resource.spec.deploy.in_cluster and not resource.status.history
        return queue_kind(resource, recorded=first and self._recorded(resource.name))

    def _block(self, name: ResourceName, answer: Blocked) -> Hold:
        self._blocked.set(name, answer.until)
        return answer.hold

    def _enqueue(self, need: Need, note: str) -> None:
        kind, place = self._kind(need.resource), _place(need)
        insort(self._queues[kind], place)
        self._places[place[1]] = (kind, place, note)

    def _dequeue(self, name: ResourceName) -> str:
        """Take a resource out of its queue; returns why it is not updated in place."""
        found = self._places.pop(name, None)
        if found is None:
            return ""
        kind, place, note = found
        queue = self._queues[kind]
        del queue[bisect_left(queue, place)]
        return note

    def _start_queued(
        self, slots: Slots, starts: list[tuple[Place, Start]], holds: dict[ResourceName, Hold]
    ) -> set[ResourceName]:
        """Start what has a slot; returns the resources about which something else is to be said than before."""
        names: set[ResourceName] = set()
        while (place := self._next(slots)) is not None:
            name = place[1]
            names.add(name)
            need, note = self._needs[name], self._dequeue(name)
            wait = waiting_for_uncategorized(need) if UNCATEGORIZED in self._running else None
            if wait is not None:
                holds[name] = self._block(name, wait)
                continue
            self._running[name] = self._kind(need.resource)
            starts.append((place, full_start(need, self._latest, note)))
        one_runs_alone = QueueKind.ALONE in self._running.values()
        if one_runs_alone != self._one_runs_alone:
            names |= self._places.keys()
        self._one_runs_alone = one_runs_alone
        return names

    def _next(self, slots: Slots) -> Place | None:
        """The first in the queues that may start now."""
        if not self._places:
            return None
        running = list(self._running.values())
        if QueueKind.ALONE in running or (slots.total and len(running) >= slots.total):
            return None
        free = (
            queue[0]
            for kind, queue in self._queues.items()
            if queue and running.count(kind) < slots.of(kind) and not (running and kind is QueueKind.ALONE)
        )
        return min(free, default=None)

    def _queue_hold(self, kind: QueueKind) -> Hold:
        """Why something in a queue waits; for which others changes all the time, so that views look that up."""
        if self._one_runs_alone:
            return Hold(reason=HoldReason.WAITING_FOR_LOCAL)
        if kind is QueueKind.ALONE:
            return Hold(reason=HoldReason.IS_UNPARALLELIZABLE_LOCAL)
        return Hold(reason=HoldReason.WAITING_FOR_SLOT)

    def _answer(
        self, names: set[ResourceName], starts: list[tuple[Place, Start]], holds: Mapping[ResourceName, Hold]
    ) -> UpdatePlan:
        queued = {name: self._queue_hold(self._places[name][0]) for name in names & self._places.keys()}
        needs = {name: self._needs[name] for name in names & self._needs.keys()}
        due: dict[ResourceName, Reason] = {
            name: need.reason for name, need in needs.items() if need.asked and not need.taken
        }
        return UpdatePlan(
            noted=frozenset(names),
            starts=tuple(start for _, start in sorted(starts, key=lambda each: each[0])),
            holds={**queued, **holds},
            due=due,
            pending_manual=frozenset(name for name, need in needs.items() if not need.asked),
        )


class _Dependents:
    """Which resources are to be looked at when an object changes."""

    def __init__(self) -> None:
        self._keys: dict[ResourceName, tuple[Key, ...]] = {}
        self._names: dict[Key, set[ResourceName]] = {}

    def of(self, key: Key) -> set[ResourceName]:
        """The resources that are interested in an object."""
        return self._names.get(key, set())

    def set(self, name: ResourceName, keys: tuple[Key, ...]) -> None:
        """A resource is interested in these objects from now on."""
        before = self._keys.get(name, ())
        if before == keys:
            return
        for key in before:
            self._names[key].discard(name)
            if not self._names[key]:
                del self._names[key]
        for key in keys:
            self._names.setdefault(key, set()).add(name)
        if keys:
            self._keys[name] = keys
        else:
            self._keys.pop(name, None)


def _judged_by(resource: Resource) -> tuple[Key, ...]:
    """Every object that an answer about a resource depends on, besides itself."""
    return tuple(dict.fromkeys(_inputs(resource)))


def _inputs(resource: Resource) -> Iterator[Key]:
    if resource.spec.deploy.in_cluster:  # what runs of it may lack files
        yield Runtime, resource.name
    yield FileWatch, resource.name
    for applied in resource.status.applied_images:
        yield ImageMap, applied.name
    for image in resource.spec.images:
        yield ImageMap, image.name
        yield FileWatch, freshness.image_watch(image.name)


def _place(need: Need) -> Place:
    return order(need), ResourceName(need.resource.name)
