"""Local resources that serve: their process runs while their last update is good, and its state is their runtime."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from pytilt.errors import CommandError
from pytilt.host.output import decoded
from pytilt.host.processes import ProcessOutcome, ProcessRequest, Runner, RunningProcess
from pytilt.loop.cmd_progress import CmdProgress, write_status
from pytilt.loop.probing import ReadinessProber
from pytilt.model.api.cmds import LOCAL_RESOURCE, OWNER_KIND, Cmd, CmdSpec
from pytilt.model.api.metadata import MANAGED_BY, RESOURCE_ANNOTATION
from pytilt.model.base import Value
from pytilt.model.commands import Command
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource, Runtime, runtime_owner
from pytilt.model.resources import LocalDeploy
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.spans import Span


class WantedProcess(Value):
    """A process that should run: another command or another good update means another process."""

    command: Command
    update: int


class ServeCommands:
    """Keeps the processes of `serve_cmd` and writes the runtime of every local resource.

    Args:
        store: the session's objects.
        logs: takes what the processes print.
        runner: starts processes.
        request: makes the process of a command.
        prober: asks a served process whether it is ready.
    """

    def __init__(
        self,
        store: Store,
        logs: LogStore,
        runner: Runner,
        request: Callable[[Command], ProcessRequest],
        prober: ReadinessProber,
    ) -> None:
        self._store = store
        self._logs = logs
        self._runner = runner
        self._request = request
        self._prober = prober
        self._running: dict[str, tuple[WantedProcess, asyncio.Task[None]]] = {}
        self._count = 0
        self._cmds: dict[str, str] = {}
        """The Cmd that stands for the process of a resource."""

    async def run(self) -> None:
        """Keep what runs equal to what is wanted, without end; leaving stops every process."""
        async with asyncio.TaskGroup() as group:
            async for _ in self._store.watch(Resource):
                await self.turn(group)

    async def turn(self, group: asyncio.TaskGroup) -> None:
        """One turn: stop what is not wanted any more, start what is not running yet."""
        resources = {each.name: each for each in self._store.snapshot().all(Resource) if _local(each)}
        wanted = {name: want for name, each in resources.items() if (want := wanted_process(each)) is not None}
        unwanted = [name for name, (what, _) in self._running.items() if wanted.get(name) != what]
        await self._stop(unwanted)
        for name, what in wanted.items():
            if name not in self._running:
                task = group.create_task(self._serve(resources[name], what.command), name=f"serve {name}")
                self._running[name] = (what, task)
        for name, resource in resources.items():
            if name not in wanted:
                self._write(name, **_idle(resource))
        for runtime in self._store.snapshot().all(Runtime):
            if runtime.owner == runtime_owner(runtime.name) and self._store.get(Resource, runtime.name) is None:
                self._store.delete(Runtime, runtime.name)

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

    async def _serve(self, resource: Resource, command: Command) -> None:
        deploy = resource.spec.deploy
        assert isinstance(deploy, LocalDeploy)
        self._count += 1
        span = self._logs.span(ResourceName(resource.name), SpanId(f"localserve:{self._count}"))
        span(f"Running cmd: {command.shown}\n")
        progress = self._declare(resource, command)
        try:
            with progress.running():
                async with self._runner.start(self._request(command), decoded(span)) as process:
                    progress.started(process.pid)
                    ended = await self._watch(resource, deploy, process, span)
                progress.ended(ended.exit_status)
        except CommandError as problem:
            self._fail(resource.name, span, str(problem))
        else:
            self._fail(resource.name, span, f"Server exited with exit code {ended.exit_status}")
        finally:
            span.close()

    async def _watch(
        self, resource: Resource, deploy: LocalDeploy, process: RunningProcess, span: Span
    ) -> ProcessOutcome:
        """Report whether a process is ready, until it ends."""
        ready = deploy.readiness_probe is None
        self._write(
            resource.name,
            status=RuntimeStatus.OK if ready else RuntimeStatus.PENDING,
            reason="" if ready else "not ready yet",
            pid=process.pid,
            **({"ready_once": True} if ready else {}),
        )
        async with asyncio.TaskGroup() as probes:
            probing = None
            if deploy.readiness_probe is not None:
                on_change = self._on_change(resource.name, span)
                probing = probes.create_task(
                    self._prober.run(deploy.readiness_probe, on_change), name=f"probe {resource.name}"
                )
            ended = await process.wait()
            if probing is not None:
                probing.cancel()
        return ended

    def _on_change(self, name: str, span: Span) -> Callable[[bool, str], None]:
        def on_change(ready: bool, why: str) -> None:
            if ready:
                for line in why.splitlines():
                    span(f"[readiness probe: success] {line}\n")
                self._write(name, status=RuntimeStatus.OK, reason="", ready_once=True)
            else:
                for line in why.splitlines():
                    span(f"[readiness probe: failure] {line}\n", level=Level.WARN)
                self._write(name, status=RuntimeStatus.PENDING, reason=f"not ready: {why}")

        return on_change

    def _fail(self, name: str, span: Span, text: str) -> None:
        span(f"{text}\n", level=Level.ERROR)
        self._write(name, status=RuntimeStatus.ERROR, reason=text, pid=0)

    def _write(self, name: str, **fields: Any) -> None:  # noqa: ANN401 - fields of `RuntimeState`
        before = self._store.get(Runtime, name) or Runtime(name=name, owner=runtime_owner(name))
        resource = self._store.get(Resource, name)
        if resource is not None:
            fields.setdefault("endpoints", resource.spec.links)
        if fields.get("status", before.status.status) is not before.status.status:
            fields["since"] = self._store.now()
        self._store.put(replace(before, status=replace(before.status, **fields)))


def wanted_process(resource: Resource) -> WantedProcess | None:
    """The process that should run for a local resource at this moment, or None."""
    deploy = _local(resource)
    if deploy is None or deploy.serve is None or not resource.enabled:
        return None
    good = next((update for update in resource.status.history if update.outcome is Outcome.OK), None)
    return WantedProcess(command=deploy.serve, update=good.id) if good else None


def _local(resource: Resource) -> LocalDeploy | None:
    return resource.spec.deploy if isinstance(resource.spec.deploy, LocalDeploy) else None


def _idle(resource: Resource) -> Mapping[str, Any]:
    """The runtime of a local resource of which no process is wanted."""
    deploy = resource.spec.deploy
    assert isinstance(deploy, LocalDeploy)
    if not resource.enabled:
        return {"status": RuntimeStatus.NONE, "reason": "", "pid": 0, "ready_once": False}
    if deploy.serve is not None:
        waits = bool(resource.status.current or resource.status.due)
        return {"status": RuntimeStatus.PENDING if waits else RuntimeStatus.NONE, "reason": "", "pid": 0}
    good = any(update.outcome is Outcome.OK for update in resource.status.history)
    return {"status": RuntimeStatus.NOT_APPLICABLE, "reason": "", **({"ready_once": True} if good else {})}
