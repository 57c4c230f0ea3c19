"""The streams into containers that could be updated in place: opened ahead of time, opened again when they broke."""

import asyncio
import posixpath
import time
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import PytiltError, SyncError, UnreachableError
from pytilt.liveupdate.direct import DirectRunner
from pytilt.liveupdate.passing import pass_on
from pytilt.liveupdate.receiver import Batch, Passed, Receiver, ReceiverOpener, ReceiverOptions, Synced
from pytilt.liveupdate.relaying import Follower
from pytilt.loop.failures import first_failure
from pytilt.loop.live_updates.following import Following, LeaderRunner
from pytilt.loop.planning import freshness
from pytilt.loop.planning.freshness import SyncTarget
from pytilt.loop.pods.pod_lookup import POD_ASPECTS
from pytilt.model.images import HelperMode, LiveUpdate
from pytilt.model.live_updates import LiveContainer, LiveUpdateState, LiveUpdateStatus
from pytilt.model.logs import Log
from pytilt.model.names import ImageName
from pytilt.model.objects import ClusterState, ImageMap, Resource, Runtime
from pytilt.model.pods import Pod
from pytilt.model.stored import Object
from pytilt.store.objects import Aspect, Store

_NEAR = frozenset(
    {"engine", "kind", "k3d", "minikube", "microk8s", "docker-desktop", "rancher-desktop", "colima", "orbstack"}
)
"""Clusters on this machine: to compress what is sent there takes longer than to send it."""


_INPUTS: Mapping[type[Object], Aspect] = {Resource: freshness.sync_inputs, **POD_ASPECTS}
"""What decides about the containers that could be updated."""

_STEADY_SECONDS = 1.0
"""A stream that was open for so long is opened again at once when it breaks."""


class _Open:
    """A stream to one container, and the task that holds it open."""

    def __init__(self) -> None:
        self.stream: asyncio.Future[Receiver] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None
        self.receiver: Receiver | None = None
        self.error = ""

    def fail(self, problem: PytiltError) -> None:
        """Give whoever waits for the stream the reason why there is none, unless it was open once."""
        if not self.stream.done():
            self.stream.set_exception(problem)
            self.stream.exception()  # nobody may have waited
            self.error = str(problem)


