"""Images that somebody has removed: noticed by the pods that miss them, and published again."""

import asyncio
import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

from pytilt.errors import PytiltError
from pytilt.loop.apply.repairs import Repair, Repairs, repair_log
from pytilt.loop.images.imaging import Imaging
from pytilt.loop.pods.pod_lookup import POD_ASPECTS
from pytilt.model.base import Value
from pytilt.model.images import Delivery
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName
from pytilt.model.objects import ClusterState, Resource, Runtime
from pytilt.model.pods import ContainerState
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

MISSED = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"})
"""Why a container waits whose image the node does not find."""


class MissedImage(Value):
    """A container that waits for an image."""

    pod: str
    """Its uid."""
    container: str
    image: str
    reason: str


class LostImages:
    """Has images that pods miss published again, where they were published and are not there any more.

    Args:
        store: the session's objects.
        logs: takes what was noticed.
        imaging: knows what was published, and whether it is still there.
        repair: asks for the repair of a resource.
        clock: seconds that only count up.
    """

    def __init__(
        self,
        store: Store,
        logs: LogStore,
        imaging: Imaging,
        repair: Repair,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._logs = logs
        self._imaging = imaging
        self._repair = repair
        self._asked: dict[str, frozenset[tuple[str, str]]] = {}
        """Of each resource the pods and containers about which was asked already."""
        self._repairs = Repairs[str](clock)

    async def run(self) -> None:
        """Look at every container that waits for its image, without end."""
        async with asyncio.TaskGroup() as group:
            async for changed in self._store.watch(Resource, Runtime, aspects={Resource: _asked_about, **POD_ASPECTS}):
                for name in {name for _, name in changed.names}:
                    if missed := self._newly_missed(name):
                        group.create_task(self._ask(ResourceName(name), missed), name=f"lost images of {name}")

    def _newly_missed(self, name: str) -> tuple[MissedImage, ...]:
        resource = self._store.get(Resource, name)
        if resource is None or not resource.enabled or not resource.spec.images or resource.status.busy:
            return ()
        missed = tuple(self._missed(name))
        before, present = self._asked.pop(name, frozenset()), frozenset((each.pod, each.container) for each in missed)
        if present:
            self._asked[name] = present
        return tuple(each for each in missed if (each.pod, each.container) not in before)

    def _missed(self, name: str) -> Iterator[MissedImage]:
        runtime = self._store.get(Runtime, name)
        for pod in runtime.status.pods if runtime else ():
            for each in pod.containers if not pod.deleting else ():
                if each.state is ContainerState.WAITING and each.reason in MISSED:
                    yield MissedImage(pod=pod.uid, container=each.name, image=each.image, reason=each.reason)

    async def _ask(self, name: ResourceName, missed: tuple[MissedImage, ...]) -> None:
        """Find out whether the images are gone; a registry that a node may not ask has them, for example."""
        cluster, resource = self._store.get(ClusterState, "default"), self._store.get(Resource, name)
        if cluster is None or cluster.info is None or resource is None:
            return
        references: AbstractSet[str] = {each.image for each in missed}
        try:
            lost = await self._imaging.lost(resource, cluster.info, references)
        except PytiltError:
            return  # the row says already that its pod does not start
        if not lost:
            return
        span, reason = repair_log(self._logs, name), missed[0].reason
        loaded = self._imaging.delivery(cluster.info) is Delivery.KIND_LOAD
        why = "is not on every node" if loaded else "was removed by somebody else"
        what = f"image {', '.join(lost)} {why} ({reason})"
        if self._repairs.exhausted(name):
            span(f"{what}, again and again; it is left so\nhint: find out what removes it\n", level=Level.WARN)
            return
        how = "it is published" if resource.spec.trigger_mode.auto else f"`tilt trigger {name}` publishes it"
        span(f"{what}; {how} again\n", level=Level.WARN)
        self._repair(name, what, False)


def _asked_about(resource: Resource) -> object:
    images = resource.spec.images
    return images and (resource.enabled, images, resource.status.busy)
