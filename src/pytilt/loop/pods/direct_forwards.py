"""Port forwards whose connections the helper on this machine accepts and carries, past the API server and the session.

It connects to ports of a pod as the kubelet does, from the pod's own localhost. Whether this user may is for the API
server to decide: only when a connection through that has been answered is a forward granted to the helper, and only for
a while; then the next connection goes through the API server again.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from pytilt.host.listening import PortListener
from pytilt.model.pods import Pod

AUTHORIZED_SECONDS = 600.0
"""How long it counts that the API server let a connection through to a pod."""

TRIES = 3
"""So many grants in a row may bring nothing, all connections of each having come back, before the next one waits."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


class ForwardGrant(Protocol):
    """Leave for the helper on this machine to accept connections: `liveupdate.carrying.Grant`."""

    holds: bool
    """May the helper accept?"""
    over: bool
    """Is nothing open any more?"""
    returned: int
    """How many connections have come back?"""

    @property
    def carried(self) -> int:
        """How many were accepted that have not come back."""
        ...

    def revoke(self) -> None:
        """Have the session accept again."""
        ...

    async def stopped(self) -> None:
        """Wait until the helper accepts nothing more."""
        ...

    def cut(self) -> None:
        """Break what is open."""
        ...


Settle = Callable[[Callable[[], object]], object]
"""Calls what it is given, once what was saved before now is in the pod."""


class PodHelper(Protocol):
    """The helper in a pod, which the one on this machine reaches: `liveupdate.relaying.Follower`."""

    def grant(
        self, listener: PortListener, port: int, address: str = "", settle: Settle = lambda go: go()
    ) -> ForwardGrant | None:
        """Have connections accepted and carried to a port of its pod; None where that is not possible just now."""
        ...


class _Granted:
    """A grant of one forward, to one pod."""

    def __init__(
        self, forward: str, pod: Pod, port: int, helper: PodHelper, grant: ForwardGrant, seconds: float
    ) -> None:
        self.forward = forward
        self.pod = pod
        self.port = port
        self.helper = helper
        self.grant = grant
        self.judged = False
        """Is it known what it has brought?"""
        self._limit = asyncio.get_running_loop().call_later(seconds, grant.revoke)

    @property
    def counts(self) -> bool:
        """May the helper accept, or is something open?"""
        if self.grant.over:
            self._limit.cancel()
        return not self.grant.over

    @property
    def useless(self) -> bool:
        """Have connections come back, and none was carried?"""
        return not self.grant.holds and self.grant.returned > 0 and self.grant.carried == 0

    def end(self) -> None:
        """Have the session accept again, and break what is open."""
        self._limit.cancel()
        self.grant.revoke()
        self.grant.cut()


class _Failures:
    """The grants in a row of one forward that brought nothing.

    Args:
        helper: in the pod; another one may reach what this one could not.
        uid: of the pod.
        port: of the pod.
    """

    def __init__(self, helper: PodHelper, uid: str, port: int) -> None:
        self._leads_to = (helper, uid, port)
        self._count = 0
        self.until = 0.0
        """When it may be granted again, by the clock."""

    def are_of(self, helper: PodHelper, uid: str, port: int) -> bool:
        """Does the forward still lead there?"""
        return self._leads_to == (helper, uid, port)

    def add(self, now: float) -> None:
        """Another grant has brought nothing."""
        self._count += 1
        if self._count >= TRIES:
            self.until = now + min(FIRST_PAUSE_SECONDS * 2 ** (self._count - TRIES), LONGEST_PAUSE_SECONDS)


class DirectForwards:
    """Grants forwards to the helper on this machine where that is possible and authorized.

    Args:
        find: the helper in a pod that can be reached; None where there is none.
        clock: the monotonic one.
        plainly: do connections go to a pod's address first, as those do that the session carries?
    """

    def __init__(
        self,
        find: Callable[[Pod], PodHelper | None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        *,
        plainly: bool = False,
    ) -> None:
        self._find = find
        self._plainly = plainly
        self.now = clock
        self._authorized: dict[str, float] = {}
        """Until when connections may go to a pod, by its uid."""
        self._granted: list[_Granted] = []
        self._failures: dict[str, _Failures] = {}
        """By forward."""

    def authorize(self, pod: Pod, opened: float) -> None:
        """A connection to the pod was answered that the cluster let through.

        Args:
            pod: where it leads.
            opened: when it was asked for, by the clock.
        """
        if pod.uid not in self._authorized:
            now = self.now()
            self._authorized = {uid: until for uid, until in self._authorized.items() if until > now}
        self._authorized[pod.uid] = max(self._authorized.get(pod.uid, 0), opened + AUTHORIZED_SECONDS)

    def grant(
        self, forward: str, pod: Pod, port: int, listener: PortListener, settle: Settle = lambda go: go()
    ) -> None:
        """Grant a forward whose connections may be carried directly, unless it is granted already.

        Args:
            forward: its name.
            pod: where it leads.
            port: of the pod.
            listener: of the forward.
            settle: says when a connection may go on; asked for each.
        """
        self._judge()
        self._granted = [each for each in self._granted if each.counts]
        holds = any(each.grant.holds for each in self._granted if each.forward == forward)
        left = self._authorized.get(pod.uid, 0) - self.now()
        helper = self._find(pod) if left > 0 and not holds else None
        if helper is None or self._pauses(forward, helper, pod, port):
            return
        host = f"[{pod.ip}]" if ":" in pod.ip else pod.ip
        address = f"{host}:{port}" if self._plainly and host else ""
        grant = helper.grant(listener, port, address, settle)
        if grant is not None:
            self._granted.append(_Granted(forward, pod, port, helper, grant, left))

    def _judge(self) -> None:
        """Count, for each forward, the grants since the last that carried a connection of which all came back."""
        for each in self._granted:
            if not each.judged and each.useless:
                each.judged = True
                leads_to = (each.helper, each.pod.uid, each.port)
                failures = self._failures.get(each.forward)
                if failures is None or not failures.are_of(*leads_to):
                    failures = self._failures[each.forward] = _Failures(*leads_to)
                failures.add(self.now())
            elif each.grant.over and each.grant.carried:
                self._failures.pop(each.forward, None)

    def _pauses(self, forward: str, helper: PodHelper, pod: Pod, port: int) -> bool:
        """Is it too soon to try once more what brought nothing again and again?"""
        failures = self._failures.get(forward)
        return failures is not None and failures.are_of(helper, pod.uid, port) and self.now() < failures.until

    def revoke_unless(self, leads: Callable[[str, Pod, int], bool]) -> None:
        """Have the session accept again for forwards that lead elsewhere now.

        Args:
            leads: given the name of a forward, a pod, and a port of that, does it still lead there?
        """
        for each in self._granted:
            if each.grant.holds and not leads(each.forward, each.pod, each.port):
                each.grant.revoke()

    async def withdraw(self, forward: str) -> None:
        """Wait until nobody else accepts for a forward; what is open goes on."""
        for each in tuple(self._granted):
            if each.forward == forward:
                each.grant.revoke()
                await each.grant.stopped()

    def cut(self, forward: str) -> None:
        """Break what is carried for a forward that is declared no more."""
        self._failures.pop(forward, None)
        self.cut_unless(lambda name, _: name != forward)

    def cut_unless(self, wanted: Callable[[str, str], bool]) -> None:
        """Break what is carried for forwards to pods that are not wanted any more.

        Args:
            wanted: given the names of a forward and a pod, is that one to go on?
        """
        for each in tuple(self._granted):
            if not wanted(each.forward, each.pod.name):
                each.end()
                self._granted.remove(each)
