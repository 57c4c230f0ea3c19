import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pytilt.liveupdate.receiver import Batch, Receiver, Synced
from pytilt.liveupdate.relaying import Follower, Leader, Relay
from pytilt.loop.live_updates.following import Following, RetryLimits
from pytilt.loop.planning.freshness import SyncTarget
from pytilt.model.images import DockerBuild, Image, LiveUpdate
from pytilt.model.live_updates import Reach, Way
from pytilt.model.logs import Log
from pytilt.model.names import ImageName
from pytilt.model.pods import Container, ContainerState, Pod
from tests.idle import eventually


class Leading:
    """The leader on this machine."""

    def __init__(self) -> None:
        self.relay = Relay(lambda _: None)

    async def introduce(self, follower: Follower, key: bytes, address: str, seconds: float) -> None:
        raise NotImplementedError


class Sending:
    """Runs the leader on this machine.

    Args:
        addresses: those that it reaches.
    """

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.leading: Leading | None = Leading()

    async def reaches(self, address: str) -> bool:
        return address in self.addresses

    async def leader(self) -> Leader | None:
        return self.leading

    async def run(self) -> None:
        return


class Receiving(Leading):
    """The helper in a container, which follows whom it is to follow while `can` is true."""

    way, restarts, pid, broken = Way.LAYER, False, 0, False

    def __init__(self, name: str) -> None:
        self.name, self.relay, self.can = name, Relay(), True
        self.tries: list[tuple[Leader, str, Sequence[int]]] = []
        self.follower: Follower | None = None

    @property
    def leader(self) -> Leader:
        return self

    async def closed(self) -> None:
        raise NotImplementedError

    async def follow(self, leader: Leader, host: str, taken: Sequence[int] = ()) -> Follower | None:
        self.tries.append((leader, host, taken))
        self.follower = leader.relay.follower() if self.can else None
        return self.follower

    def begin(self, batch: Batch) -> None:
        raise NotImplementedError

    async def update(self, batch: Batch, log: Log) -> Synced:
        raise NotImplementedError

    def lose(self) -> None:
        """Its connection to the leader breaks."""
        assert self.follower
        self.follower.relay.give_up(self.follower)


class Containers:
    """Three containers of an image; the address of each is its name's."""

    def __init__(self, sending: Sending) -> None:
        self.sending = sending
        self.changed: list[str] = []
        self.following = Following(sending, self._changed, RetryLimits(first=0.001, most=0.001))
        self.a, self.b, self.c = Receiving("a"), Receiving("b"), Receiving("c")
        self.present: dict[Receiver, SyncTarget] = {each: target(each.name) for each in (self.a, self.b, self.c)}

    @asynccontextmanager
    async def arranged(self) -> AsyncIterator[None]:
        """They are there for as long as the block runs."""
        async with asyncio.TaskGroup() as group:
            self.following.begin(group)
            self.arrange()
            yield
            self.present.clear()
            self.arrange()

    async def come_to(self, *reaches: Reach) -> None:
        await eventually(lambda: self.reaches() == list(reaches))

    def _changed(self, name: str) -> None:
        self.changed.append(name)
        self.arrange()

    def arrange(self) -> None:
        self.following.arrange("image", self.present)

    def reaches(self) -> list[Reach]:
        return [self.following.reach(each) for each in (self.a, self.b, self.c)]


def target(name: str) -> SyncTarget:
    container = Container(name="web", image="img:1", id=name, state=ContainerState.RUNNING, ports=(8000, 61234))
    pod = Pod(name=name, namespace="default", uid=name, created_at="", ip=name, containers=(container,))
    return SyncTarget(image=IMAGE, rules=LiveUpdate(), pod=pod, container=container)


IMAGE = Image(name=ImageName("web"), build=DockerBuild(context="/"))


async def test_what_this_machine_reaches_is_led_from_there_however_few_they_are():
    containers = Containers(Sending("a", "b"))
    del containers.present[containers.c]
    async with containers.arranged():
        await containers.come_to(Reach.DIRECT, Reach.DIRECT, Reach.STREAM)
        assert containers.a.tries == [(containers.sending.leading, "a", (8000, 61234))]
        assert sorted(containers.changed) == ["a", "b"]


async def test_those_that_it_does_not_reach_have_a_leader_among_themselves():
    containers = Containers(Sending())
    async with containers.arranged():
        await containers.come_to(Reach.STREAM, Reach.RELAY, Reach.RELAY)
        assert [tries[0] for tries in (*containers.b.tries, *containers.c.tries)] == [containers.a] * 2


async def test_fewer_than_three_that_it_does_not_reach_have_their_streams():
    containers = Containers(Sending("a"))
    async with containers.arranged():
        await containers.come_to(Reach.DIRECT, Reach.STREAM, Reach.STREAM)
        assert not containers.b.tries


async def test_one_that_is_lost_is_reached_again():
    containers = Containers(Sending("a", "b", "c"))
    async with containers.arranged():
        await containers.come_to(*[Reach.DIRECT] * 3)
        containers.b.lose()
        await containers.come_to(Reach.DIRECT, Reach.STREAM, Reach.DIRECT)
        await containers.come_to(*[Reach.DIRECT] * 3)
        assert len(containers.b.tries) == 2


async def test_the_helper_in_a_pod_is_found_while_it_is_reached_from_this_machine():
    containers = Containers(Sending("b"))
    pods = {name: target(name).pod for name in "abc"}
    async with containers.arranged():
        await containers.come_to(Reach.STREAM, Reach.DIRECT, Reach.STREAM)
        assert containers.following.follower_in(pods["b"]) is containers.b.follower
        assert containers.following.follower_in(pods["a"]) is None
        containers.sending.leading = None
        containers.b.lose()
        await containers.come_to(*[Reach.STREAM] * 3)
        assert containers.following.follower_in(pods["b"]) is None


async def test_one_that_lost_a_leader_among_containers_follows_it_again():
    containers = Containers(Sending())
    async with containers.arranged():
        await containers.come_to(Reach.STREAM, Reach.RELAY, Reach.RELAY)
        containers.c.lose()
        await containers.come_to(Reach.STREAM, Reach.RELAY, Reach.STREAM)
        await containers.come_to(Reach.STREAM, Reach.RELAY, Reach.RELAY)


async def test_without_a_leader_that_is_gone_another_one_leads():
    containers = Containers(Sending())
    async with containers.arranged():
        await containers.come_to(Reach.STREAM, Reach.RELAY, Reach.RELAY)
        del containers.present[containers.a]
        other = Receiving("d")
        containers.present[other] = target("d")
        containers.a.relay.end()
        containers.arrange()
        await eventually(lambda: containers.following.reach(other) is Reach.RELAY)
        await containers.come_to(Reach.STREAM, Reach.STREAM, Reach.RELAY)
        assert other.tries[-1][0] is containers.b


async def test_those_that_answer_wrongly_at_their_address_have_a_leader_among_themselves_until_they_answer():
    containers = Containers(Sending("a", "b", "c"))
    containers.sending.leading = None
    async with containers.arranged():
        await containers.come_to(Reach.STREAM, Reach.RELAY, Reach.RELAY)
        containers.sending.leading = Leading()
        await containers.come_to(*[Reach.DIRECT] * 3)
        await containers.come_to(*[Reach.DIRECT] * 3)
        assert containers.b.tries[-1][0] is containers.sending.leading
