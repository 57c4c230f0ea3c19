"""Runs one pod: makes the engine's containers what the pod's spec wants, one step after the other."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import msgspec

from pytilt.engines.health.probing import Target
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import NODE_LOST, Json, key_of
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.pods.health import PodHealth
from pytilt.engines.pods.launching import Launcher, LaunchError, instance_of
from pytilt.engines.pods.sandbox import Sandbox
from pytilt.engines.podspec import plan as podplan
from pytilt.engines.podspec.environment import MissingSourceError
from pytilt.engines.podspec.plan import ContainerView, Instance, PodPlan, RunState
from pytilt.engines.podspec.status import PodFacts, pod_status
from pytilt.errors import ApplyError, ClusterUnreachableError, DockerApiError
from pytilt.model.numbers import whole
from pytilt.model.resources import KubeObject

DEFAULT_GRACE = 30
"""Seconds, Kubernetes' default for `terminationGracePeriodSeconds`."""
SECOND_TRY = 1.0
"""Seconds after which is tried again what the engine refused, for example while it is still removing something."""
ENGINE_END_SECONDS = 1.0
"""The signal that ended a sandbox may come from an engine that is about to end itself: what is started at that
moment Docker 20.10 cannot remove any more, since it stays mounted. Half a second later such an engine is gone, unless
other containers take their time."""
REMOVED = Instance(id="", attempt=0, state=RunState.EXITED, exit_code=137, reason="ContainerStatusUnknown")
"""What is left of a container that somebody removed; the words are the kubelet's."""
FINAL = ("Succeeded", "Failed")


