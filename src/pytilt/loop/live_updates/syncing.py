"""Live updates: what changed goes into every running container of a resource, through a stream kept open for it."""

import asyncio
import contextlib
import posixpath
import time
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from pytilt.errors import NotInPlaceError, PytiltError, SyncError, UserError
from pytilt.host import timing
from pytilt.host.output import Tail
from pytilt.liveupdate.archive import DiskTree, examine, list_linked, list_synced
from pytilt.liveupdate.keeping import KeptUpdate
from pytilt.liveupdate.planning import SyncedFile, SyncPlan, plan_initial
from pytilt.liveupdate.receiver import COMMAND_TITLE, Batch
from pytilt.loop.failures import first_failure
from pytilt.loop.live_updates.batches import UpdateBatches, UpdatePart, is_initial
from pytilt.loop.live_updates.inference import explanation
from pytilt.loop.live_updates.keeper import NOT_KEPT, Keeper
from pytilt.loop.live_updates.receivers import Receivers
from pytilt.loop.planning import freshness
from pytilt.loop.planning.freshness import SyncTarget
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import STILL_BROKEN, Done
from pytilt.loop.updates.watching import that_matter
from pytilt.model.base import Value
from pytilt.model.images import LiveUpdate, Run
from pytilt.model.inference import Inference, Inferred
from pytilt.model.logs import Level, Log
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import ImageMap, Resource, Runtime, Tiltfile
from pytilt.model.resources import Declaration
from pytilt.model.updates import Outcome, Reason, StepName, SyncedContainer
from pytilt.store.objects import Store

GONE_SECONDS = 3.0
"""How long it may take until the cluster says that a container has ended: its node looks once a second."""

SHOWN_FILES = 10
"""Files that a live update names one by one in the log."""


class _SyncResult(Value):
    """What came of an update of one container."""

    error: str = ""
    brought: bool = True
    """Are the files in the container?"""
    gone: bool = False
    """The container is no longer there: the one that replaces it gets what it lacks."""


