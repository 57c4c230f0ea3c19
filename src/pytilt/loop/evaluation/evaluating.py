"""The Tiltfile: evaluated when it or a file it read changes; what it declares becomes the specs of all objects."""

import asyncio
import posixpath
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from pytilt.errors import PytiltError
from pytilt.loop.api.declaring import declared_objects, put_objects
from pytilt.loop.api.toggles import switched
from pytilt.loop.evaluation.evaluator import Evaluator
from pytilt.loop.evaluation.resource_deletion import ResourceDeletion
from pytilt.loop.planning import freshness
from pytilt.loop.planning.digests import image_digest, resource_digest
from pytilt.loop.planning.schedule import Start, evaluation_changes, tiltfile_pending
from pytilt.loop.updates.narration import pause_text
from pytilt.loop.updates.origins import Origins
from pytilt.loop.updates.rounds import Rounds
from pytilt.loop.updates.updating import HISTORY, Updating
from pytilt.loop.updates.watching import Observation, Watching, that_matter
from pytilt.model import resources
from pytilt.model.cluster_events import ResourceEvents
from pytilt.model.extensions import UsedExtension
from pytilt.model.files import FileRule
from pytilt.model.images import Image
from pytilt.model.logs import Level
from pytilt.model.names import CONFIGS, TILTFILE, ResourceName, SpanId
from pytilt.model.objects import FileWatch, ImageMap, PortForward, Resource, Runtime, Session, Tiltfile, TiltfileStatus
from pytilt.model.resources import Declaration
from pytilt.model.stored import TILTFILE_OWNER, Object
from pytilt.model.updates import Outcome, Pause, Reason, StepName, Strategy, Trigger, Update
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.spans import Span
from pytilt.tiltfile.running.request import EvaluationResult
from pytilt.tiltfile.used_extensions import used_extensions


