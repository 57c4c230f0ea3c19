"""What runs in the cluster: pods and what they belong to are watched, and become the runtime of every resource."""

import asyncio
import operator
from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from pytilt.cluster import absence, endpoints, health, objects, ownership, pods
from pytilt.cluster.ownership import Claim, Intermediate
from pytilt.cluster.seam import Change, ChangeType, Cluster
from pytilt.errors import PytiltError
from pytilt.loop.planning.deploys import deployed_as
from pytilt.loop.pods.cluster_events import ClusterEvents
from pytilt.loop.pods.connecting import retry_pause
from pytilt.loop.pods.discoveries import Discoveries
from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery
from pytilt.model.base import Value
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import ClusterState, Resource, Runtime, RuntimeState, runtime_owner
from pytilt.model.pods import Pod
from pytilt.model.resources import KubeObject, KubernetesDeploy, PodReadiness
from pytilt.model.status import RuntimeStatus
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store


class WatchedKind(Value):
    """A kind of object that says something about what runs."""

    api_version: str
    kind: str


WATCHED = (
    WatchedKind(api_version="v1", kind="Pod"),
    WatchedKind(api_version="apps/v1", kind="ReplicaSet"),
    WatchedKind(api_version="batch/v1", kind="Job"),
    WatchedKind(api_version="v1", kind="Service"),
    WatchedKind(api_version="v1", kind="Event"),
)

WATCHED_WHERE_DEPLOYED = (
    WatchedKind(api_version="apps/v1", kind="StatefulSet"),
    WatchedKind(api_version="apps/v1", kind="DaemonSet"),
)
"""Kinds that make their pods themselves, and are asked how many there are to be."""

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 15.0

LOGGED_REASONS = frozenset({"Pulling", "Pulled"})
"""Reasons of normal events that are logged; all others are noise, as Tilt has it."""

WAITING_EVENTS = 200
"""So many events of objects that are not known to be ours are kept until they are, or others come."""