class Syncing:
    """Carries out live updates.

    Args:
        store: the session's objects.
        receivers: keeps a stream open to every container that could get one.
        keeper: keeps what was brought, for containers that start when it has changed on disk already.
        arrived: called when what was saved is in all containers of a resource: name, sequence of the last change.
        gone_seconds: how long it may take until the cluster says that a container has ended.
    """

    def __init__(
        self,
        store: Store,
        receivers: Receivers,
        keeper: Keeper,
        arrived: Callable[[str, int], object] = lambda *_: None,
        *,
        gone_seconds: float = GONE_SECONDS,
    ) -> None:
        self._store = store
        self._receivers = receivers
        self._keeper = keeper
        self._kept = keeper.kept
        self._arrived = arrived
        self._gone_seconds = gone_seconds
        self._explained: set[str] = set()
        """Resources whose log says what was inferred."""

    async def update(self, resource: Resource, start: Start, log: Log) -> Done:
        """Bring what changed into every running container of the resource, all at the same time.

        Raises:
            SyncError: a container was not reached, or what changed cannot be brought in place after all.
            UnreachableError: the cluster does not answer.
        """
        targets = freshness.running_targets(self._store.snapshot(), resource)
        if not targets and not start.only_in_place:
            raise SyncError("the containers changed before they could be updated")
        replays = start.reason == Reason.CONTAINER_REPLACED
        if replays:
            await self._keeper.caught_up()
        batches = UpdateBatches(resource)
        try:
            results = await self._all(resource, targets, start, batches, log)
        except (PytiltError, ExceptionGroup) as failure:
            problem = first_failure(failure) if isinstance(failure, ExceptionGroup) else failure
            blocked = _blocked(resource, targets, problem)
            if blocked is None:
                raise problem from None
            log(f"Not updated in place: {problem}\n")
            return Done(outcome=Outcome.FELL_BACK, error=str(problem), status={"inferences": blocked})
        errors = [result.error for result in results if result.error]
        if not errors and not any(result.gone for result in results):
            self._arrived(resource.name, start.sequence)
        self._explain(resource, targets, start, log)
        before = {container.id: container.sequence for container in resource.status.containers}
        synced = tuple(
            SyncedContainer(
                id=target.container.id,
                sequence=start.sequence if result.brought else before.get(target.container.id, 0),
                tried=0 if result.brought else start.sequence,
            )
            for target, result in zip(targets, results, strict=True)
            if not result.gone
        )
        outcome, error = (Outcome.FAILED, errors[0]) if errors else (Outcome.OK, "")
        failed = freshness.failed_update(resource) if start.only_in_place else None
        if failed is not None and not errors:
            outcome, error = failed.outcome, failed.error
            log(f"{STILL_BROKEN}\n", level=Level.WARN)
        status = {"synced": start.sequence, "containers": synced, "deployed_at": self._store.now(), "adopted": False}
        kept = self._keep_sent(resource, start, batches, log)
        return Done(outcome=outcome, error=error, status={**status, "kept": start.sequence if kept else 0})

    def _keep_sent(self, resource: Resource, start: Start, batches: UpdateBatches, log: Log) -> bool:
        """Keep what was brought; returns whether anything is."""
        keys = [(ResourceName(resource.name), image.name) for image in resource.spec.images]
        if not resource.spec.trigger_mode.auto:
            return any(self._kept.get(key) for key in keys)
        for key in keys:
            if sent := {base: batch.sent for base, batch in batches.carried.get(key[1], {}).items()}:
                self._keeper.add(key, sent, start.sequence, log)
        brought = any(not batch.empty for carried in batches.carried.values() for batch in carried.values())
        return brought or bool(resource.status.kept)

    def forget_built(self, resource: Resource) -> None:
        """Keep no more copies of what is in an image now."""
        for image in resource.spec.images:
            if (built := self._store.get(ImageMap, image.name)) is not None:
                self._keeper.forget_built((ResourceName(resource.name), image.name), built.status.sequence)

    async def _all(
        self, resource: Resource, targets: Sequence[SyncTarget], start: Start, batches: UpdateBatches, log: Log
    ) -> list["_SyncResult"]:
        """Update all containers at the same time.

        A single one has no task of its own: that would begin only after all who watch the resource had their turn. Of
        several, what the leader on this machine can pass on is on its way before anything else is done.
        """
        if len(targets) == 1:
            return [await self._one(resource, UpdatePart(targets[0]), start, batches, log)]
        parts = [UpdatePart(target) for target in targets]
        try:
            with timing.about(f"{len(parts)} containers"):
                await self._pass_on(resource, parts, start, batches, log)
            return await self._rest(resource, parts, start, batches, log)
        finally:
            for part in parts:
                part.give_up()

    async def _pass_on(
        self, resource: Resource, parts: Sequence[UpdatePart], start: Start, batches: UpdateBatches, log: Log
    ) -> None:
        """Have the leader on this machine pass on what it can: each batch once, to all that lack the same."""
        together: dict[Batch, list[UpdatePart]] = {}
        with timing.step(StepName.PLAN), contextlib.suppress(PytiltError):  # each container fails by itself
            for those in batches.alike(parts):
                if batches.is_shared(those[0].target):
                    batch = await self._batch(resource, those[0].target, start, batches, log)
                    together.setdefault(batch, []).extend(those)
                    for part in those:
                        part.batch = batch
        for batch, those in together.items():
            if not (batch.empty or batch.plan.checks):
                passed = await self._receivers.pass_on([part.target for part in those], batch)
                for part, each in zip(those, passed, strict=True):
                    part.passed = each

    async def _rest(
        self, resource: Resource, parts: Sequence[UpdatePart], start: Start, batches: UpdateBatches, log: Log
    ) -> list["_SyncResult"]:
        """Do what is left where the leader did not do everything; the others are done with when all have answered."""
        tasks: dict[UpdatePart, asyncio.Task[_SyncResult]] = {}
        async with asyncio.TaskGroup() as group:

            def begin(part: UpdatePart) -> None:
                work = self._one(resource, part, start, batches, log)
                tasks[part] = group.create_task(work, name=f"sync {part.target.pod.name}")

            for part in parts:
                if part.passed is None:
                    begin(part)
            began = time.monotonic()
            for part in parts:
                if part.passed is not None and not await part.passed.answered():
                    begin(part)
            if len(tasks) < len(parts):
                timing.note(StepName.ACKNOWLEDGE, began, time.monotonic(), f"{len(parts) - len(tasks)} containers")
            for part in parts:
                if part not in tasks:
                    self._note_carried(part, batches, log)
        return [tasks[part].result() if part in tasks else _SyncResult() for part in parts]

    def _note_carried(self, part: UpdatePart, batches: UpdateBatches, log: Log) -> None:
        """Note that a container has all of its batch."""
        if part.batch is not None:
            batches.carry(part.target, part.batch)
            _log_steps(log, part.name, part.batch)
            log(f"  → Container {part.name} updated!\n")

    def _explain(self, resource: Resource, targets: Sequence[SyncTarget], start: Start, log: Log) -> None:
        """Report what was inferred, once for each resource."""
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        for target in targets:
            if isinstance(target.rules, Inferred) and resource.name not in self._explained and start.changed_files:
                self._explained.add(resource.name)
                changed = examine(start.changed_files, target.rules)
                directory = posixpath.dirname(tiltfile.path) if tiltfile else "/"
                log(explanation(target.image, target.rules, changed, DiskTree(), directory))

    async def _one(
        self, resource: Resource, part: UpdatePart, start: Start, batches: UpdateBatches, log: Log
    ) -> "_SyncResult":
        """Update one container; a failure that a full update would not mend is a result."""
        try:
            with timing.about(part.name):
                return _SyncResult(error=await self._bring(resource, part, start, batches, log))
        except SyncError as problem:
            # A reason that the container itself gave comes with a hint.
            if (
                problem.hint is None
                and not isinstance(problem, NotInPlaceError)
                and await self._gone(resource, part.target)
            ):
                log(f"  → Container {part.name} is gone; what changed goes into the one that replaces it\n")
                return _SyncResult(gone=True)
            if not (part.target.image.live_update_only or start.only_in_place):
                raise
            log(f"  → Failed to update container {part.name}: {problem}\n", level=Level.ERROR)
            return _SyncResult(error=str(problem), brought=False)

    async def _gone(self, resource: Resource, target: SyncTarget) -> bool:
        """Has the container ended? That is known a moment after its stream broke."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._gone_seconds):
                async for _ in self._store.watch(Resource, Runtime):
                    found = freshness.sync_targets(self._store.snapshot(), resource)
                    if not any(each.running and each.container.id == target.container.id for each in found):
                        return True
        return False

    async def _bring(self, resource: Resource, part: UpdatePart, start: Start, batches: UpdateBatches, log: Log) -> str:
        target, batch = part.target, part.batch
        if batch is None:
            with timing.step(StepName.PLAN):
                batch = await self._batch(resource, target, start, batches, log)
        if batch.empty:
            batches.carry(target, batch)
            return ""
        await self._check(target, batch.plan, log)
        _log_steps(log, part.name, batch)
        printed = _UpdateLog(log)
        result = await self._receivers.send(target, batch, printed, part.passed)
        batches.carry(target, batch)
        if result.failed is not None:
            error = f"command `{result.failed.shown}` failed in container {part.name}: exit status {result.exit_status}"
            log(f"  → Failed to update container {part.name}: {error}\n", level=Level.ERROR)
            return "\n".join(filter(None, (error, printed.tail.excerpt())))
        log(f"  → Container {part.name} updated!\n")
        return ""

    async def _check(self, target: SyncTarget, plan: SyncPlan, log: Log) -> None:
        """Ask the container what cannot be known here.

        Raises:
            NotInPlaceError: it is otherwise than the plan takes for granted.
        """
        if (
            plan.checks
            and (await self._receivers.send(target, Batch(SyncPlan(runs=plan.checks)), log)).failed is not None
        ):
            places = " or ".join(f"`{place}`" for check in plan.checks for place in check.argv[4:])
            raise NotInPlaceError(f"{places} is a directory in the container")

    async def _batch(
        self, resource: Resource, target: SyncTarget, start: Start, batches: UpdateBatches, log: Log
    ) -> Batch:
        if resource.spec.trigger_mode.auto:
            kept = self._kept_before(target, resource, start)
        else:
            kept = await self._keep(resource, target, start, batches, log)
        if kept is not None:
            return batches.of(await self._kept_plan(resource, target, start, batches, kept, log), target.rules)
        new = target.container.id not in batches.synced
        return batches.of(await self._plan(resource, target, start, batches, new=new), target.rules)

    async def _plan(
        self, resource: Resource, target: SyncTarget, start: Start, batches: UpdateBatches, *, new: bool
    ) -> SyncPlan:
        """What a container lacks, as it is on disk."""
        rules = target.rules
        if isinstance(rules, LiveUpdate) and is_initial(rules, new=new):
            files = that_matter(target.image.files, self._declaration())
            return plan_initial(await list_synced(rules, files.ignores), rules)
        above = 0 if new else batches.synced.get(target.container.id, 0)
        state = self._store.snapshot()
        paths = frozenset(freshness.since_built(state, resource, target, above=above, upto=start.sequence))
        if isinstance(rules, LiveUpdate) and rules.followed:
            files = that_matter(target.image.files, self._declaration())
            paths |= await list_linked(rules, files.ignores, None if new else paths)
        return batches.changed(paths, rules)

    def _kept_before(self, target: SyncTarget, resource: Resource, start: Start) -> KeptUpdate | None:
        """What a new container is to get that only lacks what the others have."""
        if start.reason != Reason.CONTAINER_REPLACED:
            return None
        kept = self._kept.get((ResourceName(resource.name), target.image.name))
        built = self._store.get(ImageMap, target.image.name)
        if kept is None or kept.sequence < start.sequence:
            return None
        return kept if kept.sequence > (built.status.sequence if built else 0) else None

    async def _keep(
        self, resource: Resource, target: SyncTarget, start: Start, batches: UpdateBatches, log: Log
    ) -> KeptUpdate | None:
        """Keep a copy of all that a new container lacks; None where that cannot be done."""
        async with batches.keeping:
            if target.image.name in batches.kept:
                return batches.kept[target.image.name]
            state, key = self._store.snapshot(), (ResourceName(resource.name), target.image.name)
            built = state.get(ImageMap, target.image.name)
            kept = self._kept.get(key)
            if kept is None or kept.sequence < max(start.sequence, built.status.sequence if built else 0):
                plan = await self._plan(resource, target, start, batches, new=True)
                changes = freshness.since_built(state, resource, target, upto=start.sequence)
                try:
                    kept = await self._kept.keep(key, plan, changes, start.sequence)
                except UserError as problem:
                    kept = None
                    log(f"{NOT_KEPT}: {problem}\n", level=Level.WARN)
                for path in kept.left_out if kept else ():
                    log(f"{NOT_KEPT}: `{path}` is too large\n", level=Level.WARN)
            batches.kept[target.image.name] = kept
            return kept

    async def _kept_plan(
        self,
        resource: Resource,
        target: SyncTarget,
        start: Start,
        batches: UpdateBatches,
        kept: KeptUpdate,
        log: Log,
    ) -> SyncPlan:
        """What a container lacks, as it was when somebody asked for it."""
        before = batches.synced.get(target.container.id)
        if before is not None and before >= kept.sequence:
            return SyncPlan()
        if start.reason == Reason.CONTAINER_REPLACED:
            state = self._store.snapshot()
            upto = freshness.latest(state)
            plan, missing = kept.without(freshness.since_built(state, resource, target, above=kept.sequence, upto=upto))
            for path in missing:
                log(
                    f"`{path}` is the image's in new containers: of what was synced no copy is kept\n", level=Level.WARN
                )
            return replace(plan, runs=_in_order(plan.runs, target.rules))
        if before is None:
            return kept.plan
        return kept.part(await self._plan(resource, target, start, batches, new=False))

    def _declaration(self) -> Declaration:
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        declaration = tiltfile.status.declaration if tiltfile else None
        return declaration or Declaration()


def _blocked(resource: Resource, targets: Iterable[SyncTarget], problem: BaseException) -> tuple[Inference, ...] | None:
    """What is known of the images once it was seen that containers cannot be updated without a rule; else None."""
    names = {target.image.name for target in targets if isinstance(target.rules, Inferred)}
    if not names or not isinstance(problem, SyncError) or problem.hint is None:
        return None
    why = f"its containers cannot be updated in place: {problem.message}"
    return tuple(
        replace(each, rules=None, why=why, blocked=why) if each.image in names else each
        for each in resource.status.inferences
    )


def _in_order(runs: Sequence[Run], rules: LiveUpdate | Inferred) -> tuple[Run, ...]:
    """The commands of a plan in the order of the rules."""
    return tuple(run for run in rules.runs if run in runs) if isinstance(rules, LiveUpdate) else tuple(runs)


class _UpdateLog:
    """Passes the log of an update on, and keeps the end of what the present command prints."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.tail = Tail()

    def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        if text.startswith(COMMAND_TITLE):
            self.tail = Tail()
        else:
            self.tail.feed(text)
        self._log(text, level=level, progress=progress)


def _log_steps(log: Log, name: str, batch: Batch) -> None:
    plan = batch.plan
    if plan.deletions:
        log(f"Will delete {len(plan.deletions)} file(s) from container: {name}\n")
        _list(log, plan.deletions)
    if plan.copies:
        log(f"Will copy {len(plan.copies)} file(s) to container: {name}\n")
        _list(log, plan.copies)
    if batch.restart:
        log(f"Will restart container: {name}\n")


def _list(log: Log, files: Iterable[SyncedFile]) -> None:
    shown = list(files)
    for file in shown[:SHOWN_FILES]:
        log(f"- '{file.origin or file.local}' --> '{file.remote}'\n")
    if len(shown) > SHOWN_FILES:
        log(f"- … and {len(shown) - SHOWN_FILES} more\n")
