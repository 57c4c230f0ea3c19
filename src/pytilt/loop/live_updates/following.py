"""Which helper passes on to which: the one on this machine to all that it reaches, of the others one to the rest."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable, Mapping
from typing import Protocol

from pytilt.liveupdate.receiver import Receiver
from pytilt.liveupdate.relaying import RELAYED_FROM, Follower, Leader
from pytilt.loop.planning.freshness import SyncTarget
from pytilt.model.base import Value
from pytilt.model.live_updates import Reach
from pytilt.model.pods import Pod


class RetryLimits(Value):
    """When it is tried again to reach a helper."""

    first: float = 0.5
    most: float = 60.0


class LeaderRunner(Protocol):
    """Runs a leader on this machine: `liveupdate.direct.DirectRunner`."""

    async def reaches(self, address: str) -> bool:
        """May what listens at an address be one of the helpers in containers?"""
        ...

    async def leader(self) -> Leader | None:
        """The leader that runs now; None where there is none."""
        ...

    async def run(self) -> None:
        """Run it for as long as it is needed."""
        ...


class Following:
    """Has receivers get what they share from a leader. One that loses its leader follows again, after a while.

    Args:
        runner: runs the leader on this machine.
        changed: called with the id of a container that is reached on another way from now on.
        retry: when it is tried again.
    """

    def __init__(self, runner: LeaderRunner, changed: Callable[[str], None], retry: RetryLimits | None = None) -> None:
        self._runner = runner
        self._changed = changed
        self._retry = retry or RetryLimits()
        self._groups: dict[Hashable, dict[Receiver, _Member]] = {}
        self._leaders: dict[Hashable, Receiver] = {}
        self._tasks: asyncio.TaskGroup | None = None

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to work in a group of tasks, which ends all that is begun."""
        self._tasks = tasks
        self._start(self._runner.run(), "direct runner")

    def reach(self, receiver: Receiver) -> Reach:
        """On which way changes come to a receiver."""
        found = (members[receiver].reach for members in self._groups.values() if receiver in members)
        return next(found, Reach.STREAM)

    def follower_in(self, pod: Pod) -> Follower | None:
        """The helper in a pod that the one on this machine reaches; None where it reaches none."""
        members = (member for members in self._groups.values() for member in members.values())
        return next(
            (member.directly for member in members if member.directly and member.target.pod.uid == pod.uid), None
        )

    def arrange(self, group: Hashable, present: Mapping[Receiver, SyncTarget]) -> None:
        """Take the open receivers of containers that get the same, and what each is in; none: the group is gone."""
        members = self._groups.setdefault(group, {})
        for receiver, member in tuple(members.items()):
            if receiver not in present or present[receiver].pod.ip != member.target.pod.ip:
                members.pop(receiver).end()
        for receiver, target in present.items():
            if receiver not in members and receiver.leader is not None:
                member = members[receiver] = _Member(target, receiver)
                member.tasks.append(self._start(self._reach_directly(member), f"reach {target.pod.name}"))
        self._lead(group, members)
        if not members:
            del self._groups[group]

    def _lead(self, group: Hashable, members: Mapping[Receiver, "_Member"]) -> None:
        """Have one of the members that are not reached directly pass on to the others of them."""
        rest = [member for member in members.values() if member.direct is False]
        leads = self._leaders.pop(group, None)
        if len(rest) >= RELAYED_FROM:
            receivers = [member.receiver for member in rest]
            leads = self._leaders[group] = leads if leads in receivers else receivers[0]
        else:
            leads = None
        for member in members.values():
            follows = (
                leads is not None and member in rest and member.receiver is not leads and bool(member.target.pod.ip)
            )
            if member.led_by(leads.leader if leads is not None and follows else None):
                member.tasks.append(self._start(self._follow(member), f"relay to {member.target.pod.name}"))

    async def _reach_directly(self, member: "_Member") -> None:
        """Have the leader on this machine pass on to a member, for as long as that is there."""
        if not await self._runner.reaches(member.target.pod.ip):
            self._settle(member, direct=False)
            return
        back_off = _BackOff(self._retry)
        while True:
            leader = await self._runner.leader()
            follower = await member.follow(leader) if leader is not None else None
            if follower is not None:
                member.directly = follower
                self._settle(member, direct=True, reach=Reach.DIRECT)
                await follower.lost()
                member.directly = None
                self._settle(member, direct=None)
            elif member.direct is None:
                self._settle(member, direct=False)
            await back_off.wait()

    async def _follow(self, member: "_Member") -> None:
        """Have a leader in another container pass on to a member, for as long as there is to be one."""
        back_off = _BackOff(self._retry)
        while (leader := member.leader) is not None:
            follower = await member.follow(leader)
            if follower is not None:
                member.follower = follower
                if member.leader is not leader:  # it was replaced meanwhile
                    leader.relay.give_up(follower)
                    continue
                self._settle(member, direct=False, reach=Reach.RELAY)
                await follower.lost()
                if member.direct is False:
                    self._settle(member, direct=False)
            await back_off.wait()
        member.following = False

    def _settle(self, member: "_Member", *, direct: bool | None, reach: Reach = Reach.STREAM) -> None:
        member.direct, member.reach = direct, reach
        self._changed(member.target.container.id)

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        assert self._tasks is not None  # containers are found while `Receivers.run` runs
        return self._tasks.create_task(work, name=name)


class _Member:
    """A container whose receiver may follow a leader."""

    def __init__(self, target: SyncTarget, receiver: Receiver) -> None:
        self.target = target
        self.receiver = receiver
        self.direct: bool | None = None
        """Does the helper on this machine reach it? None: that is not known yet, or it was lost just now."""
        self.directly: Follower | None = None
        """What the helper on this machine reaches."""
        self.reach = Reach.STREAM
        self.leader: Leader | None = None
        """The one in another container that it is to follow."""
        self.follower: Follower | None = None
        self.following = False
        """Does a task care for that?"""
        self.tasks: list[asyncio.Task[None]] = []

    async def follow(self, leader: Leader) -> Follower | None:
        """Have its receiver follow a leader."""
        ports = (port for container in self.target.pod.containers for port in container.ports)
        return await self.receiver.follow(leader, self.target.pod.ip, tuple(dict.fromkeys(ports)))

    def led_by(self, leader: Leader | None) -> bool:
        """Have it follow a leader in another container, or none; returns whether a task is to be started for that."""
        if leader is not self.leader and self.follower is not None:
            self.follower.relay.give_up(self.follower)
        self.leader = leader
        begins = leader is not None and not self.following
        self.following = self.following or begins
        return begins

    def end(self) -> None:
        """It is gone, or its receiver is."""
        self.leader = None
        for task in self.tasks:
            task.cancel()


class _BackOff:
    """Waits longer time after time, until there was nothing to wait for in a long time."""

    def __init__(self, retry: RetryLimits) -> None:
        self._retry = retry
        self._seconds = retry.first
        self._waited = time.monotonic()

    async def wait(self) -> None:
        """Wait until it is worth another try."""
        if time.monotonic() - self._waited > self._retry.most:
            self._seconds = self._retry.first
        await asyncio.sleep(self._seconds)
        self._seconds = min(2 * self._seconds, self._retry.most)
        self._waited = time.monotonic()
