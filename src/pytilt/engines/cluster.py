"""The built-in context `engine`: a small control plane in this process over a container engine. The seam `Cluster`."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial
from itertools import chain
from types import TracebackType
from typing import Self

from pytilt.cluster.seam import Change, ChangeType, Notify
from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.health.probing import Prober
from pytilt.engines.machine import node_info
from pytilt.engines.network.forwarding import ForwarderConfiguration
from pytilt.engines.network.infrastructure import SERVICE_RANGE, Infrastructure, sandboxes_last
from pytilt.engines.network.reach import PodNetwork
from pytilt.engines.network.services import INGRESS_PORT, completed
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import NEW_POD_STATUS, Json, Key, key_of, uid_of
from pytilt.engines.objects.kinds import CLUSTER_SCOPED, KEPT
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.objects.store import EventRecorder, ObjectStore
from pytilt.engines.pods.access import EngineContainers
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.pods.pool import PodPool
from pytilt.engines.pods.pulling import anonymous
from pytilt.engines.pods.runner import ENGINE_END_SECONDS, PodRunner
from pytilt.engines.pods.spares import Spares
from pytilt.engines.podspec.placement import NodeInfo
from pytilt.engines.podspec.volumes import claims_of
from pytilt.engines.record import Record, decoded
from pytilt.engines.workloads.admission import admitted, must_be_replaced
from pytilt.engines.workloads.controllers import Controllers
from pytilt.engines.workloads.cronjobs import job_of
from pytilt.errors import ApplyError, ClusterUnreachableError, DockerApiError
from pytilt.images.credentials import FindCredentials
from pytilt.model.clusters import ClusterInfo, ObjectRef
from pytilt.model.resources import KubeObject

CONTEXT = "engine"
CLAIM = "PersistentVolumeClaim"
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two tries to reach an engine that is away; a daemon takes a second or two to come back."""
ADOPTION_SECONDS = 2.0
"""How long pods that were found may take to pass their readiness probes before Services leave them out."""
LAST_PODS_SECONDS = 90.0
"""How long leaving waits for pods that are ending: three times the usual grace period."""


