"""Passing batches on: of many containers that lack the same, one helper gets it, and passes it on to the others.

The helper that passes on is the leader; those that it reaches over the network of the pods are its followers. Each of
them has its own stream all the same: whatever goes wrong between helpers, the batch goes there through that.

A leader is in one of the containers, and gets what it passes on anyway, or on this machine (`liveupdate.direct`).
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from pytilt.host.listening import PortListener
from pytilt.liveupdate.carrying import Carrier, Grant, Settle
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
"""More than this is not passed on at once: a leader keeps it until it has passed it on, a follower until it has it."""

_LARGEST_COPIES = 8 * 1024 * 1024
"""More than this is not sent to followers at the same time: the memory of the leader's container may be small."""


_MOST_FAILURES = 16
"""Of one batch that are kept: the first one is reported."""


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


def relayed_frames(packed: Frames, plan: SyncPlan) -> bytes:
    """The frames of a batch that is passed on."""
    deletions = b"".join(frames.delete(deletion.remote) for deletion in (*plan.deletions, *packed.vanished))
    return b"".join((packed.clearing, deletions, *(each for each in packed.content if isinstance(each, bytes))))


def relayed_parts(packed: Frames, plan: SyncPlan) -> list[list[bytes]] | None:
    """The frames of a batch in parts, each small enough to be passed on as a batch of its own.

    Returns:
        None where it cannot be passed on, or not in parts: the time of a directory is set when all is in it.
    """
    if any(not isinstance(each, bytes) or each.startswith(b"M") for each in packed.content):
        return None
    parts: list[list[bytes]] = [[]]
    size = 0
    deletions = (frames.delete(deletion.remote) for deletion in (*plan.deletions, *packed.vanished))
    for frame in (packed.clearing, *deletions, *(each for each in packed.content if isinstance(each, bytes))):
        if size + len(frame) > _LARGEST_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(frame)
        size += len(frame)
    return parts


def answer_seconds(size: int) -> float:
    """How long a follower may take to answer before it gets a batch of a size through its own stream.

    The batch has to reach the leader first.
    """
    return _ANSWER_SECONDS + size / _SLOWEST_BYTES


