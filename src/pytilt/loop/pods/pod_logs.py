"""The logs of pods: every container of every resource is followed, over restarts, without gaps or repetitions."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress

from pytilt.cluster.log_position import LogPosition
from pytilt.cluster.seam import ContainerRef, ContainerRun, Containers
from pytilt.errors import PytiltError
from pytilt.loop.pods.connecting import retry_pause
from pytilt.loop.pods.pod_lookup import POD_ASPECTS, POD_SOURCES, PodSource, pods_of
from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery, PodLogStreamTemplateSpec
from pytilt.model.api.metadata import RESOURCE_ANNOTATION
from pytilt.model.base import Value
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource, Runtime
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.stored import Object
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.spans import Span
from pytilt.views.discoveries import found_pods

IGNORED = frozenset({"istio-init", "istio-proxy", "linkerd-proxy", "linkerd-init"})
"""Containers whose logs nobody asked for; the list is Tilt's."""

OPEN_EVERY_SECONDS = 0.02
"""Between the streams of two pods that are older than the session. Each costs the cluster a connection."""

BUSY_SECONDS = 3.0
"""So long the streams of such pods wait at most for updates to end, which are more urgent. No line is lost, since they
are asked for what was written since the session began; a container that ends is read at once, it may say why."""

FIRST_RETRY_SECONDS = 0.2
LAST_RETRY_SECONDS = 15.0


class Followed(Value):
    """A container to follow, over all its restarts."""

    source: PodSource
    namespace: str
    pod: str
    uid: str
    container: str
    prefix: str
    """Before every line: the container's name where there are several."""
    since: str
    """RFC 3339: of a pod that is older than the session, only what is new is logged."""


