"""Local resources (`local_resource`): a command that is run once, and a process that serves while that is good."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pytilt.errors import CommandError
from pytilt.host.output import Tail, both
from pytilt.host.timing import step
from pytilt.loop.api.declaring import update_command
from pytilt.loop.commands.cmd_progress import CmdProgress, write_status
from pytilt.loop.commands.processes import CommandProcesses, ending
from pytilt.loop.kinds.runtime_status import RuntimeWriter
from pytilt.loop.planning.deploys import deployed_as
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.model.api.cmds import LOCAL_RESOURCE, OWNER_KIND, Cmd, CmdSpec
from pytilt.model.api.metadata import MANAGED_BY, RESOURCE_ANNOTATION
from pytilt.model.base import Value
from pytilt.model.commands import Command
from pytilt.model.logs import Level, Log
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource, runtime_owner
from pytilt.model.resources import LocalDeploy, ResourceSpec, UpdateSettings
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, StepName
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.spans import Span


class WantedProcess(Value):
    """A process that should run: another command or another good update means another process."""

    command: Command
    update: int


class LocalKind:
    """Runs the commands of local resources and keeps the processes of `serve_cmd`.

    Args:
        store: the session's objects.
        logs: takes what the served processes print.
        processes: runs both.
    """

    def __init__(self, store: Store, logs: LogStore, processes: CommandProcesses) -> None:
        self._store = store
        self._logs = logs
        self._processes = processes
        self._runtimes = RuntimeWriter(store)
        self._running: dict[str, tuple[WantedProcess, asyncio.Task[None]]] = {}
        self._count = 0
        self._cmds: dict[str, str] = {}
        """The Cmd that stands for the process of a resource."""

    async def update(
        self, resource: Resource, deploy: LocalDeploy, start: Start, log: Log, settings: UpdateSettings
    ) -> Done:
        """Run the command of a resource; one without command is done at once.

        Raises:
            CommandError: it could not start, or ended with another status than 0.
        """
        if deploy.update is None:
            return Done(outcome=Outcome.OK)
        if not deploy.update.echo_off:
            log(f"Running cmd: {deploy.update.shown}\n")
        tail = Tail()
        progress = CmdProgress(lambda status: write_status(self._store, update_command(resource.name), status))
        shown = "" if deploy.update.echo_off else deploy.update.shown
        with progress.running(waits=False), step(StepName.COMMAND, shown):
            outcome = await self._processes.run(
                deploy.update,
                both(tail.feed, log),
                notice=lambda text: log(f"{text}\n", level=Level.WARN),
                started=progress.started,
            )
            progress.ended(outcome.exit_status)
        if outcome.exit_status != 0:
            raise CommandError(
                f'Command "{deploy.update.shown}" failed: {ending(outcome.exit_status)}',
                exit_status=outcome.exit_status,
                output=tail.excerpt(),
            )
        return Done(outcome=Outcome.OK)

    async def remove(
        self,
        resource: Resource,
        deploy: LocalDeploy,
        declared: Sequence[ResourceSpec],
        log: Log,
        settings: UpdateSettings,
    ) -> None:
        """A command leaves nothing behind, and the process that serves ends as soon as it is not wanted any more."""

    async def run(self) -> None:
        """Keep what runs equal to what is wanted, without end; leaving stops every process."""
        async with asyncio.TaskGroup() as group:
            async for changed in self._store.watch(Resource, aspects={Resource: _judged_by}):
                await self.turn(group, [name for _, name in changed.names])

    async def turn(self, group: asyncio.TaskGroup, names: Collection[str]) -> None:
        """One turn: stop what is not wanted any more, start what is not running yet.

        Args:
            group: processes become tasks of it.
            names: of the resources that changed.
        """
        present = deployed_as(LocalDeploy, self._store.snapshot(), names)
        found = {resource.name: (resource, deploy) for resource, deploy in present}
        wanted = {name: want for name, each in found.items() if (want := wanted_process(*each)) is not None}
        running = [name for name in names if name in self._running]
        await self._stop([name for name in running if wanted.get(name) != self._running[name][0]])
        for name, what in wanted.items():
            if name not in self._running:
                task = group.create_task(self._serve(*found[name], what.command), name=f"serve {name}")
                self._running[name] = (what, task)
        for name, each in found.items():
            if name not in wanted:
                self._runtimes.write(name, **_idle(*each))

    async def _stop(self, names: list[str]) -> None:
        tasks = [self._running.pop(name)[1] for name in names]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for name in names:
            self._store.delete(Cmd, self._cmds.pop(name, ""))

    def _declare(self, resource: Resource, command: Command) -> CmdProgress:
        """Show the process as a Cmd, as Tilt does; it stays when it has ended, until another one takes its place."""
        name = f"{resource.name}-serve-{self._count}"
        self._cmds[resource.name] = name
        about = {RESOURCE_ANNOTATION: resource.name, MANAGED_BY: LOCAL_RESOURCE, OWNER_KIND: "CmdServer"}
        env = tuple(f"{key}={value}" for key, value in command.env)
        spec = CmdSpec(args=command.argv, dir=command.dir, env=env)
        self._store.put(Cmd(name=name, annotations=about, owner=runtime_owner(resource.name), spec=spec))
        return CmdProgress(lambda status: write_status(self._store, name, status))

    async def _serve(self, resource: Resource, deploy: LocalDeploy, command: Command) -> None:
        self._count += 1
        span = self._logs.span(ResourceName(resource.name), SpanId(f"localserve:{self._count}"))
        span(f"Running cmd: {command.shown}\n")
        progress = self._declare(resource, command)

        def started(pid: int) -> None:
            progress.started(pid)
            self._started(resource.name, deploy, pid)

        try:
            with progress.running():
                ended = await self._processes.serve(
                    command,
                    span,
                    started=started,
                    marked=True,
                    probe=deploy.readiness_probe,
                    on_change=self._on_change(resource.name, span),
                )
                progress.ended(ended.exit_status)
        except CommandError as problem:
            self._fail(resource.name, span, str(problem))
        else:
            self._fail(resource.name, span, f"Server exited with exit code {ended.exit_status}")
        finally:
            span.close()

    def _started(self, name: str, deploy: LocalDeploy, pid: int) -> None:
        """A process runs; without a probe it counts as ready."""
        ready = deploy.readiness_probe is None
        self._runtimes.write(
            name,
            status=RuntimeStatus.OK if ready else RuntimeStatus.PENDING,
            reason="" if ready else "not ready yet",
            pid=pid,
            **({"ready_once": True} if ready else {}),
        )

    def _on_change(self, name: str, span: Span) -> Callable[[bool, str], None]:
        def on_change(ready: bool, why: str) -> None:
            if ready:
                for line in why.splitlines():
                    span.aside(f"[readiness probe: success] {line}\n")
                self._runtimes.write(name, status=RuntimeStatus.OK, reason="", ready_once=True)
            else:
                for line in why.splitlines():
                    span.aside(f"[readiness probe: failure] {line}\n", level=Level.WARN)
                self._runtimes.write(name, status=RuntimeStatus.PENDING, reason=f"not ready: {why}")

        return on_change

    def _fail(self, name: str, span: Span, text: str) -> None:
        span(f"{text}\n", level=Level.ERROR)
        self._runtimes.write(name, status=RuntimeStatus.ERROR, reason=text, pid=0)


def wanted_process(resource: Resource, deploy: LocalDeploy) -> WantedProcess | None:
    """The process that should run for a local resource at this moment, or None."""
    if deploy.serve is None or not resource.enabled:
        return None
    good = _good_update(resource)
    return WantedProcess(command=deploy.serve, update=good) if good is not None else None


def _good_update(resource: Resource) -> int | None:
    """The newest update that ended well."""
    return next((update.id for update in resource.status.history if update.outcome is Outcome.OK), None)


def _waits(resource: Resource) -> bool:
    return bool(resource.status.current or resource.status.due)


def _judged_by(resource: Resource) -> object:
    """What the process and the runtime of a local resource depend on; nothing of the others."""
    deploy = resource.spec.deploy
    if not isinstance(deploy, LocalDeploy):
        return None
    waits = deploy.serve is not None and _waits(resource)
    return deploy, resource.spec.links, resource.enabled, _good_update(resource), waits


def _idle(resource: Resource, deploy: LocalDeploy) -> Mapping[str, Any]:
    """The runtime of a local resource of which no process is wanted."""
    if not resource.enabled:
        return {"status": RuntimeStatus.NONE, "reason": "", "pid": 0, "ready_once": False}
    if deploy.serve is not None:
        return {"status": RuntimeStatus.PENDING if _waits(resource) else RuntimeStatus.NONE, "reason": "", "pid": 0}
    ready = {} if _good_update(resource) is None else {"ready_once": True}
    return {"status": RuntimeStatus.NOT_APPLICABLE, "reason": "", **ready}
