"""Passing batches on: of many containers that lack the same, one helper gets it, and passes it on to the others.

The helper that passes on is the leader; those that it reaches over the network of the pods are its followers. Each of
them has its own stream all the same: whatever goes wrong between helpers, the batch goes there through that.
"""

import asyncio
import contextlib

from pytilt.liveupdate.packing import Frames
from pytilt.liveupdate.planning import SyncPlan
from pytilt.synclet import frames
from pytilt.synclet.frames import Acknowledged, Answer, Failed, Joined, Lost

RELAYED_FROM = 3
"""So many containers of one image are worth it."""

JOIN_SECONDS = 5.0
"""How long two helpers may take to find each other."""

_ANSWER_SECONDS = 2.0
_SLOWEST_BYTES = 64 * 1024
"""Of a slow link, in a second."""

_LARGEST_BYTES = 512 * 1024
"""More than this is sent to each container: a leader keeps all of a batch until it has passed it on."""

_LARGEST_COPIES = 8 * 1024 * 1024
"""More than this is not sent to followers at the same time: the memory of the leader's container may be small."""


def relayed_size(packed: Frames, plan: SyncPlan) -> int | None:
    """How many bytes are passed on at most; None where a batch cannot be passed on.

    Large files are compared with what is in each container.
    """
    size = len(packed.clearing)
    for content in packed.content:
        if not isinstance(content, bytes):
            return None
        size += len(content)
    # A head of 5 bytes, and up to 4 for a character.
    size += sum(5 + 4 * len(deletion.remote) for deletion in (*plan.deletions, *packed.vanished))
    return size if size <= _LARGEST_BYTES else None


def answer_seconds(size: int) -> float:
    """How long a follower may take to answer before it gets a batch of a size through its own stream.

    The batch has to reach the leader first.
    """
    return _ANSWER_SECONDS + size / _SLOWEST_BYTES


class RelayCall:
    """Where the containers of one batch that one leader can reach meet, in one turn of the event loop."""

    def __init__(self) -> None:
        self.led = False
        """Does the leader bring the batch?"""
        self.closed = False
        """Has it sent it already?"""
        self.members: list[tuple[int, int]] = []
        """The followers that are to get it: number of each, and of the batch for it."""


class Follower:
    """A helper to which another one passes on batches.

    Args:
        relay: of the leader.
        number: by which the leader knows it.
    """

    def __init__(self, relay: "Relay", number: int) -> None:
        self.relay = relay
        self.number = number
        self.joined: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Have the two found each other?"""
        self._answers: asyncio.Queue[Answer | None] = asyncio.Queue()

    @property
    def reached(self) -> bool:
        """Does the leader reach it, as far as is known?"""
        return self.relay.knows(self) and self.joined.done() and self.joined.result()

    async def carried(self, call: RelayCall, number: int, size: int) -> list[Failed] | None:
        """Wait until the leader has passed a batch on and it is carried out.

        Args:
            call: of the batch.
            number: of the batch, greater than those before it.
            size: of the batch, in bytes.

        Returns:
            What failed; None where it has to be sent to this one itself.
        """
        if call.closed or not self.reached:
            return None
        member = (self.number, number)
        call.members.append(member)
        await asyncio.sleep(0)  # the leader begins in this turn of the loop, or not at all
        if not call.led:
            call.members.remove(member)
            return None
        failed: list[Failed] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(answer_seconds(size)):
                while (answer := await self._answers.get()) is not None:
                    if isinstance(answer, Failed):
                        failed.append(answer)
                    elif isinstance(answer, Acknowledged) and answer.number == number:
                        return failed
        self.relay.give_up(self)
        return None

    def take(self, answer: Answer) -> None:
        """Take what the leader says of it."""
        match answer:
            case Joined():
                if not self.joined.done():
                    self.joined.set_result(True)
            case Lost():
                self.relay.give_up(self)
            case _:
                self._answers.put_nowait(answer)

    def end(self) -> None:
        """Nothing is passed on any more."""
        if not self.joined.done():
            self.joined.set_result(False)
        self._answers.put_nowait(None)


class Relay:
    """What a helper passes on to others."""

    def __init__(self) -> None:
        self._followers: dict[int, Follower] = {}
        self._count = 0
        self._given_up: list[int] = []
        """Followers of which the helper does not know yet that they are none any more."""

    def follower(self) -> Follower:
        """A new one, with a number that none had before."""
        self._count += 1
        follower = self._followers[self._count] = Follower(self, self._count)
        return follower

    def knows(self, follower: Follower) -> bool:
        """Is it still one?"""
        return self._followers.get(follower.number) is follower

    async def beginning(self, call: RelayCall, size: int) -> bytes:
        """The frames with which a batch of a size begins that is passed on; empty where it is for nobody else."""
        if not (self._followers or self._given_up) or size * len(self._followers) > _LARGEST_COPIES:
            return b""
        call.led = True
        await asyncio.sleep(0)  # whoever is to get the same begins in this turn of the loop
        call.closed = True
        given_up, self._given_up = self._given_up, []
        return b"".join(map(frames.leave, given_up)) + (frames.relay(call.members) if call.members else b"")

    def take(self, number: int, answer: Answer) -> None:
        """Take what a follower says."""
        if number in self._followers:
            self._followers[number].take(answer)

    def give_up(self, follower: Follower) -> None:
        """Pass nothing on to one any more."""
        if self.knows(follower):
            del self._followers[follower.number]
            self._given_up.append(follower.number)
            follower.end()

    def end(self) -> None:
        """The helper is gone."""
        for follower in tuple(self._followers.values()):
            self.give_up(follower)