class PodLogs:
    """Follows the logs of all containers.

    Args:
        store: the session's objects.
        logs: takes the lines.
        containers: reads the lines.
    """

    def __init__(self, store: Store, logs: LogStore, containers: Containers) -> None:
        self._store = store
        self._logs = logs
        self._containers = containers
        self._began = store.now()
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._finished: set[tuple[str, str]] = set()
        """Runs of containers that were read to their last line: the pod's and the run's ids."""
        self._progressed = asyncio.Event()
        self._turn = asyncio.Semaphore(1)
        self._idle: asyncio.Task[None] | None = None
        """Waits for the updates of the session's start, once somebody waits for that."""
        self._postponed: dict[tuple[str, str], asyncio.Event] = {}
        """The containers whose streams wait for that, and what begins them."""

    async def run(self) -> None:
        """Follow what is there and what comes, without end."""
        async with asyncio.TaskGroup() as group:
            async for changed in self._store.watch(*POD_SOURCES, aspects=POD_ASPECTS):
                if any(map(self._has_pods, changed.names)):
                    self.turn(group)

    def _has_pods(self, key: tuple[type[Object], str]) -> bool:
        """Is it more than the runtime of something without pods?"""
        kind, name = key
        runtime = self._store.get(Runtime, name) if kind is Runtime else None
        return kind is not Runtime or (runtime is not None and bool(runtime.status.pods))

    def turn(self, group: asyncio.TaskGroup) -> None:
        """One turn: begin to follow what is not followed yet. A container that is gone ends by itself."""
        for followed in self._wanted():
            key = (followed.uid, followed.container)
            if followed.since and self._idle is None:
                self._idle = group.create_task(self._until_idle(), name="logs of older pods")
            if key in self._postponed and not self._runs(followed):
                self._postponed[key].set()
            if key not in self._running:
                self._running[key] = group.create_task(
                    self._follow(followed), name=f"logs {followed.pod} {followed.container}"
                )

    async def caught_up(self) -> None:
        """Wait until every container that has ended is read to its last line: it may say why."""
        while any(self._is_unfinished(followed) for followed in self._wanted()):
            self._progressed.clear()
            await self._progressed.wait()

    def _is_unfinished(self, followed: Followed) -> bool:
        container = self._container(followed)
        if container is None or container.state is ContainerState.RUNNING:
            return False
        return (followed.uid, container.id) not in self._finished

    def _wanted(self) -> Iterator[Followed]:
        for runtime in self._store.snapshot().all(Runtime):
            if not runtime.status.pods:
                continue
            resource = self._store.get(Resource, runtime.name)
            if resource is not None and resource.spec.deploy.in_cluster:
                source = PodSource(resource=ResourceName(runtime.name))
                yield from self._containers_of(source, runtime.status.pods, PodLogStreamTemplateSpec())
        for each in self._store.snapshot().all(KubernetesDiscovery):
            source = PodSource(
                resource=ResourceName(each.annotations.get(RESOURCE_ANNOTATION, "")), discovery=each.name
            )
            template = each.spec.pod_log_stream_template_spec or PodLogStreamTemplateSpec()
            yield from self._containers_of(source, found_pods(each), template)

    def _containers_of(
        self, source: PodSource, pods: Iterable[Pod], template: PodLogStreamTemplateSpec
    ) -> Iterator[Followed]:
        ignored = {*IGNORED, *template.ignore_containers} - set(template.only_containers)
        for pod in pods:
            older = pod.created_at < self._began[:19]
            for container in pod.containers:
                left_out = template.only_containers and container.name not in template.only_containers
                if container.id and container.name not in ignored and not left_out:
                    yield Followed(
                        source=source,
                        namespace=pod.namespace,
                        pod=pod.name,
                        uid=pod.uid,
                        container=container.name,
                        prefix=f"[{container.name}] " if container.init or len(pod.containers) > 1 else "",
                        since=template.since_time or (self._began if older else ""),
                    )

    async def _follow(self, followed: Followed) -> None:
        """Follow one container until its pod is gone: each of its runs to the end, then the next."""
        resource = followed.source.resource
        span = self._logs.span(resource, SpanId(f"pod:{resource}:{followed.pod}"))
        position, retry = LogPosition(followed.since), FIRST_RETRY_SECONDS
        if followed.since:
            await self._postpone(followed)
        while (container := self._container(followed)) is not None:
            try:
                await self._one_run(followed, container, position, span)
                retry = FIRST_RETRY_SECONDS
                self._finished.add((followed.uid, container.id))
                self._progressed.set()
                await self._restarted(followed, container)
            except PytiltError:
                await retry_pause(self._store, retry)
                retry = min(2 * retry, LAST_RETRY_SECONDS)
        span.close()
        self._progressed.set()

    async def _postpone(self, followed: Followed) -> None:
        """Wait with the stream of an older pod until it is in nobody's way."""
        key = (followed.uid, followed.container)
        if self._idle is not None and not self._idle.done() and self._runs(followed):
            self._postponed[key] = asyncio.Event()
            await self._postponed[key].wait()
            del self._postponed[key]
        await self._turn.acquire()
        asyncio.get_running_loop().call_later(OPEN_EVERY_SECONDS, self._turn.release)

    async def _until_idle(self) -> None:
        """Wait until no update runs or is due, but not for long; then begin the streams that wait for that."""
        busy: set[str] = set()
        with suppress(TimeoutError):
            async with asyncio.timeout(BUSY_SECONDS):
                async for changed in self._store.watch(Resource):
                    for _, name in changed.names:
                        resource = self._store.get(Resource, name)
                        (busy.add if resource is not None and _is_busy(resource) else busy.discard)(name)
                    if not busy:
                        break
        for begin in self._postponed.values():
            begin.set()

    def _runs(self, followed: Followed) -> bool:
        container = self._container(followed)
        return container is not None and container.state is ContainerState.RUNNING

    async def _one_run(self, followed: Followed, container: Container, position: LogPosition, span: Span) -> None:
        ref = ContainerRef(namespace=followed.namespace, pod=followed.pod, container=followed.container)
        position.connect(container.id)
        # Of an older pod nothing is missed when the run ended just now: its end was before what is wanted.
        runs = bool(followed.since) and container.state is ContainerState.RUNNING
        running = ContainerRun(id=container.id, restarts=container.restarts) if runs else None
        async for time, text in self._containers.logs(ref, since=position.upto, running=running):
            if position.is_new(time):
                span(f"{followed.prefix}{text}")

    async def _restarted(self, followed: Followed, before: Container) -> None:
        """Wait until the container runs again or is gone."""
        async for _ in self._store.watch(*POD_SOURCES):
            now = self._container(followed)
            if now is None or now.id not in ("", before.id):  # one that waits for its next run has had another
                return

    def _container(self, followed: Followed) -> Container | None:
        pod = self._pod(followed)
        return next((each for each in pod.containers if each.name == followed.container), None) if pod else None

    def _pod(self, followed: Followed) -> Pod | None:
        pods = pods_of(self._store, followed.source)
        return next((each for each in pods.present if each.uid == followed.uid), None) if pods else None


def _is_busy(resource: Resource) -> bool:
    return bool(resource.status.current or resource.status.due)
