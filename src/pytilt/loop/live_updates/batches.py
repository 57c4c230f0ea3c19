"""What the containers of one live update get: those that lack the same share a batch."""

import asyncio
from collections.abc import Iterable, Sequence

from pytilt.errors import NotInPlaceError
from pytilt.liveupdate.archive import DiskTree, examine
from pytilt.liveupdate.inferring import blind, plan_changes
from pytilt.liveupdate.keeping import KeptUpdate
from pytilt.liveupdate.planning import FallBack, SyncPlan
from pytilt.liveupdate.receiver import Batch, Passed
from pytilt.loop.planning.freshness import SyncTarget
from pytilt.model.images import LiveUpdate
from pytilt.model.inference import Inferred
from pytilt.model.names import ImageName
from pytilt.model.objects import Resource


class UpdatePart:
    """What one container gets, as far as that is known for all of them at once."""

    def __init__(self, target: SyncTarget, batch: Batch | None = None) -> None:
        self.target = target
        self.batch = batch
        """None: it is not planned yet."""
        self.passed: Passed | None = None
        """The batch on its way by the leader on this machine."""

    @property
    def name(self) -> str:
        """Of the container, for people."""
        return f"{self.target.pod.name}/{self.target.container.name}"

    def give_up(self) -> None:
        """Wait for nothing any more."""
        if self.passed is not None:
            self.passed.give_up()


class UpdateBatches:
    """The batches of one update: containers that lack the same files share one."""

    def __init__(self, resource: Resource) -> None:
        self.synced = {container.id: container.sequence for container in resource.status.containers}
        """Up to which change each container has its files."""
        self.kept: dict[ImageName, KeptUpdate | None] = {}
        """What is kept of each image."""
        self.keeping = asyncio.Lock()
        self.carried: dict[ImageName, dict[int, Batch]] = {}
        """What containers of each image got, by the change up to which they had everything; -1: they were new."""
        self._batches: dict[tuple[SyncPlan, bool], Batch] = {}
        self._plans: dict[tuple[LiveUpdate | Inferred, frozenset[str]], SyncPlan] = {}

    def is_shared(self, target: SyncTarget) -> bool:
        """Does a container get what others get that have the same? Else that is found out for each."""
        rules = target.rules
        follows = isinstance(rules, LiveUpdate) and bool(rules.followed)
        return not (follows or is_initial(rules, new=target.container.id not in self.synced))

    def alike(self, parts: Iterable[UpdatePart]) -> Iterable[Sequence[UpdatePart]]:
        """Those that get the same, where that is shared at all: of one image, with all up to the same change."""
        found: dict[tuple[ImageName, int | None], list[UpdatePart]] = {}
        for part in parts:
            key = part.target.image.name, self.synced.get(part.target.container.id)
            found.setdefault(key, []).append(part)
        return found.values()

    def carry(self, target: SyncTarget, batch: Batch) -> None:
        """Note that a container has a batch."""
        self.carried.setdefault(target.image.name, {})[self.synced.get(target.container.id, -1)] = batch

    def changed(self, paths: Iterable[str], rules: LiveUpdate | Inferred) -> SyncPlan:
        """The plan that brings what is at these paths now.

        Raises:
            SyncError: it cannot be brought in place.
        """
        key = rules, frozenset(paths)
        if (known := self._plans.get(key)) is not None:
            return known
        planned = plan_changes(examine(key[1], rules), rules, DiskTree())
        if isinstance(planned, FallBack):
            raise NotInPlaceError(planned.explained)
        self._plans[key] = planned
        return planned

    def of(self, plan: SyncPlan, rules: LiveUpdate | Inferred) -> Batch:
        """The batch of a plan."""
        files = [file.remote for file in (*plan.copies, *plan.deletions) if not file.alone]
        if isinstance(rules, Inferred):
            restart = rules.supervised and blind(rules, files)
        else:
            restart = rules.restart and bool(files or plan.runs)
        return self._batches.setdefault((plan, restart), Batch(plan, restart=restart))


def is_initial(rules: LiveUpdate | Inferred, *, new: bool) -> bool:
    """Does a container get all files, changed or not?"""
    return new and isinstance(rules, LiveUpdate) and rules.initial_sync
