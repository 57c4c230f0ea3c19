import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace

from pytilt.cluster.seam import ContainerRef
from pytilt.liveupdate.receiver import Batch, Receiver, ReceiverOptions, Synced
from pytilt.liveupdate.relaying import Follower, Leader, Relay
from pytilt.loop.live_updates.receivers import Receivers
from pytilt.model.images import HelperMode
from pytilt.model.live_updates import Way
from pytilt.model.logs import Log
from pytilt.model.objects import Resource, Runtime, RuntimeState
from pytilt.model.pods import Container, ContainerState, Pod
from tests.idle import eventually, idle
from tests.loop.live_updates.sync_trial import Trial
from tests.loop.waiting import running


class Receiving:
    """A receiver that can only follow another one."""

    way, restarts, pid, broken = Way.LAYER, False, 0, True  # broken: as while it carries out an update

    def __init__(self) -> None:
        self.follows: tuple[Leader, str] | None = None
        self.relay = Relay()

    @property
    def leader(self) -> Leader:
        return self

    async def introduce(self, follower: Follower, key: bytes, address: str, seconds: float) -> None:
        raise NotImplementedError

    async def closed(self) -> None:
        await asyncio.Event().wait()

    async def follow(self, leader: Leader, host: str, taken: Sequence[int] = ()) -> Follower | None:
        del taken
        self.follows = leader, host
        return leader.relay.follower()

    def begin(self, batch: Batch) -> None:
        raise NotImplementedError

    async def update(self, batch: Batch, log: Log) -> Synced:
        raise NotImplementedError


class Opened:
    def __init__(self) -> None:
        self.by_pod: dict[str, Receiving] = {}

    @asynccontextmanager
    async def __call__(self, ref: ContainerRef, options: ReceiverOptions) -> AsyncIterator[Receiver]:
        del options
        self.by_pod[ref.pod] = Receiving()
        yield self.by_pod[ref.pod]

    def leaders(self) -> dict[str, str]:
        """Who follows whom."""
        names: dict[Leader, str] = {receiver: name for name, receiver in self.by_pod.items()}
        return {
            name: names[each.follows[0]]
            for name, each in self.by_pod.items()
            if each.follows and each.follows[0] in names
        }


def runtime(*names: str) -> Runtime:
    return Runtime(
        name="web",
        status=RuntimeState(
            pods=tuple(
                Pod(
                    name=name,
                    namespace="default",
                    uid=name,
                    created_at="",
                    phase="Running",
                    ip=f"10.0.0.{number}",
                    containers=(Container(name="web", image="img:1", id=name, state=ContainerState.RUNNING),),
                )
                for number, name in enumerate(names)
            )
        ),
    )


async def test_of_three_containers_of_an_image_one_leads(store, logs, tmp_path):
    Trial(store, logs, tmp_path)
    opened = Opened()
    async with running(Receivers(store, opened).run()):
        store.put(runtime("a", "b"))
        await eventually(lambda: {"a", "b"} <= opened.by_pod.keys())
        await idle()
        assert opened.leaders() == {}
        store.put(runtime("a", "b", "c"))
        await eventually(lambda: opened.leaders() == {"b": "a", "c": "a"})
        assert opened.by_pod["c"].follows == (opened.by_pod["a"], "10.0.0.2")
        del opened.by_pod["a"]
        store.put(runtime("b", "c", "d"))
        await eventually(lambda: opened.leaders() == {"c": "b", "d": "b"})


async def test_where_no_port_may_be_opened_all_have_their_streams(store, logs, tmp_path):
    Trial(store, logs, tmp_path)
    opened = Opened()
    web = store.get(Resource, "web")
    images = tuple(replace(image, helper=HelperMode.STREAM) for image in web.spec.images)
    store.put(replace(web, spec=replace(web.spec, images=images)))
    async with running(Receivers(store, opened).run()):
        store.put(runtime("a", "b", "c"))
        await eventually(lambda: {"a", "b", "c"} <= opened.by_pod.keys())
        await idle()
        assert opened.leaders() == {}
