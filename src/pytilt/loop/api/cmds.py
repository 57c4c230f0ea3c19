"""`Cmd` objects: each runs at once, or when its button is clicked, and again when files change."""

import asyncio
import os
from collections.abc import Iterable

from msgspec.structs import replace

from pytilt.errors import CommandError
from pytilt.loop.api.disabling import disable_status
from pytilt.loop.commands.cmd_progress import CmdProgress, write_status
from pytilt.loop.commands.processes import CommandProcesses
from pytilt.model.api.buttons import UIButton, input_values
from pytilt.model.api.cmds import Cmd, CmdSpec, CmdStateWaiting, CmdStatus
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import ApiFileWatch
from pytilt.model.api.metadata import MANAGED_BY, RESOURCE_ANNOTATION, SPAN_ANNOTATION, RestartOnSpec
from pytilt.model.base import Value
from pytilt.model.commands import Command
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.times import later
from pytilt.store.logs import LogStore
from pytilt.store.objects import Snapshot, Store
from pytilt.store.spans import Span

WAITS = "cmd StartOn has not been triggered"


class CmdRun(Value):
    """What the last start went by."""

    spec: CmdSpec = CmdSpec()
    """Without what starts it."""
    started_by: str = ""
    """Time of the click that started it."""
    restarted_by: str = ""
    """Time of the click or the change of a file that started it again."""


class CmdStep(Value):
    """What is to be done about a Cmd."""

    run: CmdRun
    """What the next decision goes by."""
    stop: bool = False
    start: bool = False
    wait: bool = False
    """It does not run until its button is clicked."""
    env: tuple[tuple[str, str], ...] = ()
    """What the click gave."""


def plan_step(cmd: Cmd, last: CmdRun, state: Snapshot, *, disabled: bool) -> CmdStep:
    """What is to be done about a Cmd now.

    Args:
        cmd: as it is declared.
        last: what its last start went by.
        state: has the buttons and the watches.
        disabled: is it disabled?
    """
    if disabled:
        return CmdStep(run=CmdRun(), stop=True)
    spec = replace(cmd.spec, start_on=None, restart_on=None)
    changed = spec != last.spec
    started_by, start_button = last_start(cmd.spec, state)
    restarted_by, restart_button = last_restart(cmd.spec.restart_on, state)
    triggered = later(started_by, last.started_by) or later(restarted_by, last.restarted_by)
    waits = cmd.spec.start_on is not None and bool(cmd.spec.start_on.ui_buttons)
    if changed and waits and not later(started_by, last.started_by):
        return CmdStep(run=replace(last, spec=spec), stop=True, wait=True)
    if changed or triggered:
        button = restart_button if later(restarted_by, started_by) else start_button
        run = CmdRun(spec=spec, started_by=started_by, restarted_by=restarted_by)
        return CmdStep(run=run, stop=True, start=True, env=input_values(button) if button else ())
    return CmdStep(run=last)


def last_start(spec: CmdSpec, state: Snapshot) -> tuple[str, UIButton | None]:
    """Time of the last click that starts a Cmd, and the button."""
    if spec.start_on is None:
        return "", None
    after = spec.start_on.start_after or ""
    clicks = _clicks(spec.start_on.ui_buttons, state)
    return _latest((time, button) for time, button in clicks if not after or not later(after, time))


def last_restart(restart_on: RestartOnSpec | None, state: Snapshot) -> tuple[str, UIButton | None]:
    """Time of the last event that starts an object again, and the button if it was a click."""
    if restart_on is None:
        return "", None
    watches = [state.get(ApiFileWatch, name) for name in restart_on.file_watches]
    times = [(each.status.last_event_time, None) for each in watches if each is not None]
    return _latest([*times, *_clicks(restart_on.ui_buttons, state)])


def _clicks(names: Iterable[str], state: Snapshot) -> list[tuple[str, UIButton | None]]:
    buttons = [state.get(UIButton, name) for name in names]
    return [(each.status.last_clicked_at or "", each) for each in buttons if each is not None]


def _latest(events: Iterable[tuple[str, UIButton | None]]) -> tuple[str, UIButton | None]:
    found: tuple[str, UIButton | None] = ("", None)
    for event in events:
        if later(event[0], found[0]):
            found = event
    return found