class RelayCall:
    """The containers that get one batch from one leader; if that is in a container, in one turn of the event loop."""

    def __init__(self) -> None:
        self.led = False
        """Does the leader bring the batch?"""
        self.closed = False
        """Has it sent it already?"""
        self.members: list[tuple[int, int]] = []
        """The followers that are to get it: number of each, and of the batch for it."""
        self._over = asyncio.Event()
        self._waiting: set[Follower] = set()
        self._limit: asyncio.TimerHandle | None = None

    def add(self, follower: "Follower", number: int) -> None:
        """Have a follower get it, too, as the batch of a number."""
        self.members.append((follower.number, number))

    def await_answer(self, follower: "Follower", seconds: float) -> None:
        """Give up a follower, and the others, that has not answered after a while."""
        self._waiting.add(follower)
        if self._limit is None:
            self._limit = asyncio.get_running_loop().call_later(seconds, self._expire)

    def end(self, follower: "Follower", *, answered: bool) -> None:
        """Wait no longer for a follower."""
        self._waiting.discard(follower)
        if not self._waiting and self._limit is not None:
            self._limit.cancel()
        if not (self._waiting and answered):
            self._over.set()

    async def over(self) -> None:
        """Wait until all have answered, or the leader has not brought it to one of them."""
        await self._over.wait()

    def _expire(self) -> None:
        for follower in tuple(self._waiting):
            follower.relay.give_up(follower)


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
        self._lost = asyncio.Event()
        self._number = 0
        """Of the batch that it is to acknowledge."""
        self._failed: list[Failed] = []
        self._call: RelayCall | None = None
        self._grants: list[Grant] = []
        self._result: asyncio.Future[list[Failed] | None] | None = None

    async def lost(self) -> None:
        """Wait until nothing is passed on to it any more."""
        await self._lost.wait()

    @property
    def reached(self) -> bool:
        """Does the leader reach it, as far as is known?"""
        return self.relay.knows(self) and self.joined.done() and self.joined.result()

    def expect(self, call: RelayCall, number: int, size: int) -> asyncio.Future[list[Failed] | None]:
        """Wait for what it says of the batch of a call, of which it is a member.

        Args:
            call: of the batch.
            number: of the batch, greater than those before it.
            size: of the batch, in bytes.

        Returns:
            What failed; None where it has to be sent to this one itself.
        """
        self._settle(None)  # of a batch that nobody waits for any more
        call.await_answer(self, answer_seconds(size))
        self._number, self._failed, self._call = number, [], call
        self._result = asyncio.get_running_loop().create_future()
        return self._result

    async def carried(self, call: RelayCall, number: int, size: int) -> list[Failed] | None:
        """Wait until a leader in a container has passed a batch on and it is carried out; see `expect`."""
        if call.closed or not self.reached:
            return None
        call.add(self, number)
        result = self.expect(call, number, size)
        await asyncio.sleep(0)  # the leader begins in this turn of the loop, or not at all
        if not call.led:
            call.members.remove((self.number, number))
            self._settle(None)
        return await result

    def grant(
        self, listener: PortListener, port: int, address: str = "", settle: Settle = lambda go: go()
    ) -> Grant | None:
        """Have connections from this machine carried to a port of its pod; see `Carrier.grant`."""
        carrier = self.relay.carrier if self.reached else None
        grant = carrier.grant(listener, self.number, port, address, settle) if carrier is not None else None
        if grant is not None:
            self._grants = [*(each for each in self._grants if each.holds), grant]
        return grant

    def take(self, answer: Answer) -> None:
        """Take what the leader says of it."""
        match answer:
            case Joined():
                if not self.joined.done():
                    self.joined.set_result(True)
            case Lost():
                self.relay.give_up(self)
            case Failed() if self._result is not None and len(self._failed) < _MOST_FAILURES:
                self._failed.append(answer)
            case Acknowledged(number=number) if number == self._number:
                self._settle(self._failed)

    def end(self) -> None:
        """Nothing is passed on any more."""
        if not self.joined.done():
            self.joined.set_result(False)
        self._settle(None)
        self._lost.set()
        for grant in self._grants:
            grant.revoke()

    def _settle(self, failed: list[Failed] | None) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.end(self, answered=failed is not None)
        if self._result is not None and not self._result.done():
            self._result.set_result(failed)


class Relay:
    """What a helper passes on to others.

    Args:
        write: has a leader on this machine read frames; None: it is in a container, and gets what it passes on anyway.
        carrier: grants port forwards to a leader on this machine.
    """

    def __init__(self, write: Callable[[bytes], None] | None = None, carrier: Carrier | None = None) -> None:
        self._write = write
        self.carrier = carrier
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

    @property
    def direct(self) -> bool:
        """Is the leader on this machine?"""
        return self._write is not None

    def pass_on(self, call: RelayCall, content: bytes) -> None:
        """Have the leader on this machine pass on the frames of a batch to those whom the call names."""
        assert self._write is not None  # else it is in a container
        self._write(b"".join((self._leaving(), frames.relay(call.members), content, frames.commit(0))))

    def _leaving(self) -> bytes:
        given_up, self._given_up = self._given_up, []
        return b"".join(map(frames.leave, given_up))

    async def beginning(self, call: RelayCall, size: int) -> bytes:
        """The frames with which a batch of a size begins that is passed on; empty where it is for nobody else."""
        if not (self._followers or self._given_up) or size * len(self._followers) > _LARGEST_COPIES:
            return b""
        call.led = True
        await asyncio.sleep(0)  # whoever is to get the same begins in this turn of the loop
        call.closed = True
        return self._leaving() + (frames.relay(call.members) if call.members else b"")

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


class Leader(Protocol):
    """A helper that passes batches on."""

    @property
    def relay(self) -> Relay:
        """What it passes on."""
        ...

    async def introduce(self, follower: Follower, key: bytes, address: str, seconds: float) -> None:
        """Have it reach a helper that listens at an address, and pass on to that what both get.

        Args:
            follower: the helper.
            key: that the helper has, too.
            address: `host:port`.
            seconds: how long it may take.
        """
        ...