class Evaluating:
    """Writes the `Tiltfile` and the specs of everything that it declares.

    Args:
        store: the session's objects.
        logs: takes what evaluations say.
        watching: watches the files.
        updating: runs the updates.
        resource_deletion: removes what is declared no more.
        evaluator: runs the Tiltfile.
    """

    def __init__(
        self,
        store: Store,
        logs: LogStore,
        watching: Watching,
        updating: Updating,
        resource_deletion: ResourceDeletion,
        evaluator: Evaluator,
    ) -> None:
        self._store = store
        self._logs = logs
        self._watching = watching
        self._updating = updating
        self._resource_deletion = resource_deletion
        self._evaluator = evaluator
        self._rounds = Rounds()
        self._origins = Origins(watching, store.now)
        self._chosen: dict[ResourceName, bool] = {}
        """What a person enabled or disabled; it outlives evaluations, until the arguments change."""
        self._evaluation: asyncio.Task[EvaluationResult] | None = None
        self._declaring = asyncio.Lock()
        """Held while objects are made equal to a declaration: to one at a time."""

    async def run(self) -> None:
        """Evaluate whenever it is due, without end."""
        async for _ in self._store.watch(Tiltfile, FileWatch, aspects={FileWatch: _config_changes}):
            tiltfile = self._store.get(Tiltfile, TILTFILE)
            if tiltfile is not None and tiltfile_pending(self._store.snapshot()):
                await self.evaluate(tiltfile)

    def trigger(self, reason: Reason) -> None:
        """Ask for an evaluation."""
        trigger = Trigger(reason=reason, sequence=self._watching.next_sequence())
        self._store.change(
            Tiltfile, TILTFILE, lambda tiltfile: replace(tiltfile, status=replace(tiltfile.status, trigger=trigger))
        )

    def set_args(self, args: Sequence[str]) -> bool:
        """Evaluate with other arguments; return whether they differ from before."""
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        if tiltfile is None or tiltfile.args == tuple(args):
            return False
        self._chosen.clear()
        self._store.put(replace(tiltfile, args=tuple(args)))
        self.trigger(Reason.TILT_ARGS)
        return True

    def add_extension(self, extension: UsedExtension) -> bool:
        """Evaluate with one more extension or repository of them; return whether there was none of this name."""
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        if tiltfile is None:
            return False
        if any(_is(each, extension) for each in (*tiltfile.added, *tiltfile.status.extensions)):
            return False
        self._store.put(replace(tiltfile, added=(*tiltfile.added, extension)))
        self.trigger(Reason.CLI_TRIGGER)
        return True

    def remove_extension(self, extension: UsedExtension) -> bool:
        """Evaluate without one that was added; return whether there was one of this name."""
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        left = tuple(each for each in tiltfile.added if not _is(each, extension)) if tiltfile is not None else ()
        if tiltfile is None or len(left) == len(tiltfile.added):
            return False
        self._store.put(replace(tiltfile, added=left))
        self.trigger(Reason.CLI_TRIGGER)
        return True

    async def set_enabled(self, names: Sequence[ResourceName], *, enabled: bool) -> None:
        """Enable or disable resources; what is disabled is removed from the cluster, and its processes end."""
        async with self._declaring:
            await self._choose(dict.fromkeys(names, enabled))

    async def follow_switches(self) -> None:
        """Enable and disable resources as their ConfigMaps say."""
        async with self._declaring:
            await self._choose(switched(self._store.snapshot()))

    async def _choose(self, chosen: Mapping[ResourceName, bool]) -> None:
        """Do what a person chose."""
        self._chosen.update(chosen)
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        declaration = tiltfile.status.declaration if tiltfile else None
        if declaration is not None and chosen:
            enabled = self._enabled(declaration)
            put_objects(self._store, TILTFILE_OWNER, declared_objects(declaration, enabled))
            await self._delete_undeclared(declaration)
            for name in enabled:
                self._store.change(Resource, name, lambda each: replace(each, enabled=True))
            self._put_forwards(declaration)

    async def evaluate(self, tiltfile: Tiltfile) -> None:
        """Evaluate once. A failure keeps what was declared before; the Tiltfile's row shows it."""
        sequence = self._watching.sequence
        due = evaluation_changes(self._store.snapshot())
        changed = tuple(sorted(due))
        self._rounds.begin(TILTFILE, due, only_changes=bool(tiltfile.status.history) and not tiltfile.status.trigger)
        number, reason = self._updating.next_id(), self._reason(tiltfile.status, changed)
        how, first = Strategy.EVALUATE, min(due.values(), default=0)
        start = Start(resource=TILTFILE, reason=reason, strategy=how, sequence=sequence, first_change=first)
        origin = self._origins.of(start)
        update = Update(
            id=number,
            span=SpanId(f"tiltfile:{number}"),
            reason=reason,
            strategy=how,
            changed_files=changed,
            started_at=self._store.now(),
            saved_at=origin.saved_at,
        )
        self._write(lambda status: replace(status, current=update, trigger=None, pause=None))
        span = self._logs.span(TILTFILE, update.span, build=True)
        began, wall = time.monotonic(), time.time()
        origin.begin()
        try:
            with self._watching.observe([CONFIGS]) as seen:
                result = await self._evaluated(tiltfile, span)
                self._logs.hide(result.secrets)
                async with self._declaring:
                    declaration, error = await self._apply(result, span, began)
                    await self._look_again(result.config_files, wall)
                    origin.recording.add(StepName.EVALUATE, began, time.monotonic())
                    ended = replace(
                        update,
                        steps=origin.recording.steps,
                        finished_at=self._store.now(),
                        outcome=Outcome.FAILED if error else Outcome.OK,
                        error=error,
                        warnings=result.warnings,
                        seconds=time.monotonic() - began,
                    )
                    pause = self._judge(seen, posixpath.dirname(tiltfile.path), span)
                    self._write(
                        lambda status: replace(
                            status,
                            current=None,
                            history=(ended, *status.history)[:HISTORY],
                            consumed=max(sequence, status.consumed),
                            declaration=declaration or status.declaration,
                            pause=pause,
                            extensions=status.extensions if error else used_extensions(result, tiltfile.added),
                        )
                    )
        finally:
            span.close()
            self._origins.end(TILTFILE)

    def stop(self) -> None:
        """Stop a running evaluation; what was declared before stays."""
        if self._evaluation is not None:
            self._evaluation.cancel()

    async def _evaluated(self, tiltfile: Tiltfile, span: Span) -> EvaluationResult:
        async with asyncio.TaskGroup() as group:
            evaluating = self._evaluator.evaluate(tiltfile.args, span, tiltfile.added)
            self._evaluation = group.create_task(evaluating, name="evaluation")
        evaluation, self._evaluation = self._evaluation, None
        return EvaluationResult(error="build canceled") if evaluation.cancelled() else evaluation.result()

    async def _apply(self, result: EvaluationResult, span: Span, began: float) -> tuple[Declaration | None, str]:
        """Make objects of what was declared; return what counts from now on, and what is wrong."""
        declaration, error = result.declaration, result.error or ""
        try:
            await (self._declare(declaration) if declaration else self._watch_configs(result.config_files))
        except PytiltError as problem:  # its files cannot be watched
            declaration, error = None, error or str(problem)
        if declaration is not None:
            span(f"Successfully loaded Tiltfile ({_duration(time.monotonic() - began)})\n")
            return declaration, ""
        error = error or "the evaluation failed"
        span(f"{error}\n", level=Level.ERROR)
        return None, error

    async def _look_again(self, config_files: Sequence[str], wall: float) -> None:
        """Look at files that were written while they were read; return when all that happened by now is known."""
        if self._store.get(FileWatch, CONFIGS) is not None:
            late = await asyncio.to_thread(_changed_since, config_files, wall)
            await self._watching.compare({CONFIGS: late} if late else {})
            await self._watching.caught_up()

    def _judge(self, seen: Observation, root: str, span: Span) -> Pause | None:
        """Find out whether the Tiltfile changes each time what it reads."""
        sequence = self._watching.sequence
        found = self._rounds.end(TILTFILE, seen.contents, self._watching.content, sequence)
        self._watching.restore(seen, found.restored)
        if not found.pauses:
            return None
        span(pause_text(found.pauses, root), level=Level.WARN)
        return Pause(files=found.pauses, sequence=sequence)

    def _reason(self, status: TiltfileStatus, changed: Sequence[str]) -> Reason:
        if not status.history:
            return Reason.INITIAL_BUILD
        reason = status.trigger.reason if status.trigger else Reason.NONE
        return reason | Reason.CHANGED_FILES if changed else reason

    async def _declare(self, declaration: Declaration) -> None:
        self._logs.hide(declaration.secrets)
        await self._watch(_watches(declaration))
        self._put_images(declaration)
        enabled = self._enabled(declaration)
        put_objects(self._store, TILTFILE_OWNER, declared_objects(declaration, enabled))
        await self._delete_undeclared(declaration)
        for order, spec in enumerate(declaration.resources, start=2):
            before = self._store.get(Resource, spec.name) or Resource(name=spec.name, spec=spec)
            self._store.put(
                replace(
                    before,
                    spec=spec,
                    digest=resource_digest(spec),
                    order=order,
                    enabled=spec.name in enabled,
                    owner=TILTFILE_OWNER,
                )
            )
        self._put_forwards(declaration)
        self._store.change(Session, "Tiltfile", lambda session: replace(session, ci_settings=declaration.ci))

    async def _delete_undeclared(self, declaration: Declaration) -> None:
        """Remove what is declared no more, and stop what is disabled now."""
        wanted = {each.name for each in declaration.resources}
        enabled = self._enabled(declaration)
        for resource in self._store.snapshot().all(Resource):
            name = ResourceName(resource.name)
            if name not in wanted:
                await self._resource_deletion.remove(resource, declaration.resources)
                self._store.delete(Resource, name)
                self._store.delete(Runtime, name)
                self._store.delete(ResourceEvents, name)
            elif resource.enabled and name not in enabled:
                self._store.change(Resource, name, lambda each: replace(each, enabled=False))
                await self._resource_deletion.remove(resource, declaration.resources)
                self._updating.forget(name)

    def _put_images(self, declaration: Declaration) -> None:
        images: dict[str, Image] = {image.name: image for each in declaration.resources for image in each.built_images}
        for gone in self._owned(ImageMap) - images.keys():
            self._store.delete(ImageMap, gone)
        for name, spec in images.items():
            before = self._store.get(ImageMap, name) or ImageMap(name=name, spec=spec)
            self._store.put(replace(before, spec=spec, digest=image_digest(spec), owner=TILTFILE_OWNER))

    def _enabled(self, declaration: Declaration) -> set[ResourceName]:
        chosen = {name: self._chosen.get(name) for name in (each.name for each in declaration.resources)}
        declared = set(declaration.enabled)
        return {name for name, choice in chosen.items() if (name in declared if choice is None else choice)}

    def _put_forwards(self, declaration: Declaration) -> None:
        forwards = _forwards(declaration, self._enabled(declaration))
        wanted = {f"{each.name}:{spec.local_port}": (each, spec) for each, spec in forwards}
        for gone in self._owned(PortForward) - wanted.keys():
            self._store.delete(PortForward, gone)
        for name, (each, spec) in wanted.items():
            before = self._store.get(PortForward, name) or PortForward(name=name, resource=each.name, spec=spec)
            self._store.put(replace(before, spec=spec, resource=each.name, owner=TILTFILE_OWNER))

    def _owned(self, kind: type[Object]) -> set[str]:
        """The names of the objects of a kind that evaluations declared."""
        return {each.name for each in self._store.snapshot().all(kind) if each.owner == TILTFILE_OWNER}

    async def _watch_configs(self, config_files: Sequence[str]) -> None:
        """Keep all watches; those of the config files grow by what a failed evaluation read."""
        watches = self._store.snapshot().all(FileWatch)
        rules = {watch.name: watch.rules for watch in watches if watch.owner == TILTFILE_OWNER}
        known = [path for rule in rules.get(CONFIGS, ()) for path in rule.paths]
        await self._watch({**rules, CONFIGS: (FileRule(paths=tuple({*known, *config_files})),)})

    async def _watch(self, rules: Mapping[str, Sequence[FileRule]]) -> None:
        """Watch files; `tilt ci` watches none, as in Tilt: it does one round, whatever its commands write."""
        session = self._store.get(Session, "Tiltfile")
        await self._watching.declare({} if session is not None and session.ci else rules)

    def _write(self, edit: Callable[[TiltfileStatus], TiltfileStatus]) -> None:
        self._store.change(Tiltfile, TILTFILE, lambda tiltfile: replace(tiltfile, status=edit(tiltfile.status)))


