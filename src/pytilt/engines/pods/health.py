"""The health of a pod's running containers: hooks and probes, from the start of each to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from pytilt.engines.health.probing import Target
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.podspec.plan import Instance
from pytilt.engines.podspec.probes import ProbeKind, ProbeSpec, ProbeVerdict, probe_spec
from pytilt.errors import ClusterUnreachableError, DockerApiError
from pytilt.model.resources import KubeObject

HOOK_SECONDS = 600.0
"""A hook has no limit of its own in Kubernetes; this one keeps a forgotten one from holding a pod for ever."""


class HealthListener(Protocol):
    """Whoever owns the containers, and does something about their health."""

    def instance(self, container: str) -> Instance | None:
        """The present instance of a container."""
        ...

    def set_health(self, container: str, *, started: bool | None = None, ready: bool | None = None) -> None:
        """A probe passed or failed."""
        ...

    async def kill(self, container: str, instance: Instance, grace: int | None, why: str) -> None:
        """Stop a container that is not well."""
        ...

    def mark_dirty(self) -> None:
        """Look at everything again."""
        ...


class PodHealth:
    """Watches the containers of one pod.

    Args:
        context: the collaborators.
        pod: the pod.
        runner: takes the results of the probes.
        tasks: owns the watches.
    """

    def __init__(
        self, context: EngineContext, pod: KubeObject, runner: HealthListener, tasks: asyncio.TaskGroup
    ) -> None:
        self._context = context
        self._pod = pod
        self._runner = runner
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._tasks = tasks
        self._over = False

    def begin(self, target: Target, *, adopted: bool, before: Mapping[str, Any]) -> tuple[bool, bool]:
        """Watch a container that has just begun to run, or was found running.

        Args:
            target: the container.
            adopted: it was found running: its start-up is behind it.
            before: its last known status, when it was found.

        Returns:
            Whether it counts as started and as ready now.
        """
        container = target.container
        probes = {kind: probe_spec(container, kind) for kind in ProbeKind}
        hook = None if adopted else (container.get("lifecycle") or {}).get("postStart")
        started = not hook and (probes[ProbeKind.STARTUP] is None or (adopted and bool(before.get("started"))))
        ready = probes[ProbeKind.READINESS] is None
        self.end(container["name"])
        if not self._over and (hook or any(probes.values())):
            watch = self._watch(target, probes, hook, started=started)
            self._watches[container["name"]] = self._tasks.create_task(watch, name=f"health of {container['name']}")
        return started, ready

    def end(self, container: str) -> None:
        """Stop watching a container."""
        watch = self._watches.pop(container, None)
        if watch is not None:
            watch.cancel()

    def end_all(self) -> None:
        """Stop watching for good: a container that is still found running is about to be stopped."""
        self._over = True
        for container in tuple(self._watches):
            self.end(container)

    async def _watch(
        self,
        target: Target,
        probes: Mapping[ProbeKind, ProbeSpec | None],
        hook: Mapping[str, Any] | None,
        *,
        started: bool,
    ) -> None:
        name = target.container["name"]
        if hook and not await self._hook(target, hook):
            return
        startup = probes[ProbeKind.STARTUP]
        if startup is not None and not started:
            await self._until_started(startup, target)
        if not started:
            self._runner.set_health(name, started=True)
        async with asyncio.TaskGroup() as tasks:
            for kind in (ProbeKind.READINESS, ProbeKind.LIVENESS):
                spec = probes[kind]
                if spec is not None:
                    follow = self._context.prober.follow(
                        spec, target, self._reporter(spec, target), passed=kind is ProbeKind.LIVENESS
                    )
                    tasks.create_task(follow, name=f"{kind} of {name}")

    async def _hook(self, target: Target, hook: Mapping[str, Any]) -> bool:
        result = await self._context.prober.once(hook, target, HOOK_SECONDS)
        if not result.success:
            self._context.events.warning(self._pod, "FailedPostStartHook", result.message)
            await self._kill(target, None, "failed its postStart hook")
        return result.success

    async def _until_started(self, spec: ProbeSpec, target: Target) -> None:
        passed = asyncio.Event()
        report = self._reporter(spec, target)

        async def on_verdict(verdict: ProbeVerdict, message: str) -> None:
            if verdict is ProbeVerdict.PASSED:
                passed.set()
            else:
                await report(verdict, message)

        async with asyncio.TaskGroup() as tasks:
            follow = tasks.create_task(self._context.prober.follow(spec, target, on_verdict), name="startup")
            await passed.wait()
            follow.cancel()

    def _reporter(self, spec: ProbeSpec, target: Target) -> Callable[[ProbeVerdict, str], Awaitable[None]]:
        name = target.container["name"]

        async def on_verdict(verdict: ProbeVerdict, message: str) -> None:
            if verdict is ProbeVerdict.FAILED:
                text = f"{spec.kind.capitalize()} probe failed: {message}"
                self._context.events.warning(self._pod, "Unhealthy", text)
            if spec.kind is ProbeKind.READINESS:
                self._runner.set_health(name, ready=verdict is ProbeVerdict.PASSED)
            elif verdict is ProbeVerdict.FAILED:
                await self._kill(target, spec.grace_period, f"failed {spec.kind} probe")

        return on_verdict

    async def _kill(self, target: Target, grace: int | None, why: str) -> None:
        name = target.container["name"]
        instance = self._runner.instance(name)
        if instance is None or instance.id != target.id:
            return
        try:
            await self._runner.kill(name, instance, grace, why)
        except (ClusterUnreachableError, DockerApiError):
            self._runner.mark_dirty()
