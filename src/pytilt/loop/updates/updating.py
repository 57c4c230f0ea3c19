"""Updates: start what the schedule says, write what came of it. The only writer of a resource's status."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.errors import (
    CommandError,
    NotInPlaceError,
    PytiltError,
    SyncError,
    UnreachableError,
    WorkError,
)
from pytilt.loop.planning import freshness
from pytilt.loop.planning.planner import Planner
from pytilt.loop.planning.schedule import Key, Slots, Start, UpdatePlan
from pytilt.loop.updates import readiness
from pytilt.loop.updates.debouncing import Debouncing
from pytilt.loop.updates.narration import heading, pause_text
from pytilt.loop.updates.origins import Origin, Origins
from pytilt.loop.updates.outcomes import Done
from pytilt.loop.updates.readiness import Readiness
from pytilt.loop.updates.rounds import Rounds, command_watches
from pytilt.loop.updates.watching import Observation, Watching
from pytilt.model.clusters import ObjectRef
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import (
    ClusterState,
    FileWatch,
    ImageMap,
    Resource,
    ResourceStatus,
    Runtime,
    Tiltfile,
)
from pytilt.model.resources import UpdateSettings
from pytilt.model.updates import DeployedImage, HoldReason, Outcome, Pause, Reason, Strategy, Trigger, Update
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.spans import Span

HISTORY = 20
"""Updates of a resource that are remembered in any case; Tilt remembers 2."""

LIVE_LOG_SECONDS = 0.02
"""So long the log waits at most for what a live update says: nearly all have ended by then, and what they said is one
piece for all who read it."""

Work = Callable[[Resource, Start, Span, UpdateSettings], Awaitable[Done]]
"""Carries out one update by one strategy."""

AskCluster = Callable[[], Awaitable[bool]]
"""Asks the cluster anew; returns whether it answers."""


class Updating:
    """Runs the updates of all resources, each as a task with a name.

    Args:
        store: the session's objects.
        logs: takes what updates say.
        watching: knows the newest change of a file.
        work: how each strategy is carried out.
        root: headings show files below this directory relative to it.
        slots: how many updates run at a time where the Tiltfile does not say it.
        recorded: has an earlier session recorded an update of the resource of this name?
        ask_cluster: finds out whether it is the cluster that an update has failed for; None: nobody asks.
        judge: writes the runtimes anew, as soon as another state was deployed.
    """

    def __init__(
        self,
        store: Store,
        logs: LogStore,
        watching: Watching,
        work: Mapping[Strategy, Work],
        root: str,
        slots: Slots | None = None,
        recorded: Callable[[str], bool] = lambda _: False,
        ask_cluster: AskCluster | None = None,
        judge: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._logs = logs
        self._watching = watching
        self._work = work
        self._root = root
        self._count = 0
        self._slots = slots or Slots()
        self._ask_cluster = ask_cluster
        self._judge_runtimes = judge
        self._planner = Planner(recorded)
        self._debouncing = Debouncing(store, self._note_quiet)
        self._rounds = Rounds()
        self._origins = Origins(watching, store.now)
        self._readiness = Readiness()
        self._noted: dict[str, int] = {}
        """The versions of resources that notes have made: of what is due, and that an update begins."""
        self._tasks: dict[ResourceName, dict[asyncio.Task[None], Update]] = {}

    async def run(self) -> None:
        """Plan whenever the state changes, without end; leaving cancels every update that runs."""
        try:
            async with asyncio.TaskGroup() as group:
                async for changed in self._store.watch(Tiltfile, Resource, FileWatch, ImageMap, Runtime, ClusterState):
                    if names := frozenset(key for key in changed.names if not self._is_own_note(key)):
                        self.turn(group, names)
                    await asyncio.sleep(0)  # what was started goes first
        finally:
            self._debouncing.close()

    def turn(self, group: asyncio.TaskGroup, changed: AbstractSet[Key]) -> None:
        """One turn of the loop: note what is due and what waits, start what can start.

        Args:
            group: updates become tasks of it.
            changed: the objects that are other ones than in the turn before.
        """
        slots = self._slots
        if limit := self._settings().max_parallel_updates:
            slots = Slots(commands=limit, builds=limit, applies=limit, repeats=limit, total=limit)
        decided = self._planner.plan(self._store.snapshot(), slots, changed)
        for start in decided.starts:
            self._begin(start, group)
        for name, number, recording in self._readiness.ready(self._store.snapshot()):
            self._edit(name, partial(readiness.with_steps, number=number, recording=recording))
        self._origins.hold(decided.holds)
        self._note(decided)
        for name, hold in decided.holds.items():
            if hold.reason is HoldReason.DEBOUNCE:
                self._debouncing.wait(name)

    def next_id(self) -> int:
        """A number for an update, unique within the session."""
        self._count += 1
        return self._count

    def trigger(self, name: ResourceName, reason: Reason) -> None:
        """Ask for an update of a resource; asked again before it starts, it is the same request."""
        sequence = self._watching.next_sequence()

        def ask(status: ResourceStatus) -> ResourceStatus:
            return replace(status, trigger=status.trigger or Trigger(reason=reason, sequence=sequence))

        self._edit(name, ask)

    def _note_quiet(self, name: ResourceName, sequence: int) -> None:
        self._edit(name, lambda status: replace(status, quiet=sequence))

    def repair(self, name: ResourceName, drift: str, undone: bool) -> None:
        """Have what was applied for a resource applied again, since somebody has deleted or changed it.

        Args:
            name: of the resource.
            drift: what somebody has done; empty: it is as it was applied again.
            undone: was it repaired too often? Then it waits for another reason.
        """
        self._edit(name, lambda status: replace(status, drift=drift, repair_undone=undone))

    async def cancel(self, name: ResourceName) -> None:
        """Cancel the running updates of a resource; on return they have ended."""
        tasks = list(self._tasks.get(name, ()))
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def stop(self, name: ResourceName) -> None:
        """Stop the running update of a resource; a live update is over in a moment, and goes on."""
        for task, update in self._tasks.get(name, {}).items():
            if update.strategy is not Strategy.LIVE:
                self._logs.span(name, update.span, build=True)("Build Failed: build canceled\n", level=Level.ERROR)
                task.cancel()

    def forget(self, name: ResourceName) -> None:
        """Begin with a resource as if it had never been updated: it was disabled."""
        self._edit(name, lambda _: ResourceStatus())

    def _is_own_note(self, key: Key) -> bool:
        """Was it changed by nothing but what was noted about it? Nothing is decided by that."""
        kind, name = key
        noted = self._noted.pop(name, 0) if kind is Resource else 0
        resource = self._store.get(Resource, name) if noted else None
        return resource is not None and resource.version == noted

    def _note(self, decided: UpdatePlan) -> None:
        for name in decided.noted - {start.resource for start in decided.starts}:  # of these it is noted that they run
            resource = self._store.get(Resource, name)
            if resource is None:
                continue
            status, due, hold = resource.status, decided.due.get(name, Reason.NONE), decided.holds.get(name)
            pending_manual = name in decided.pending_manual
            if (due, hold, pending_manual) != (status.due, status.hold, status.pending_manual):
                since = (status.due_since or self._store.now()) if due or pending_manual else ""
                noted = replace(status, due=due, due_since=since, hold=hold, pending_manual=pending_manual)
                self._noted[name] = self._store.put(replace(resource, status=noted)).version

    def _begin(self, start: Start, group: asyncio.TaskGroup) -> None:
        number = self.next_id()
        origin = self._origins.of(start)
        update = Update(
            id=number,
            span=SpanId(f"build:{number}"),
            reason=start.reason,
            strategy=start.strategy,
            changed_files=start.changed_files,
            sequence=start.sequence,
            note=start.note,
            started_at=self._store.now(),
            saved_at=origin.saved_at,
        )
        self._begin_round(start)
        # The task comes first, so that it runs before all who wait for changes of the resource.
        task = group.create_task(self._perform(start, update, origin), name=f"update {start.resource} {number}")
        tasks = self._tasks.setdefault(start.resource, {})
        tasks[task] = update
        task.add_done_callback(tasks.pop)
        begun = self._edit(
            start.resource,
            lambda status: replace(
                status,
                pause=None,
                drift="",
                repair_undone=False,
                current=(*status.current, update),
                trigger=None,
                due=Reason.NONE,
                due_since="",
                hold=None,
                pending_manual=False,
            ),
        )
        if begun is not None:
            self._noted[begun.name] = begun.version  # the planner has decided it, and knows that it runs

    def _begin_round(self, start: Start) -> None:
        state = self._store.snapshot()
        resource = state.get(Resource, start.resource)
        if resource is not None and start.strategy is not Strategy.LIVE:
            due = freshness.unconsumed(state, resource)
            self._rounds.begin(start.resource, due, only_changes=start.reason == Reason.CHANGED_FILES)

    async def _perform(self, start: Start, update: Update, origin: Origin) -> None:
        resource = self._store.get(Resource, start.resource)
        assert resource is not None
        was = readiness.before(self._store.snapshot(), resource)
        self._readiness.begin(start.resource)
        # An update begins with what it does; the log gets its words while it waits, of a live update when it has ended.
        loop = asyncio.get_running_loop()
        later = partial(loop.call_later, LIVE_LOG_SECONDS) if start.strategy is Strategy.LIVE else loop.call_soon
        span = self._logs.span(start.resource, update.span, build=True, later=later)
        span.header(heading(start.reason, start.changed_files, self._root))
        if start.note:
            span(f"Updating with a full build: {start.note}\n")
        began, recording = time.monotonic(), origin.recording
        done = Done(outcome=Outcome.CANCELED, error="build canceled")
        with self._watching.observe(self._command_watches(resource, start)) as seen, recording.running():
            origin.begin()
            try:
                done = await self._outcome(resource, start, span)
                if seen.watches:
                    await self._watching.caught_up()
            finally:
                pause = self._judge(resource, seen, span)
                span.close()
                seconds = time.monotonic() - began
                ended = replace(update, outcome=done.outcome, seconds=seconds, steps=recording.steps)
                self._finish(resource, start, ended, done, pause)
                self._origins.end(start.resource)
                if (present := self._store.get(Resource, start.resource)) is not None:
                    self._readiness.end(self._store.snapshot(), present, ended, recording, was)

    async def _outcome(self, resource: Resource, start: Start, span: Span) -> Done:
        try:
            return await self._work[start.strategy](resource, start, span, self._settings())
        except PytiltError as problem:
            if self._ask_cluster and _may_be_the_cluster(resource, problem) and not await self._ask_cluster():
                span(f"Interrupted: {problem}\n", level=Level.WARN)
                span("The update begins again when the cluster answers\n", level=Level.WARN)
                return Done(outcome=Outcome.INTERRUPTED, error=str(problem))
            live = start.strategy is Strategy.LIVE
            fell_back = live and isinstance(problem, (SyncError, UnreachableError))
            level = Level.WARN if fell_back else Level.ERROR
            said = problem.without_output if isinstance(problem, WorkError) else problem
            if isinstance(problem, NotInPlaceError):
                span(f"Not updated in place: {said}\n")
            else:
                span(f"{'Live update failed' if live else 'Build Failed'}: {said}\n", level=level)
            return Done(outcome=Outcome.FELL_BACK if fell_back else Outcome.FAILED, error=str(problem))

    def _command_watches(self, resource: Resource, start: Start) -> list[str]:
        """The watches of files that the commands of an update depend on and may change."""
        if start.strategy is Strategy.LIVE:
            return []
        return [name for name in command_watches(resource) if self._store.get(FileWatch, name)]

    def _judge(self, resource: Resource, seen: Observation, span: Span) -> Pause | None:
        """Find out what the commands of an update did to the files they depend on."""
        if not seen.watches:
            return None
        sequence = self._watching.sequence
        found = self._rounds.end(resource.name, seen.contents, self._watching.content, sequence)
        self._watching.restore(seen, found.restored)
        if not found.pauses:
            return None
        span(pause_text(found.pauses, self._root), level=Level.WARN)
        return Pause(files=found.pauses, sequence=sequence)

    def _finish(self, resource: Resource, start: Start, update: Update, done: Done, pause: Pause | None) -> None:
        error = self._logs.redactor(done.error)
        ended = replace(update, error=error, finished_at=self._store.now())

        def end(status: ResourceStatus) -> ResourceStatus:
            interrupted = done.outcome is Outcome.INTERRUPTED
            changed: dict[str, Any] = {**done.status, "pause": pause}
            changed["interrupted"] = start.reason if interrupted else Reason.NONE
            if not done.outcome.followed:
                changed["consumed"] = max(status.consumed, start.sequence)
            if start.strategy is not Strategy.LIVE and not interrupted:
                changed["applied_digest"] = resource.digest
                # What was attempted counts: the same images again would fail the same way.
                changed.setdefault("applied_images", self._present_images(resource))
            if start.strategy is Strategy.FULL:
                # Nobody knows how far an update came that did not end well: all of it may be in the cluster.
                changed.setdefault("applied", tuple(dict.fromkeys((*status.applied, *_declared(resource)))))
            return replace(
                status,
                current=tuple(each for each in status.current if each.id != update.id),
                history=remembered((ended, *status.history)),
                **changed,
            )

        self._edit(start.resource, end)
        if start.strategy is Strategy.FULL:
            # Nobody is to see an update that went well beside pods that were ready before it.
            self._judge_runtimes()

    def _present_images(self, resource: Resource) -> tuple[DeployedImage, ...]:
        maps = {image.name: self._store.get(ImageMap, image.name) for image in resource.spec.images}
        return tuple(
            DeployedImage(name=name, reference=found.status.reference or min(found.status.references, default=""))
            for name, found in maps.items()
            if found
        )

    def _edit(self, name: ResourceName, edit: Callable[[ResourceStatus], ResourceStatus]) -> Resource | None:
        return self._store.change(Resource, name, lambda resource: replace(resource, status=edit(resource.status)))

    def _settings(self) -> UpdateSettings:
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        declaration = tiltfile.status.declaration if tiltfile else None
        return declaration.updates if declaration else UpdateSettings()


def remembered(history: Sequence[Update]) -> tuple[Update, ...]:
    """The newest updates, and of older ones those on which decisions rest: the last full and the last good one.

    Args:
        history: newest first.
    """
    full = next((each for each in history if each.strategy is Strategy.FULL), None)
    good = next((each for each in history if each.outcome is Outcome.OK), None)
    return (*history[:HISTORY], *(each for each in history[HISTORY:] if each in (full, good)))


def _may_be_the_cluster(resource: Resource, problem: PytiltError) -> bool:
    """May an update have failed because the cluster does not answer? A command only says that it failed."""
    command = resource.spec.deploy.in_cluster and isinstance(problem, CommandError)
    return command or isinstance(problem, UnreachableError)


def _declared(resource: Resource) -> Iterable[ObjectRef]:
    return map(objects.ref, resource.spec.deploy.objects)
