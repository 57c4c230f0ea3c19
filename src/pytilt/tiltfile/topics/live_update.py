"""The steps of a live update, and making a `LiveUpdate` of a list of them."""

from pytilt.dialect import to_repr, type_name
from pytilt.errors import UserError
from pytilt.model.files import Ignore
from pytilt.model.images import HelperMode, LiveUpdate, Run, Sync
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import Flag, LocalPaths, Text
from pytilt.tiltfile.arguments.globs import is_glob
from pytilt.tiltfile.arguments.values import (
    FallBackOnStep,
    InitialSyncStep,
    RestartContainerStep,
    RunStep,
    Step,
    SyncStep,
    placed,
)
from pytilt.tiltfile.running.dead_patterns import warn_of_path, warn_of_triggers
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.script import Script


class LiveUpdateBuiltins:
    """`initial_sync`, `fall_back_on`, `sync`, `run`, `restart_container`."""

    def __init__(self, script: Script) -> None:
        self._script = script

    @function("initial_sync")
    def initial_sync(self) -> Step:
        """Sync everything into a container that starts."""
        return self._script.made(InitialSyncStep(self._script.position()))

    @function("fall_back_on")
    def fall_back_on(self, paths: LocalPaths) -> Step:
        """Do a full update when one of these paths changes."""
        return self._script.made(FallBackOnStep(self._script.position(), paths))

    @function("sync")
    def sync(self, local_path: Text, remote_path: Text, follow_symlinks: Flag = False) -> Step:
        """Copy what changes below a path into the container."""
        local = placed(local_path, self._script.directory)
        warn_of_path(self._script, "sync", local, f"sync('{{}}', '{remote_path}')")
        return self._script.made(SyncStep(self._script.position(), local, remote_path, follow=follow_symlinks))

    @function("run")
    def run(self, cmd: object, trigger: object = None, echo_off: Flag = False) -> Step:
        """Run a command in the container after a sync."""
        command = conversions.command(cmd, self._script.directory)
        if command is None:
            raise UserError("run cmd is empty")
        for item in conversions.items(trigger):
            if not isinstance(item, str):
                raise UserError(
                    f"run cmd '{command.shown}' triggers contained value '{to_repr(item)}' of type "
                    f"'{type_name(item)}'. it may only contain strings"
                )
        triggers = conversions.patterns(trigger, "run: trigger")
        return self._script.made(RunStep(self._script.position(), command, triggers, echo_off=echo_off))

    @function("restart_container")
    def restart_container(self) -> Step:
        """Start the container's program again after a sync, in place."""
        return self._script.made(RestartContainerStep(self._script.position()))


def live_update(script: Script, steps: object) -> LiveUpdate | None:
    """Make a live update of a list of steps, which counts them as used.

    Raises:
        UserError: not steps, or in an order that Tilt does not allow.
    """
    found = conversions.items(steps)
    if not found:
        return None
    plan = _LiveUpdateSteps(script.directory)
    for step in found:
        if not isinstance(step, Step):
            raise UserError(
                f"live_update: 'steps' must be a list of live update steps - got value '{_shown(step)}' "
                f"of type '{type_name(step)}'"
            )
        problem = plan.add(step)
        if problem:
            raise UserError(f"live_update: {problem}")
        script.used(step)
    rules = plan.live_update()
    warn_of_triggers(script, rules)
    return rules


def helper_mode(function_name: str, word: str) -> HelperMode | None:
    """What `synclet=` says; None where nothing is said.

    Args:
        function_name: whose argument it is.
        word: its value.

    Raises:
        UserError: it is none of the words.
    """
    if word not in ("", *(mode.value for mode in HelperMode)):
        raise UserError(
            f'{function_name}: synclet must be "auto", "stream" or "off"; got "{word}"',
            hint="`auto` takes the first way into a container that works, `stream` opens no port there, "
            "`off` takes only its own shell",
        )
    return HelperMode(word) if word else None


def _shown(value: object) -> str:
    return to_repr(value)


class _LiveUpdateSteps:
    """The steps so far, and which kinds may still follow."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._initial_sync = False
        self._fall_back_on: list[str] = []
        self._syncs: list[Sync] = []
        self._runs: list[Run] = []
        self._restart = False
        self._count = 0

    def add(self, step: Step) -> str:
        """Take a step; returns why it is not allowed here, empty when it is."""
        problem = self._misplaced(step)
        if problem:
            return problem
        self._count += 1
        if isinstance(step, InitialSyncStep):
            self._initial_sync = True
        elif isinstance(step, FallBackOnStep):
            self._fall_back_on += step.paths
        elif isinstance(step, SyncStep):
            self._syncs.append(Sync(local=step.local, remote=step.remote, follow=step.follow))
        elif isinstance(step, RunStep):
            self._runs.append(self._run(step))
        else:
            self._restart = True
        return ""

    def _misplaced(self, step: Step) -> str:
        if isinstance(step, InitialSyncStep) and self._count:
            return "initial_sync must appear at most once, at the start of the list"
        if isinstance(step, FallBackOnStep) and (self._syncs or self._runs or self._restart):
            return "fall_back_on steps must appear at the start of the list"
        if isinstance(step, SyncStep | RunStep) and self._restart:
            return "restart container is only valid as the last step"
        if isinstance(step, SyncStep) and self._runs:
            return "all sync steps must precede all run steps"
        return ""

    def _run(self, step: RunStep) -> Run:
        triggers = (Ignore(base=self._directory, patterns=step.triggers),) if step.triggers else ()
        return Run(argv=step.command.argv, triggers=triggers, echo_off=step.echo_off)

    def live_update(self) -> LiveUpdate:
        """The whole of it."""
        if not self._syncs and not self._runs:
            raise UserError(
                "live_update: spec.syncs: Invalid value: null: must contain at least 1 sync or 1 exec to run on "
                "live update"
            )
        for index, sync in enumerate(self._syncs):
            if not sync.remote.startswith("/"):
                raise UserError(
                    f'live_update: spec.syncs[{index}]: Invalid value: "{sync.remote}": sync destination is not '
                    "absolute"
                )
        globs = tuple(path.lstrip("/") for path in self._fall_back_on if is_glob(path))
        return LiveUpdate(
            fall_back_on=tuple(self._fall_back_on),
            stop_patterns=(Ignore(base="/", patterns=globs),) if globs else (),
            syncs=tuple(self._syncs),
            runs=tuple(self._runs),
            initial_sync=self._initial_sync,
            restart=self._restart,
            base=self._directory,
        )