class PodRunner:
    """One pod of the project.

    Args:
        context: the collaborators.
        pod: the pod as stored.
        found: its containers that are in the engine already, as the engine lists them.
        spare: the sandbox that waited for it, if one did.
    """

    def __init__(
        self, context: EngineContext, pod: KubeObject, found: Sequence[Json], spare: Sandbox | None = None
    ) -> None:
        self._context = context
        self._pod = pod
        self._key = key_of(pod)
        self._wake = asyncio.Event()
        self._views: dict[str, ContainerView] = {}
        self._dirty = bool(found)  # of a pod that is new there is nothing to see
        self._facts = PodFacts(host_ip=context.node.host_ip)
        self._sandbox_retry = 0.0
        self._sandbox_failures = 0
        self._files_changed = False
        self._sandbox_started = bool(found)
        sandbox = next((c["Id"] for c in found if c["Labels"].get(labels.ROLE) == labels.SANDBOX), "")
        self.sandbox = spare or Sandbox(context, pod, sandbox)
        self._launcher = Launcher(context, pod, self.sandbox)
        self._tasks = asyncio.TaskGroup()
        self._health = PodHealth(context, pod, self, self._tasks)
        self.deletion = asyncio.Event()
        """Set when the pod is to end."""
        self.known = asyncio.Event()
        """Set when its status says how it really is: after it was found, that takes a look and a probe."""

    @property
    def namespace(self) -> str:
        """The pod's."""
        return self._key.namespace

    # What happens to it

    def mark_dirty(self) -> None:
        """Something happened to one of its containers: look at all of them again."""
        self._dirty = True
        self._wake.set()

    def sources_changed(self) -> None:
        """A ConfigMap or Secret of its namespace changed: files may be old, and what was missing may be there."""
        self._files_changed = True
        self._sandbox_retry = 0.0
        for name, view in self._views.items():
            if view.waiting == "CreateContainerConfigError":
                self._set(name, retry_at=0.0)
        self._wake.set()

    def instance(self, container: str) -> Instance | None:
        """The present instance of a container."""
        view = self._views.get(container)
        return view.current if view else None

    def previous_instance(self, container: str) -> Instance | None:
        """The instance of a container before the present one."""
        view = self._views.get(container)
        return view.last if view else None

    def set_health(self, container: str, *, started: bool | None = None, ready: bool | None = None) -> None:
        """A probe passed or failed."""
        view = self._views[container]
        self._set(
            container,
            started=view.started if started is None else started,
            ready=view.ready if ready is None else ready,
        )
        self._wake.set()

    # Living

    async def live(self) -> None:
        """Keep the pod as it is wanted, until cancelled."""
        async with self._tasks:
            while True:
                self._wake.clear()
                try:
                    wake_at = await self._turn()
                except ClusterUnreachableError as error:
                    wake_at = None  # whoever listens to the engine's events calls `mark_dirty` once it is back
                    self._dirty = True
                    self._lose(error.message)
                except DockerApiError as error:
                    self._context.events.warning(self._pod, "FailedSync", error.message)
                    wake_at = self._context.clock() + SECOND_TRY
                    self._dirty = True
                await self._sleep(wake_at)

    async def _sleep(self, until: float | None) -> None:
        try:
            async with asyncio.timeout(None if until is None else max(0.0, until - self._context.clock())):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _turn(self) -> float | None:
        """Do what is due; returns when to do the next thing although nothing happened, Unix time."""
        if self._dirty:
            await self._look()
        plan = self._plan()
        if plan.phase in FINAL or self._facts.failed:
            await self._finish(plan)
            return None
        if not await self._ensure_sandbox():
            self._publish(plan)
            return self._sandbox_retry
        if (deadline := self._deadline()) and deadline <= self._context.clock():
            text = "Pod was active on the node longer than the specified deadline"
            self._facts = msgspec.structs.replace(self._facts, failed=True, reason="DeadlineExceeded", message=text)
            self._wake.set()
            return None
        self._publish(plan)
        if all(view.ready for view in self._views.values() if view.current and view.current.running):
            self.known.set()
        if plan.start:
            await self._start(plan.start)
            self._wake.set()
        return min((at for at in (plan.wake_at, deadline) if at), default=None)

    def _plan(self) -> PodPlan:
        return podplan.plan(self._pod, self._views, self._context.clock())

    def _publish(self, plan: PodPlan | None = None, *, let_go: bool = False) -> None:
        """Write the status. That the work is done is only said once what the pod held is let go."""
        plan = plan or self._plan()
        if plan.phase in FINAL and not let_go:
            return
        pod = self._context.store.get(*self._key)
        if pod is None or pod["metadata"].get("uid") != self._pod["metadata"]["uid"]:
            return
        status = pod_status(pod, self._views, plan, self._facts, self._context.clock())
        self._context.store.set_status(self._key, status)

    def _deadline(self) -> float | None:
        seconds = self._pod["spec"].get("activeDeadlineSeconds")
        began = min((v.current.started_at for v in self._views.values() if v.current), default=0.0)
        return began + float(seconds) if seconds and began else None

    async def _ensure_sandbox(self) -> bool:
        """Have the sandbox run; False if that has to wait."""
        if self.sandbox.dismissed_at:
            self._sandbox_retry = max(self._sandbox_retry, self.sandbox.dismissed_at + ENGINE_END_SECONDS)
        if self._sandbox_retry > self._context.clock():
            await self._stop_orphans()
            return False
        try:
            if not (self._sandbox_started and self.sandbox.running):
                await self._start_sandbox()
                self._sandbox_started = True
                await self._start_over()
            elif self._files_changed:
                self._files_changed = False
                await self.sandbox.refresh()
        except (MissingSourceError, DockerApiError, ApplyError) as error:
            missing = isinstance(error, MissingSourceError)
            reason = "FailedMount" if missing else "FailedCreatePodSandBox"
            self._context.events.warning(self._pod, reason, error.message)
            if self._sandbox_started and self.sandbox.running:
                return True
            self._sandbox_failures += 1
            self._sandbox_retry = self._context.clock() + podplan.retry_delay(self._sandbox_failures)
            self._facts = msgspec.structs.replace(self._facts, message=error.message)
            for container in podplan.all_containers(self._pod):
                self._set(container["name"], waiting="ContainerCreating", message=error.message)
            self._publish()
            return False
        if self._sandbox_failures:
            self._sandbox_failures = 0
            for name in self._views:
                self._set(name, waiting="", message="")
        self._facts = msgspec.structs.replace(self._facts, pod_ip=self.sandbox.address)
        return True

    async def _start_sandbox(self) -> None:
        """Start the sandbox, and meanwhile do all that comes before a container starts: a network takes its time."""
        await self.sandbox.create()
        due = set(self._plan().start)
        containers = [c for c in podplan.all_containers(self._pod) if c["name"] in due]
        views = [self._views.get(c["name"]) or ContainerView() for c in containers]
        steps = (
            self.sandbox.start(),
            self._launcher.prepare(tuple(zip(containers, views, strict=True))),
            self._context.infrastructure.ensure(),
            self._context.keep(self._key),
        )
        try:
            async with asyncio.TaskGroup() as group:
                for step in steps:
                    group.create_task(step, name=f"prepare {self._key}")
        except ExceptionGroup as failures:
            self._launcher.forget()
            raise failures.exceptions[0] from None

    async def _start_over(self) -> None:
        """The sandbox is new: containers that lived in an old one begin again at once."""
        await self._stop_orphans()
        for name in list(self._views):
            self._set(name, streak=0, retry_at=0.0)
        if any(view.current for view in self._views.values()):
            self.mark_dirty()

    async def _stop_orphans(self) -> None:
        """Containers whose sandbox ended cannot go on."""
        orphans = [view.current for view in self._views.values() if view.current is not None and view.current.running]
        for instance in orphans:
            await self._context.runtime.stop(instance.id, 0)
        if orphans:
            self.mark_dirty()

    def _lose(self, why: str) -> None:
        """The engine does not answer: the pod's state is unknown until the next look."""
        if not self._facts.failed:
            self._facts = msgspec.structs.replace(self._facts, reason=NODE_LOST, message=why)
            self._publish()

    # Containers

    async def _look(self) -> None:
        """See how the sandbox and all containers are."""
        self._dirty = False
        await self.sandbox.look()
        found = await self._context.runtime.containers({labels.POD_UID: self._pod["metadata"]["uid"]})
        instances: dict[str, list[Instance]] = {}
        for item in found:
            if item["Labels"].get(labels.ROLE) != labels.APP:
                continue
            inspected = await self._context.runtime.inspect(item["Id"])
            if inspected is not None:
                attempt = whole(item["Labels"][labels.ATTEMPT]) or 0
                instance = instance_of(inspected, attempt, self._context.node)
                instances.setdefault(item["Labels"][labels.CONTAINER], []).append(instance)
        for container in podplan.all_containers(self._pod):
            self._seen(container, instances.get(container["name"], []))
        if self._facts.reason == NODE_LOST:
            self._facts = msgspec.structs.replace(self._facts, reason="", message="")
            self._publish()

    def _seen(self, container: Mapping[str, Any], instances: list[Instance]) -> None:
        name = container["name"]
        known = self._views.get(name)
        seen = podplan.adopted(instances)
        if known is None:
            self._views[name] = seen
            if seen.current is not None and seen.current.running:
                self._began(container, seen.current, adopted=True)
            return
        current = seen.current
        if known.current is not None and (current is None or current.attempt < known.current.attempt):
            current = self._lost(known.current)
        if current == known.current or (current is not None and current.reason == "StartError"):
            return
        ended = known.current is not None and known.current.running and (current is None or not current.running)
        self._set(name, current=current)
        if ended and current is not None:
            self._ended(container, current)

    def _lost(self, instance: Instance) -> Instance:
        if not instance.running:
            return instance
        return msgspec.structs.replace(
            REMOVED,
            id=instance.id,
            attempt=instance.attempt,
            started_at=instance.started_at,
            finished_at=self._context.clock(),
            image_id=instance.image_id,
        )

    async def _start(self, names: tuple[str, ...]) -> None:
        every = {container["name"]: container for container in podplan.all_containers(self._pod)}
        for name in names:
            container, view = every[name], self._views.get(name) or ContainerView()
            try:
                instance = await self._launcher.launch(container, view)
            except LaunchError as error:
                self._delayed(name, view, error)
                continue
            before = view.current if view.current is not None and view.current.state is RunState.EXITED else None
            streak = view.streak + 1 if before else view.streak
            self._views[name] = ContainerView(current=instance, last=before, streak=streak)
            if instance.running:
                self._context.events.normal(self._pod, "Started", f"Started container {name}")
                self._began(container, instance)
            elif instance.reason:
                self._context.events.warning(self._pod, "Failed", f"Error: {instance.message}")
            self._publish()

    def _delayed(self, name: str, view: ContainerView, error: LaunchError) -> None:
        failures = view.failures + 1
        reason = error.reason
        if reason == "ErrImagePull" and failures > 1:
            reason = "ImagePullBackOff"
        retry_at = self._context.clock() + podplan.retry_delay(failures)
        values = {"waiting": reason, "message": error.message, "failures": failures, "retry_at": retry_at}
        self._views[name] = msgspec.structs.replace(view, **values)
        if not error.reason.startswith("ErrImagePull"):
            self._context.events.warning(self._pod, "Failed", f"Error: {error.message}")
        self._publish()

    def _began(self, container: Mapping[str, Any], instance: Instance, *, adopted: bool = False) -> None:
        """A container runs: watch its health."""
        target = Target(container=container, id=instance.id, sandbox=self.sandbox.id, address=self.sandbox.address)
        started, ready = self._health.begin(target, adopted=adopted, before=self._was(container["name"]))
        self._set(container["name"], started=started, ready=ready, waiting="", message="", failures=0)

    def _was(self, container: str) -> Mapping[str, Any]:
        """What the pod's stored status says of a container."""
        status = self._pod.get("status") or {}
        every = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
        return next((item for item in every if item["name"] == container), {})

    def _ended(self, container: Mapping[str, Any], instance: Instance) -> None:
        """A container ended: forget its health; a long run ends a row of restarts."""
        self._health.end(container["name"])
        healthy = instance.finished_at - instance.started_at >= podplan.HEALTHY_SECONDS
        streak = 0 if healthy else self._views[container["name"]].streak
        self._set(container["name"], started=False, ready=False, streak=streak)

    def _set(self, name: str, **values: object) -> None:
        self._views[name] = msgspec.structs.replace(self._views.get(name) or ContainerView(), **values)

    # Ending

    async def _finish(self, plan: PodPlan) -> None:
        """The pod's work is done: let go of what it holds, keep the record of it."""
        running = [(name, view.current) for name, view in self._views.items() if view.current and view.current.running]
        await self._all(self._stop(name, instance, grace=self._grace()) for name, instance in running)
        if running:
            await self._look()
        await self.sandbox.stop()
        self._publish(plan, let_go=True)
        self.known.set()

    def _grace(self) -> int:
        pod = self._context.store.get(*self._key) or self._pod
        given = pod["spec"].get("terminationGracePeriodSeconds")
        return DEFAULT_GRACE if given is None else int(given)

    async def end(self) -> None:
        """End the pod for good: no work from Services, hooks, signals, then nothing of it is left."""
        self._health.end_all()
        self.known.set()  # nobody has to wait for what its probes say
        while True:
            try:
                await self._look()
                self._publish()
                await self._context.settled()
                inits = {c["name"] for c in podplan.init_containers(self._pod)}
                for mains in (True, False):
                    running = [
                        (name, view.current)
                        for name, view in self._views.items()
                        if view.current is not None and view.current.running and (name not in inits) is mains
                    ]
                    await self._all(self._stop(name, instance, grace=self._grace()) for name, instance in running)
                await self.sandbox.remove()
            except ClusterUnreachableError:
                self._wake.clear()
                await self._wake.wait()
                continue
            except DockerApiError as error:
                self._context.events.warning(self._pod, "FailedKillPod", error.message)
                await asyncio.sleep(SECOND_TRY)
                continue
            self._context.store.remove(self._key)
            return

    async def kill(self, container: str, instance: Instance, grace: int | None, why: str) -> None:
        """Stop a container that is not well; it is started again as its restart policy says."""
        self._context.events.normal(self._pod, "Killing", f"Container {container} {why}, will be restarted")
        await self._stop(container, instance, grace=self._grace() if grace is None else grace)

    async def _stop(self, name: str, instance: Instance, *, grace: int) -> None:
        container = next((c for c in podplan.all_containers(self._pod) if c["name"] == name), {})
        hook = (container.get("lifecycle") or {}).get("preStop")
        if hook and grace:
            target = Target(container=container, id=instance.id, sandbox=self.sandbox.id, address=self.sandbox.address)
            began = self._context.clock()
            result = await self._context.prober.once(hook, target, grace)
            if not result.success:
                self._context.events.warning(self._pod, "FailedPreStopHook", result.message)
            grace = max(1, grace - int(self._context.clock() - began))
        await self._context.runtime.stop(instance.id, grace)

    @staticmethod
    async def _all(works: Any) -> None:  # noqa: ANN401 - an iterable of coroutines
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(_ignoring_refusals(work), name="stop a container")


async def _ignoring_refusals(work: Awaitable[None]) -> None:
    try:
        await work
    except DockerApiError:
        return  # it has ended meanwhile; what is left is seen by the next look