class Cmds:
    """Runs the Cmds that are left to no other controller.

    Args:
        store: the session's objects.
        logs: takes what they print.
        processes: runs them.
    """

    def __init__(self, store: Store, logs: LogStore, processes: CommandProcesses) -> None:
        self._store = store
        self._logs = logs
        self._processes = processes
        self._wakes: dict[str, asyncio.Event] = {}

    async def run(self) -> None:
        """Keep every Cmd as it is declared, without end; leaving stops what runs."""
        async with asyncio.TaskGroup() as group:
            async for changed in self._store.watch(Cmd, UIButton, ApiFileWatch, ConfigMap, aspects={Cmd: _change}):
                names = [name for kind, name in changed.names if kind is Cmd]
                for name in names:
                    cmd = self._store.get(Cmd, name)
                    if cmd is not None and MANAGED_BY not in cmd.annotations and name not in self._wakes:
                        self._wakes[name] = asyncio.Event()
                        group.create_task(self._keep(name), name=f"cmd {name}")
                # What is no Cmd may be what any of them waits for.
                for name in names if changed.kinds == {Cmd} else list(self._wakes):
                    if name in self._wakes:
                        self._wakes[name].set()

    async def _keep(self, name: str) -> None:
        """Run the Cmds of one name as long as there is one: another may come while what the last one ran is stopped."""
        while (cmd := self._store.get(Cmd, name)) is not None and MANAGED_BY not in cmd.annotations:
            await self._keep_one(name)
        del self._wakes[name]

    async def _keep_one(self, name: str) -> None:
        """Run one Cmd as long as it is there."""
        wake, last = self._wakes[name], CmdRun()
        process: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            while (cmd := self._store.get(Cmd, name)) is not None and MANAGED_BY not in cmd.annotations:
                wake.clear()
                step = plan_step(cmd, last, self._store.snapshot(), disabled=self._disabled(cmd))
                last = step.run
                if step.stop and process is not None:
                    await _stopped(process)
                    process = None
                if step.wait:
                    write_status(self._store, name, CmdStatus(waiting=CmdStateWaiting(reason=WAITS)))
                if step.start:
                    process = group.create_task(self._execute(cmd, step.env), name=f"process {name}")
                await wake.wait()
            if process is not None:
                await _stopped(process)

    def _disabled(self, cmd: Cmd) -> bool:
        status = disable_status(
            self._store.snapshot(), cmd.spec.disable_source, cmd.status.disable_status, self._store.now()
        )
        self._store.put(replace(cmd, status=replace(cmd.status, disable_status=status)))
        return status.state == "Disabled"

    async def _execute(self, cmd: Cmd, inputs: tuple[tuple[str, str], ...]) -> None:
        given = (each.partition("=") for each in cmd.spec.env)
        env = {**{name: value for name, _, value in given}, **dict(inputs)}
        command = Command(argv=cmd.spec.args, dir=cmd.spec.dir or os.sep, env=tuple(env.items()))
        span = log_span(self._logs, cmd)
        progress = CmdProgress(
            lambda status: write_status(self._store, cmd.name, status), ready=cmd.spec.readiness_probe is None
        )
        span(f"Running cmd: {command.shown}\n")
        try:
            with progress.running():
                await self._serve(cmd, command, span, progress)
        except CommandError as problem:
            span(f"{command.shown} failed to start: {problem}\n", level=Level.ERROR)
        finally:
            span.close()

    async def _serve(self, cmd: Cmd, command: Command, span: Span, progress: CmdProgress) -> None:
        def on_change(ready: bool, why: str) -> None:
            progress.probed(ready=ready)
            if not ready:
                span.aside(f"[readiness probe: failure] {why}\n", level=Level.WARN)

        outcome = await self._processes.serve(
            command, span, started=progress.started, probe=cmd.spec.readiness_probe, on_change=on_change
        )
        progress.ended(outcome.exit_status)


def log_span(logs: LogStore, cmd: Cmd) -> Span:
    """Where a Cmd speaks: in the log of the resource that it names, else in that of the session."""
    resource = cmd.annotations.get(RESOURCE_ANNOTATION, "")
    return logs.span(ResourceName(resource), SpanId(cmd.annotations.get(SPAN_ANNOTATION) or f"Cmd-{cmd.name}"))


def _change(cmd: Cmd) -> int | None:
    """Which change of a Cmd it is; those of others' Cmds do not count."""
    return None if MANAGED_BY in cmd.annotations else cmd.version


async def _stopped(process: asyncio.Task[None]) -> None:
    process.cancel()
    await asyncio.wait([process])
