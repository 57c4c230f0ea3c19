"""Connections of port forwards that the helper on this machine carries, past the API server and the session.

It connects to ports of a pod as the kubelet does, from the pod's own localhost. Whether this user may is for the API
server to decide: only when a connection through that has been answered are others carried directly, and only for a
while.
"""

import time
from collections.abc import Callable
from typing import Protocol

from pytilt.model.base import Value
from pytilt.model.pods import Pod

AUTHORIZED_SECONDS = 600.0
"""How long it counts that the API server let a connection through to a pod."""


class PodHelper(Protocol):
    """The helper in a pod, which the one on this machine reaches: `liveupdate.relaying.Follower`."""

    async def connect(self, client: int, port: int, group: int) -> bool:
        """Have a connection, of which nothing was read, carried to a port; false: it is still the caller's."""
        ...

    def cut(self, group: int) -> None:
        """Break the connections of a group."""
        ...


class _Carried(Value):
    """The connections of one forward to one pod through one helper."""

    forward: str
    pod: str


class DirectForwards:
    """Has connections carried directly where that is possible and authorized.

    Args:
        find: the helper in a pod that can be reached; None where there is none.
        clock: the monotonic one.
    """

    def __init__(
        self, find: Callable[[Pod], PodHelper | None] = lambda _: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._find = find
        self.now = clock
        self._authorized: dict[str, float] = {}
        """Until when connections may go to a pod, by its uid."""
        self._groups: dict[tuple[_Carried, PodHelper], int] = {}
        self._count = 0

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

    def helper(self, pod: Pod) -> PodHelper | None:
        """The helper by which connections to a pod are carried; None where they go through the cluster."""
        if self._authorized.get(pod.uid, 0) <= self.now():
            return None
        return self._find(pod)

    async def carry(self, helper: PodHelper, forward: str, pod: Pod, port: int, client: int) -> bool:
        """Have a connection carried; true when it needs nobody here any more.

        Args:
            helper: the one in the pod.
            forward: name of the forward.
            pod: where it leads.
            port: of the pod.
            client: the connection's descriptor, of which nothing was read.
        """
        key = _Carried(forward=forward, pod=pod.name), helper
        if key not in self._groups:
            self._count += 1
            self._groups[key] = self._count
        return await helper.connect(client, port, self._groups[key])

    def cut(self, forward: str) -> None:
        """Break what is carried for a forward."""
        self.cut_unless(lambda name, _: name != forward)

    def cut_unless(self, wanted: Callable[[str, str], bool]) -> None:
        """Break what is carried for forwards to pods that are not wanted any more.

        Args:
            wanted: given the names of a forward and a pod, is that one to go on?
        """
        for (group, helper), number in tuple(self._groups.items()):
            if not wanted(group.forward, group.pod):
                helper.cut(number)
                del self._groups[group, helper]