def _is(one: UsedExtension, other: UsedExtension) -> bool:
    return (one.plural, one.name) == (other.plural, other.name)


def _watches(declaration: Declaration) -> Mapping[str, Sequence[FileRule]]:
    watches = {CONFIGS: (that_matter(FileRule(paths=declaration.config_files), declaration),)}
    for each in declaration.resources:
        if each.deploy.files.paths:
            watches[each.name] = (that_matter(each.deploy.files, declaration),)
        for image in each.images:
            watches[freshness.image_watch(image.name)] = (that_matter(image.files, declaration),)
    return watches


def _forwards(
    declaration: Declaration, enabled: set[ResourceName]
) -> list[tuple[resources.ResourceSpec, resources.PortForwardSpec]]:
    return [
        (each, forward)
        for each in declaration.resources
        if each.name in enabled
        for forward in each.deploy.port_forwards
    ]


def _changed_since(paths: Sequence[str], wall: float) -> frozenset[str]:
    """The files that were written while they were read: their content may be newer than what was evaluated.

    A file that claims to be from the future says nothing of when it was written.
    """
    late, now = set(), time.time()
    for path in paths:
        try:
            if wall < Path(path).stat().st_mtime <= now:
                late.add(path)
        except OSError:
            continue
    return frozenset(late)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.2f}s"


def _config_changes(watch: FileWatch) -> int:
    return watch.version if watch.name == CONFIGS else 0