@asynccontextmanager
async def engine_cluster(
    runtime: ContainerRuntime,
    project: str,
    namespace: str = "default",
    *,
    credentials: FindCredentials = anonymous,
    service_range: str = SERVICE_RANGE,
    ingress_port: int = INGRESS_PORT,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator["EngineCluster"]:
    """Run Kubernetes manifests on a container engine for as long as the block; leaving lets everything run on.

    Args:
        runtime: the engine, opened by the caller, who closes it after this.
        project: whose pods they are: those of other projects are not seen; see `labels.project_id`.
        namespace: where objects without namespace go.
        credentials: finds those of this machine for pulling images; without it, images are pulled anonymously.
        service_range: addresses of Services, if the usual ones cannot be used on this machine.
        ingress_port: of this machine, where Ingresses are found.
        clock: returns the Unix time.

    Raises:
        ClusterUnreachableError: the engine does not answer.
    """
    node = await node_info(runtime, clock)
    mine = EngineProject(id=project)
    async with EngineCluster(
        runtime, mine, namespace, node, credentials, service_range, ingress_port, clock
    ) as cluster:
        yield cluster


class EngineCluster:
    """A small control plane over a container engine. Made by `engine_cluster`; it works while it is entered.

    Args:
        runtime: the engine's requests.
        project: whose pods they are.
        namespace: where objects without namespace go.
        node: what the engine says of its machine.
        credentials: finds those of this machine for pulling images.
        service_range: addresses of Services, in CIDR form.
        ingress_port: of this machine, where Ingresses are found.
        clock: returns the Unix time.
    """

    def __init__(
        self,
        runtime: ContainerRuntime,
        project: EngineProject,
        namespace: str,
        node: NodeInfo,
        credentials: FindCredentials,
        service_range: str,
        ingress_port: int,
        clock: Callable[[], float],
    ) -> None:
        self._runtime = runtime
        self._project = project
        self._namespace = namespace
        self._node = node
        self._node_is_fresh = True
        self._clock = clock
        self._store = ObjectStore(clock)
        self._tasks = asyncio.TaskGroup()
        self._tidying = asyncio.Lock()
        self._unclaimed: set[Key] = set()
        """Claims that are gone, and whose volumes are not yet."""
        self._applies = 0
        self._running: list[asyncio.Task[None]] = []
        self._infrastructure = Infrastructure(
            runtime, project, node.architecture, service_range, stdin_closes=node.podman
        )
        self._forwarding = ForwarderConfiguration(runtime, project, self._infrastructure, self._store, ingress_port)
        self._record = Record(runtime, project, self._infrastructure.base, self._store)
        network = PodNetwork(runtime)
        self._context = EngineContext(
            runtime=runtime,
            project=project,
            store=self._store,
            infrastructure=self._infrastructure,
            network=network,
            prober=Prober(runtime, network),
            events=EventRecorder(self._store, clock),
            node=node,
            credentials=credentials,
            settled=self._forwarding.settled,
            keep=self._record.keep,
            clock=clock,
        )
        self._spares = Spares(self._context, self._tasks, namespace)
        self._pool = PodPool(self._tasks, self._new_runner)
        self.containers = EngineContainers(self._context, self._pool)
        """The other seam."""

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        try:
            await self._adopt()
        except BaseException as error:
            with suppress(BaseExceptionGroup):  # of this very error
                await self._tasks.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._leave()
        finally:
            for task in self._running:
                task.cancel()
            self._pool.close()
            if isinstance(error, asyncio.CancelledError):  # perhaps the group's own: a task of it failed
                await self._tasks.__aexit__(kind, error, trace)
            else:
                await self._tasks.__aexit__(None, None, None)

    # The seam

    async def info(self) -> ClusterInfo:
        """Say what the engine is; see the seam. What it said when this was opened is still true the first time."""
        if not self._node_is_fresh:
            self._node = await node_info(self._runtime, self._clock)
        self._node_is_fresh = False
        return ClusterInfo(
            context=CONTEXT,
            namespace=self._namespace,
            product=CONTEXT,
            version=self._node.version,
            arch=self._node.architecture,
            shares_engine=True,
        )

    async def prepare(self, objects: Sequence[KubeObject]) -> None:
        """Start what these objects will run on, and a sandbox for the next pod of each Deployment; see the seam."""
        self._tasks.create_task(self._ensure_infrastructure(), name="infrastructure")
        self._spares.prepare(objects)

    async def apply(
        self,
        wanted: KubeObject,
        *,
        timeout: float,  # noqa: ASYNC109 - as in the seam
        notify: Notify = lambda _: None,  # noqa: ARG002 - nothing is waited for here
    ) -> KubeObject:
        """Make one object as wanted; see the seam."""
        obj = admitted(wanted, self._namespace)
        key = key_of(obj)
        async with self._tidying:
            self._applies += 1
        try:
            async with asyncio.timeout(timeout):
                with _refused(key):
                    return await self._apply(key, obj)
        except TimeoutError as error:
            raise ApplyError(f"`{key}` was not applied within {timeout:g} s") from error
        finally:
            self._applies -= 1

    async def delete(self, ref: ObjectRef, *, wait: bool = False) -> bool:
        """Delete one object and what belongs to it; see the seam. The volume of a claim goes once no pod has it."""
        key = self._key(ref)
        obj = self._store.get(*key)
        if obj is None:
            return False
        family = self._family(obj)
        self._unclaimed |= {key_of(relative) for relative in family if relative["kind"] == CLAIM}
        for relative in reversed(family):
            self._store.delete(key_of(relative))
        if wait:
            members = {uid_of(relative) for relative in family}
            await self._store.until(lambda: not any(uid_of(left) in members for left in self._store.all()))
        with _refused(key):
            await self._record.flush()
            await self._tidy()
        return True

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object, or None."""
        return self._store.get(*self._key(ref))

    def watch(self, api_version: str, kind: str, *, namespace: str = "") -> AsyncIterator[Change]:
        """Yield all objects of a kind, `LISTED`, and every change; see the seam."""
        del api_version  # a kind has one group here
        return self._store.watch(kind, namespace)

    # Beyond the seam

    async def trigger(self, ref: ObjectRef, name: str) -> KubeObject:
        """Run a CronJob now, as `kubectl create job --from` does.

        Args:
            ref: the CronJob.
            name: of the Job.

        Raises:
            ApplyError: there is no such CronJob.
        """
        found = self._store.get(*self._key(ref))
        if found is None:
            raise ApplyError(f"there is no `{ref}`")
        job = self._store.put(job_of(found, name))
        with _refused(key_of(job)):
            await self._record.keep(key_of(job))
        return job

    # Inside

    async def _ensure_infrastructure(self) -> None:
        try:
            await self._infrastructure.ensure()
        except (ApplyError, ClusterUnreachableError, DockerApiError):
            return  # who needs it asks again, and reports it

    def _new_runner(self, pod: KubeObject, found: Sequence[Json]) -> PodRunner:
        """What runs a pod; one that is new gets the sandbox that was promised to it, which knows it too little."""
        spare = None if found else self._spares.take(pod)
        if spare is not None:
            self._record.include(key_of(pod))
        return PodRunner(self._context, pod, found, spare)

    def _key(self, ref: ObjectRef) -> Key:
        return Key(ref.kind, "" if ref.kind in CLUSTER_SCOPED else ref.namespace or self._namespace, ref.name)

    async def _apply(self, key: Key, obj: Json) -> KubeObject:
        before = self._store.get(*key)
        if before is not None and must_be_replaced(before, obj):
            await self.delete(
                ObjectRef(api_version="", kind=key.kind, name=key.name, namespace=key.namespace), wait=True
            )
            before = None
        stored = self._store.put(self._merged(obj, before))
        await self._record.keep(key)
        if key.kind == "Deployment":
            self._spares.applied(stored)
        if key.kind in KEPT and before is None:
            self._context.events.normal(stored, "Kept", f"`{key}` is kept, and has no effect in the context `engine`")
        if key.kind in ("Service", "Ingress"):
            await self._forwarding.settled()
            if failure := self._forwarding.failures.get(key):
                raise ApplyError(failure, hint="see what holds it: `ss -ltnp`; or choose another port")
        return self._store.get(*key) or stored

    def _merged(self, obj: Json, before: KubeObject | None) -> KubeObject:
        if obj["kind"] == "Service":
            services = [service for service in self._store.all("Service") if key_of(service) != key_of(obj)]
            taken = [service["spec"].get("clusterIP", "") for service in services]
            obj = dict(completed(obj, before, services, self._infrastructure.addresses.free(taken)))
        if before is None:
            return obj
        old = before["metadata"]
        metadata = {**obj["metadata"], "uid": old["uid"], "creationTimestamp": old["creationTimestamp"]}
        if obj["kind"] == "Pod":
            return {**before, "metadata": {**old, **metadata}}
        status = {"status": before["status"]} if "status" in before and "status" not in obj else {}
        return {**obj, "metadata": metadata} | status

    def _family(self, obj: KubeObject) -> list[KubeObject]:
        """The object and all that belongs to it, owners first."""
        if obj["kind"] == "Namespace":
            return [obj, *(item for item in self._store.all(namespace=obj["metadata"]["name"]))]
        family = [obj]
        for member in family:
            for item in self._store.all(namespace=obj["metadata"].get("namespace", "")):
                references = item["metadata"].get("ownerReferences") or ()
                if any(reference["uid"] == uid_of(member) for reference in references):
                    family.append(item)
        return family

    async def _adopt(self) -> None:
        """Take over what an earlier session left running, then begin to work."""
        controllers = Controllers(self._store, self._clock, promise=self._spares.promise)
        found: dict[str, list[Json]] = {}
        pods = []
        for container in await self._runtime.containers({labels.PROJECT: self._project.id}):
            found.setdefault(container["Labels"].get(labels.POD_UID, ""), []).append(container)
            if pod := decoded(container["Labels"].get(labels.POD_OBJECT, "")):
                pods.append(pod | {"status": NEW_POD_STATUS})
        for obj in await self._record.load():
            if obj["kind"] == "Pod":
                pods.append({**obj, "status": NEW_POD_STATUS})
            else:
                self._store.restore(obj)
        for pod in sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", ""))):
            self._store.restore(pod)
        self._pool.adopt(self._store.all("Pod"), found)
        strays = [found[uid] for uid in found.keys() - {"", *map(uid_of, pods)}]
        self._tasks.create_task(self._remove(chain.from_iterable(strays)), name="remove strays")
        for obj in self._store.all():
            controllers.listen(Change(type=ChangeType.ADDED, object=obj))
        for listener in (
            controllers.listen,
            self._record.listen,
            self._forwarding.listen,
            self._pool.listen,
            self._spares.listen,
        ):
            self._store.listen(listener)
        for name, work in (
            ("controllers", controllers.run()),
            ("services", self._forwarding.run(partial(self._pool.known, ADOPTION_SECONDS))),
            ("record", self._keep_record()),
            ("engine events", self._follow_engine()),
            ("removals", self._follow_removals()),
        ):
            self._running.append(self._tasks.create_task(work, name=name))

    async def _keep_record(self) -> None:
        while True:
            await self._record.news.wait()
            try:
                await self._record.flush()
            except (ClusterUnreachableError, DockerApiError):
                await asyncio.sleep(FIRST_PAUSE)
                self._record.news.set()

    async def _follow_engine(self) -> None:
        """Hand on what happens to containers; whenever the engine was away, look at everything again."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with aclosing(self._runtime.events({labels.PROJECT: self._project.id})) as events:
                    async for event in events:
                        pause = FIRST_PAUSE
                        if not event.action:
                            self._mark_all_dirty()
                        elif event.labels.get(labels.ROLE) in (labels.FORWARDER, labels.PUBLISHER):
                            if event.action == "die":
                                delay = 0.0 if event.killed else ENGINE_END_SECONDS
                                asyncio.get_running_loop().call_later(delay, self._mark_services_dirty)
                        else:
                            self._pool.handle(event)
                            self._spares.handle(event)
            except (ClusterUnreachableError, DockerApiError):
                if pause == FIRST_PAUSE:
                    self._pool.mark_dirty()  # it does not answer the pods either, and they report that
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _follow_removals(self) -> None:
        """Delete what another session of the same project deletes, for example `tilt down` beside `tilt up`.

        A network that somebody removed is made again when it is needed; pods that are not connected any more see to it.
        """
        while True:
            try:
                async with aclosing(self._runtime.removals()) as removals:
                    async for removal in removals:
                        if removal.kind == "network":
                            if removal.name == self._project.network:
                                self._mark_all_dirty()
                        elif (key := self._record.lost(removal.name)) is not None:
                            self._store.delete(key)
            except (ClusterUnreachableError, DockerApiError):
                await asyncio.sleep(LONGEST_PAUSE)

    def _mark_services_dirty(self) -> None:
        self._infrastructure.mark_dirty()
        self._forwarding.mark_dirty()

    def _mark_all_dirty(self) -> None:
        self._mark_services_dirty()
        self._pool.mark_dirty()
        self._spares.mark_dirty()

    async def _remove(self, containers: Iterable[Json]) -> None:
        """Remove what an earlier session had begun for pods that never came."""
        try:
            for container in sandboxes_last(containers):
                await self._runtime.remove(container["Id"])
        except (ClusterUnreachableError, DockerApiError):
            return  # the next session tries again

    async def _leave(self) -> None:
        """See through what was begun: pods that are ending, objects not yet recorded, a project that is empty."""
        try:
            self._spares.drop()
            async with asyncio.timeout(LAST_PODS_SECONDS):
                await self._pool.ended()
                await self._record.flush()
                await self._tidy()
        except (TimeoutError, ClusterUnreachableError, DockerApiError):
            return  # what is left is adopted by the next session

    async def _tidy(self) -> None:
        """Remove the volumes of claims that are gone, and the project's own things when nothing is left to need them.

        Claims, and that there are claims, outlive the rest: a StatefulSet's are nobody's to delete but the user's.
        """
        async with self._tidying:
            await self._remove_unclaimed()
            await self._spares.gone()
            left = {obj["kind"] for obj in self._store.all()} - {"Event"}
            if self._applies or left - {CLAIM}:
                return
            await self._infrastructure.remove(keep_record=bool(left))
            if not left:
                self._record.forget()
            self._forwarding.mark_dirty()

    async def _remove_unclaimed(self) -> None:
        used = {claim for pod in self._store.all("Pod") for claim in claims_of(pod)}
        for key in tuple(self._unclaimed):
            if self._store.get(*key) is not None:
                self._unclaimed.discard(key)
            elif (key.namespace, key.name) not in used:
                await self._runtime.remove_volume(self._project.claim(key.namespace, key.name))
                self._unclaimed.discard(key)


@contextmanager
def _refused(key: Key) -> Iterator[None]:
    try:
        yield
    except DockerApiError as error:
        raise ApplyError(f"the container engine refused `{key}`: {error.message}", hint=_hint(error.message)) from error


def _hint(message: str) -> str | None:
    if "address pool" in message:
        return "too many networks: remove unused ones with `docker network prune`"
    return None