class Receivers:
    """Keeps a stream open to every container that could get a live update. The only writer of `LiveUpdateState`.

    Args:
        store: the session's objects.
        open_receiver: opens the way into a container.
        runner: sends straight to the helpers in containers, where this machine reaches them; None: nothing does.
    """

    def __init__(self, store: Store, open_receiver: ReceiverOpener, runner: LeaderRunner | None = None) -> None:
        self._store = store
        self._open_receiver = open_receiver
        self._open: dict[str, _Open] = {}
        self._wanted: dict[str, dict[str, SyncTarget]] = {}
        """The containers of each resource to which a stream is to be open."""
        self._processes: dict[str, tuple[int, ...]] = {}
        """The receivers that were opened in each container so far."""
        self._following = Following(runner or DirectRunner(None), self._report_container)
        self._images: dict[str, set[ImageName]] = {}
        """Those of each resource whose containers were arranged."""
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Keep streams equal to the containers that could be updated, without end; leaving closes them."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._following.begin(group)
            async for changed in self._store.watch(Resource, Runtime, aspects=_INPUTS):
                self.turn({name for _, name in changed.names})

    def turn(self, names: AbstractSet[str]) -> None:
        """One turn: close streams of containers that are gone, open those that are missing.

        Args:
            names: of the resources that changed.
        """
        state = self._store.snapshot()
        for name in names:
            resource = state.get(Resource, name)
            found = {
                target.container.id: target
                for target in (freshness.sync_targets(state, resource) if resource else ())
                if target.running and target.container.id
            }
            before = self._wanted.pop(name, {})
            for gone in before.keys() - found.keys():
                self._close(gone)
                self._processes.pop(gone, None)
            if found:
                self._wanted[name] = found
            for key, target in found.items():
                if key not in self._open:
                    self._begin(target)
            if found.keys() != before.keys():
                self._report(name)

    def follower_in(self, pod: Pod) -> Follower | None:
        """The helper in a pod that the one on this machine reaches; None where it reaches none."""
        return self._following.follower_in(pod)

    async def pass_on(self, targets: Iterable[SyncTarget], batch: Batch) -> list[Passed | None]:
        """Have the leader on this machine pass a batch on to all whom it reaches; None for the others.

        Each that it passes on is to be awaited, and then sent where that did not do, or given up.
        """
        opened = [self._open.get(target.container.id) for target in targets]
        return await pass_on([each.receiver if each is not None else None for each in opened], batch)

    async def send(self, target: SyncTarget, batch: Batch, log: Log, passed: Passed | None = None) -> Synced:
        """Send through the open stream; once more through a new one, should that have died of age.

        Args:
            target: the container.
            batch: what to do there.
            log: see `Receiver.update`.
            passed: the batch, where it was passed on already.

        Raises:
            SyncError: the container cannot be updated.
            UnreachableError: the cluster does not answer.
        """
        if passed is not None:
            try:
                return await passed.finish(log)
            except (SyncError, UnreachableError):
                if not passed.broken:
                    raise
        if target.container.id in self._open:
            receiver: Receiver | None = None
            try:
                receiver = await self._stream(target)
                return await receiver.update(batch, log)
            except (SyncError, UnreachableError):
                if receiver is not None and not receiver.broken:
                    raise  # it is in order: the same would come of it again
                self._close(target.container.id)
        try:
            return await (await self._stream(target)).update(batch, log)
        except (SyncError, UnreachableError):
            self._close(target.container.id)
            raise

    async def _stream(self, target: SyncTarget) -> Receiver:
        if target.container.id not in self._open:
            self._begin(target)
        return await asyncio.shield(self._open[target.container.id].stream)

    def _begin(self, target: SyncTarget) -> None:
        assert self._group is not None  # updates run while `run` does
        opened = _Open()
        self._open[target.container.id] = opened
        opened.task = self._group.create_task(self._hold(target, opened), name=f"stream {target.pod.name}")

    async def _hold(self, target: SyncTarget, opened: _Open) -> None:
        ref = ContainerRef(namespace=target.pod.namespace, pod=target.pod.name, container=target.container.name)
        try:
            async with self._open_receiver(ref, self._options(target)) as stream:
                opened.stream.set_result(stream)
                opened.receiver = stream
                if stream.pid:
                    key = target.container.id
                    self._processes[key] = (*self._processes.get(key, ()), stream.pid)
                self._report_container(target.container.id)
                began = time.monotonic()
                await stream.closed()
                opened.receiver = None
            self._reopen(target, opened, time.monotonic() - began)
            self._report_container(target.container.id)
        except (PytiltError, ExceptionGroup) as failure:
            problem = first_failure(failure) if isinstance(failure, ExceptionGroup) else failure
            if not isinstance(problem, PytiltError):
                raise
            opened.fail(problem)
            self._report_container(target.container.id)
        finally:
            opened.fail(SyncError(f"container {target.container.name} of pod {target.pod.name} is gone"))

    def _reopen(self, target: SyncTarget, opened: _Open, seconds: float) -> None:
        """Open a stream again that broke. One that broke at once is left to the next update."""
        key = target.container.id
        if self._open.get(key) is opened and seconds >= _STEADY_SECONDS:
            self._begin(target)

    def _report_container(self, key: str) -> None:
        for name, targets in self._wanted.items():
            if key in targets:
                self._report(name)

    def _report(self, name: str) -> None:
        """Write down what receives in each container of a resource."""
        targets = self._wanted.get(name, {})
        status = LiveUpdateStatus(containers=tuple(self._described(target) for target in targets.values()))
        before = self._store.get(LiveUpdateState, name)
        if not targets:
            self._store.delete(LiveUpdateState, name)
        elif before is None or before.status != status:
            self._store.put(replace(before or LiveUpdateState(name=name), status=status))
        self._arrange(name)

    def _arrange(self, name: str) -> None:
        """Have the containers of each image of a resource get together what all of them get."""
        images: dict[ImageName, dict[Receiver, SyncTarget]] = {}
        for key, target in self._wanted.get(name, {}).items():
            opened = self._open.get(key)
            if opened and opened.receiver and target.image.helper is not HelperMode.STREAM:
                images.setdefault(target.image.name, {})[opened.receiver] = target
        before = self._images.pop(name, set())
        if images:
            self._images[name] = set(images)
        for image in before | images.keys():
            self._following.arrange((name, image), images.get(image, {}))

    def _described(self, target: SyncTarget) -> LiveContainer:
        opened = self._open.get(target.container.id)
        receiver = opened.receiver if opened else None
        return LiveContainer(
            pod=target.pod.name,
            name=target.container.name,
            id=target.container.id,
            namespace=target.pod.namespace,
            way=receiver.way if receiver else None,
            reach=self._following.reach(receiver) if receiver else None,
            restarts=receiver.restarts if receiver else False,
            error=opened.error if opened else "",
        )

    def _options(self, target: SyncTarget) -> ReceiverOptions:
        """What is known of a container and its image."""
        image = self._store.get(ImageMap, target.image.name)
        syncs = target.rules.syncs if isinstance(target.rules, LiveUpdate) else ()
        places = [sync.remote.rstrip("/") or "/" for sync in syncs]
        cluster = self._store.get(ClusterState, "default")
        product = cluster.info.product if cluster and cluster.info else ""
        return ReceiverOptions(
            layer=image is not None and image.status.layered is not None,
            helper=target.image.helper is not HelperMode.OFF,
            places=tuple(dict.fromkeys((*places, *map(posixpath.dirname, places)))),
            far=product not in _NEAR,
            earlier=self._processes.get(target.container.id, ()),
        )

    def _close(self, key: str) -> None:
        opened = self._open.pop(key, None)
        if opened is not None and opened.task is not None:
            opened.task.cancel()