class Runtimes:
    """Writes the runtime of every Kubernetes resource, and what `KubernetesDiscovery` objects find.

    Args:
        store: the session's objects.
        logs: takes the cluster's events.
        cluster: what is watched.
        host: where forwards listen that name no host themselves.
    """

    def __init__(self, store: Store, logs: LogStore, cluster: Cluster, host: str) -> None:
        self._store = store
        self._logs = logs
        self._cluster = cluster
        self._host = host
        self._discoveries = Discoveries(store, logs)
        self._began = store.now()
        self._dirty = asyncio.Event()
        self._watches: dict[tuple[WatchedKind, str], asyncio.Task[None]] = {}
        self._pods: dict[str, Pod] = {}
        self._owners: dict[str, Intermediate] = {}
        self._applied_owners: dict[str, Intermediate] = {}
        """The objects of the kinds that make their pods themselves."""
        self._sized = ChainMap(self._owners, self._applied_owners)
        self._jobs: dict[str, pods.Job] = {}
        self._services: dict[str, KubeObject] = {}
        self._finished: set[tuple[str, str]] = set()
        self._logged: dict[str, int] = {}
        """Events that were logged, and how often each had happened by then."""
        self._blind: dict[tuple[WatchedKind, str], str] = {}
        """The watches that see nothing at this moment, and why."""
        self._pending_events: dict[str, pods.ObjectEvent] = {}
        self._events = ClusterEvents(store)
        self._started: defaultdict[str, set[str]] = defaultdict(set)
        """The containers of which events say that they were started, for each pod."""
        self._by_ancestor: defaultdict[str, list[Pod]] | None = None
        """The pods below each object; None: to be found out anew."""
        self._judged: dict[str, tuple[object, ...]] = {}
        """By what each resource was judged last."""

    async def run(self) -> None:
        """Keep watching what resources live in, and their runtimes true, without end."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._judge(), name="runtimes")
            async for _ in self._store.watch(
                Resource, ClusterState, KubernetesDiscovery, aspects={Resource: self._aspect}
            ):
                self._watch(group)
                self._dirty.set()

    def _aspect(self, resource: Resource) -> tuple[object, ...]:
        """What of a resource its runtime is judged by."""
        if not resource.spec.deploy.in_cluster:
            return ()
        status = resource.status
        # When it was deployed matters to what may have finished only.
        deployed = status.deployed_at if self._finished else bool(status.deployed_at)
        return resource.enabled, resource.spec, deployed, status.applied, status.applied_uids, status.template_hashes

    def _watch(self, group: asyncio.TaskGroup) -> None:
        """Watch every namespace that a resource lives in; a watch that was begun goes on."""
        state = self._store.get(ClusterState, "default")
        if state is None or state.info is None:
            return
        deployed = self._deployed(state.info.namespace)
        namespaces = {namespace for _, namespace in deployed} | self._discoveries.namespaces(state.info.namespace)
        wanted = [(kind, namespace) for namespace in namespaces for kind in WATCHED]
        wanted += [(kind, where) for kind in WATCHED_WHERE_DEPLOYED for name, where in deployed if name == kind.kind]
        for kind, namespace in wanted:
            if (kind, namespace) not in self._watches:
                self._watches[kind, namespace] = group.create_task(
                    self._follow(kind, namespace), name=f"watch {kind.kind} {namespace}"
                )

    def _deployed(self, default: str) -> set[tuple[str, str]]:
        """Kinds and namespaces of declared objects, and of those that a command has applied."""
        resources = self._store.snapshot().all(Resource)
        declared = (objects.ref(each) for resource in resources for each in resource.spec.deploy.objects)
        applied = (ref for resource in resources for ref in resource.status.applied)
        return {(ref.kind, ref.namespace or default) for ref in (*declared, *applied)}

    async def _follow(self, kind: WatchedKind, namespace: str) -> None:
        take = self._taker(kind)
        present: set[str] = set()
        retry, reported = FIRST_RETRY_SECONDS, ""
        while True:
            listed: set[str] = set()
            try:
                async for change in self._cluster.watch(kind.api_version, kind.kind, namespace=namespace):
                    if change.type is ChangeType.LISTED:
                        for uid in present - listed:
                            self._forget(uid)
                        present, listed = listed, set()
                        retry, reported = FIRST_RETRY_SECONDS, ""
                        self._blind.pop((kind, namespace), None)
                    else:
                        uid = objects.uid(change.object)
                        if change.type is ChangeType.DELETED:
                            listed.discard(uid)
                            present.discard(uid)
                        else:
                            listed.add(uid)
                            present.add(uid)
                        take(uid, change)
                    self._dirty.set()
            except PytiltError as problem:
                text = f"cannot watch {kind.kind} objects in namespace {namespace}: {problem}"
                if text != reported:
                    self._logs.span(ResourceName(""), SpanId("cluster"))(f"{text}\n", level=Level.WARN)
                reported = text
                self._blind[kind, namespace] = text
                self._dirty.set()
            await retry_pause(self._store, retry)
            retry = min(2 * retry, LAST_RETRY_SECONDS)

    def _taker(self, kind: WatchedKind) -> Callable[[str, Change], None]:
        if kind.kind == "Event":
            return self._take_event
        kept: dict[str, Callable[[KubeObject], object]] = {
            "Pod": pods.pod,
            "ReplicaSet": ownership.intermediate,
            "StatefulSet": ownership.intermediate,
            "DaemonSet": ownership.intermediate,
            "Job": pods.job,
            "Service": lambda each: each,
        }
        read = kept[kind.kind]
        caches = {"Pod": self._pods, "ReplicaSet": self._owners, "Job": self._jobs, "Service": self._services}
        cache = caches.get(kind.kind, self._applied_owners)

        def take(uid: str, change: Change) -> None:
            self._by_ancestor = None
            if change.type is ChangeType.DELETED:
                self._forget(uid)
                return
            cache[uid] = read(change.object)  # type: ignore[index]  # reader and cache go by the same kind
            if kind.kind == "Job":
                self._owners[uid] = ownership.intermediate(change.object)

        return take

    def _forget(self, uid: str) -> None:
        self._by_ancestor = None
        for cache in (self._pods, self._owners, self._applied_owners, self._jobs, self._services, self._started):
            cache.pop(uid, None)

    async def _judge(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self.turn()

    def turn(self) -> None:
        """Judge every resource about which something is known now that was not known before."""
        stale = self._stale()
        self._note_started()
        by_ancestor = self._by_ancestor = self._by_ancestor or self._pods_below()
        before, self._judged = self._judged, {}
        for resource, deploy in deployed_as(KubernetesDeploy, self._store.snapshot()):
            known = self._judged[resource.name] = (resource, stale, *self._known(resource, deploy, by_ancestor))
            if _is_same(known, before.get(resource.name, ())):
                continue
            state = self._state(resource, deploy, by_ancestor)
            self._write(resource, replace(state, stale=stale if resource.enabled else ""))
        self._discoveries.turn(self._pods.values(), self._owners)
        self._log_events()

    def _pods_below(self) -> defaultdict[str, list[Pod]]:
        found: defaultdict[str, list[Pod]] = defaultdict(list)
        for pod in self._pods.values():
            for uid in ownership.ancestors(pod, self._owners):
                found[uid].append(pod)
        return found

    def _known(
        self, resource: Resource, deploy: KubernetesDeploy, by_ancestor: defaultdict[str, list[Pod]]
    ) -> Iterator[object]:
        """Everything in the cluster that decides about a resource."""
        if deploy.extra_pod_selectors:
            yield from self._pods.values()
        for uid in resource.status.applied_uids:
            for pod in by_ancestor.get(uid, ()):
                yield pod
                yield from (self._owners.get(owner.uid) for owner in pod.owners)
            yield self._applied_owners.get(uid)
            yield self._jobs.get(uid)
            yield self._services.get(uid)

    def _note_started(self) -> None:
        """Notice the pods all of whose containers were started before their status says so."""
        for uid, names in self._started.items():
            pod = self._pods.get(uid)
            if pod is not None and not pod.started and pod.phase == "Pending":
                own = {container.name for container in pod.containers if not container.init}
                if own <= names:
                    self._pods[uid] = replace(pod, started=True)
                    self._by_ancestor = None

    def _stale(self) -> str:
        """Why what is known of pods need not be true any more; empty while the cluster reports of them."""
        cluster = self._store.get(ClusterState, "default")
        blind = (text for (kind, _), text in self._blind.items() if kind.kind == "Pod")
        return (cluster.error if cluster else "") or next(blind, "")

    def _state(
        self, resource: Resource, deploy: KubernetesDeploy, by_ancestor: defaultdict[str, list[Pod]]
    ) -> RuntimeState:
        before = self._store.get(Runtime, resource.name)
        ready_once = before is not None and before.status.ready_once
        if not resource.enabled:
            return RuntimeState(status=RuntimeStatus.NONE)
        claim = Claim(
            uids=resource.status.applied_uids,
            selectors=deploy.extra_pod_selectors,
            selectors_only=bool(deploy.selectors_only),
            template_hashes=resource.status.template_hashes,
        )
        found = {pod.uid: pod for uid in claim.uids for pod in by_ancestor.get(uid, ())}
        candidates = self._pods.values() if deploy.extra_pod_selectors else found.values()
        present = ownership.current(tuple(candidates), claim, self._owners)
        counting = {pod.uid for pod in present}
        leaving = [
            pod.name for pod in candidates if pod.uid not in counting and ownership.belongs(pod, claim, self._owners)
        ]
        jobs = tuple(self._jobs[uid] for uid in claim.uids if uid in self._jobs)
        verdict = health.runtime(present, deploy.pod_readiness, jobs=jobs, deployed=bool(resource.status.deployed_at))
        if verdict.status is RuntimeStatus.OK and deploy.pod_readiness is PodReadiness.WAIT:
            missing = ownership.shortage(present, self._sized, claim.uids)
            verdict = health.RuntimeHealth(status=RuntimeStatus.PENDING, reason=missing) if missing else verdict
        if verdict.reason == health.NO_POD:
            verdict = absence.without_pods(deploy.objects, older=bool(leaving))
        if self._is_finished(resource, deploy, verdict.status) and not (jobs or present):
            verdict = health.RuntimeHealth(status=RuntimeStatus.OK)
        services = [self._services[uid] for uid in claim.uids if uid in self._services]
        return RuntimeState(
            status=verdict.status,
            reason=verdict.reason,
            final=verdict.final,
            ready_once=ready_once or verdict.status is RuntimeStatus.OK,
            pods=present,
            leaving=tuple(sorted(leaving)),
            endpoints=endpoints.endpoints(resource.spec, services, host=self._host),
        )

    def _is_finished(self, resource: Resource, deploy: KubernetesDeploy, status: RuntimeStatus) -> bool:
        """Has what was deployed last run to its end? It stays so when it is cleaned up (`ttlSecondsAfterFinished`)."""
        deployment = (resource.name, resource.status.deployed_at)
        if deploy.pod_readiness is PodReadiness.SUCCEEDED and status is RuntimeStatus.OK:
            self._finished.add(deployment)
        return deployment in self._finished

    def _write(self, resource: Resource, state: RuntimeState) -> None:
        before = self._store.get(Runtime, resource.name)
        since = before.status.since if before else ""
        if before is None or before.status.status is not state.status:
            since = self._store.now()
        self._store.put(
            Runtime(name=resource.name, owner=runtime_owner(resource.name), status=replace(state, since=since))
        )

    def _take_event(self, uid: str, change: Change) -> None:
        if change.type is ChangeType.DELETED:
            return
        event = pods.event(change.object)
        self._events.take(uid, event)
        if event.reason == "Started" and event.container:
            self._started[event.object_uid].add(event.container)
        old = (event.last_seen or event.created_at) < self._began[:19]
        quiet = event.type == "Normal" and event.reason not in LOGGED_REASONS
        # What happens again and again is logged ever more rarely, or it would drown the log.
        known = uid in self._logged and event.count < 2 * self._logged[uid]
        if not (old or quiet or known):
            self._pending_events[uid] = event

    def _log_events(self) -> None:
        """Keep and log the events whose owner is known; others may come before what they are about, and wait."""
        names = self._names() if self._pending_events or self._events.pending else {}
        self._events.assign(names, {uid: self._lineage(uid) for uid in self._events.subjects()})
        for uid, event in list(self._pending_events.items()):
            name = next((names[each] for each in self._lineage(event.object_uid) if each in names), None)
            if name is not None:
                del self._pending_events[uid]
                self._logged[uid] = event.count
                self._log_event(name, event)
        for uid in list(self._pending_events)[:-WAITING_EVENTS]:
            del self._pending_events[uid]

    def _names(self) -> Mapping[str, ResourceName]:
        """The resources of what was applied, and of the pods that were found, be it by their labels only."""
        state = self._store.snapshot()
        found = {pod.uid: ResourceName(runtime.name) for runtime in state.all(Runtime) for pod in runtime.status.pods}
        for resource in state.all(Resource):
            found.update(dict.fromkeys(resource.status.applied_uids, ResourceName(resource.name)))
        return found

    def _log_event(self, name: ResourceName, event: pods.ObjectEvent) -> None:
        where = (
            event.object.name
            if event.object.namespace in ("", "default")
            else f"{event.object.namespace}/{event.object.name}"
        )
        span = self._logs.span(name, SpanId(f"events:{name}"))
        level = Level.INFO if event.type == "Normal" else Level.WARN
        span(f"[event: {event.object.kind.lower()} {where}] {event.message.rstrip()}\n", level=level)

    def _lineage(self, uid: str) -> Iterable[str]:
        """An object and those above it."""
        if uid in self._pods:
            return ownership.ancestors(self._pods[uid], self._owners)
        if uid in self._owners:
            return (uid, *(owner.uid for owner in self._owners[uid].owners))
        return (uid,)


def _is_same(known: Sequence[object], before: Sequence[object]) -> bool:
    """Are these the very same objects?"""
    return len(known) == len(before) and all(map(operator.is_, known, before))
