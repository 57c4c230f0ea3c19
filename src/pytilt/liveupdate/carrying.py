"""Port forwards whose connections the helper on this machine accepts, and carries straight into pods.

The session grants it a listener, and does not accept there itself for as long as the grant holds: a request then takes
no time of its event loop. A grant ends when the session revokes it, when the helper cannot carry a connection, which it
gives back, and with the helper. What was accepted by then and is not carried comes back, unless the helper was killed.
"""

import asyncio
import contextlib
import select
import socket
import struct
from collections.abc import Callable, Sequence
from functools import partial

from pytilt.host.listening import PortListener, reset

_PATIENCE_SECONDS = 3.0
"""How long the helper may take to answer."""

_LOOK_SECONDS = 2.0
"""How often the session looks whether connections wait; where they do, it asks the helper whether it still runs."""

_GRANT, _REVOKE, _OVER, _CUT, _BACK, _ALIVE, _WAIT = b"grecbpw"

_GRANTED = struct.Struct(">BIIHI")
_SAID = struct.Struct(">BI")

Settle = Callable[[Callable[[], object]], object]
"""Calls what it is given, once what was saved before now is in the pod."""


class Grant:
    """Leave for the helper to accept connections, and to carry them to a port of a pod.

    Args:
        carrier: speaks with the helper.
        number: by which both know it.
        listener: whose connections they are.
        settle: says when each of them may go on.
    """

    def __init__(self, carrier: "Carrier", number: int, listener: PortListener, settle: Settle) -> None:
        self._carrier = carrier
        self.number = number
        self.listener = listener
        self._settle = settle
        self.holds = True
        """May the helper accept?"""
        self.over = False
        """Is nothing open any more, and does nothing come back?"""
        self._accepted = 0
        self.returned = 0
        """How many connections have come back?"""
        self._stopped = asyncio.Event()
        self._limit: asyncio.TimerHandle | None = None
        listener.pause()

    @property
    def carried(self) -> int:
        """How many connections the helper has accepted that have not come back."""
        return self._accepted - self.returned

    def wait(self, go: Callable[[], object]) -> None:
        """The helper has accepted a connection, which goes on when what was saved before is in the pod."""
        self._accepted += 1
        self._settle(go)

    def take_back(self, connections: Sequence[socket.socket]) -> None:
        """Take what the helper does not carry, and end the grant."""
        self.returned += len(connections)
        for each in connections:
            self.listener.take(each)
        self.revoke()

    def revoke(self) -> None:
        """Have the session accept again, at once; the helper accepts nothing more as soon as it has read that."""
        if self.holds:
            self.holds = False
            self._limit = self._carrier.revoke(self.number)
            self.listener.resume()

    async def stopped(self) -> None:
        """Wait until the helper accepts nothing more."""
        await self._stopped.wait()

    def cut(self) -> None:
        """Break what is open; the clients read an error."""
        self._carrier.cut(self.number)

    def stop(self) -> None:
        """The helper accepts nothing more."""
        if self._limit is not None:
            self._limit.cancel()
        self._stopped.set()
        if self.holds:
            self.holds = False
            self.listener.resume()


class Carrier:
    """The session's end of the socket by which it speaks of grants with one process of the helper.

    Args:
        patience: how long that may take to answer.
        look: how often it is looked whether it accepts.
    """

    def __init__(self, patience: float = _PATIENCE_SECONDS, look: float = _LOOK_SECONDS) -> None:
        self._patience = patience
        self._look = look
        self._channel, self._other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        self._kill: Callable[[], None] = lambda: None
        self._count = 0
        self._grants: dict[int, Grant] = {}
        self._next_look: asyncio.TimerHandle | None = None
        self._asked: asyncio.TimerHandle | None = None
        """Ends the helper unless it says before that it is well."""
        self.reads = False
        """Is what the helper says read?"""

    @property
    def descriptor(self) -> int:
        """The helper's end, which the process inherits."""
        return self._other_end.fileno()

    def begin(self, kill: Callable[[], None]) -> None:
        """Begin to read: the process has its own copy of its end now.

        Args:
            kill: ends the process, whatever it does.
        """
        self._other_end.close()
        self._kill = kill
        self.reads = True
        asyncio.get_running_loop().add_reader(self._channel.fileno(), self._read)

    def grant(
        self, listener: PortListener, follower: int, port: int, address: str = "", settle: Settle = lambda go: go()
    ) -> Grant | None:
        """Have connections accepted, and carried to a port of a pod; None where that is not possible just now.

        Args:
            listener: accepts them until now.
            follower: number of the helper in the pod.
            port: of the pod.
            address: `host:port` to which connections go first; empty: all go through the helper in the pod.
            settle: says when a connection may go on; asked for each.
        """
        self._count += 1
        message = _GRANTED.pack(_GRANT, self._count, follower, port, len(address)) + address.encode()
        try:
            socket.send_fds(self._channel, [message], list(listener.descriptors))
        except OSError:  # it has ended, or takes no more just now
            return None
        grant = self._grants[self._count] = Grant(self, self._count, listener, settle)
        if self._next_look is None:
            self._look_later()
        return grant

    def revoke(self, number: int) -> asyncio.TimerHandle:
        """Say that nothing more is to be accepted; for `Grant`. A helper that does not answer is ended."""
        if not self._say(_REVOKE, number):
            self._kill()
        return asyncio.get_running_loop().call_later(self._patience, self._kill)

    def cut(self, number: int) -> None:
        """Say that what is open is to be broken; for `Grant`."""
        self._say(_CUT, number)

    def close(self) -> None:
        """The process has ended, or was never started."""
        self._end()
        self._other_end.close()
        self._channel.close()

    def _say(self, kind: int, number: int) -> bool:
        with contextlib.suppress(OSError):
            self._channel.send(_SAID.pack(kind, number))
            return True
        return False

    def _read(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._channel, 64, 1)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        back = [socket.socket(fileno=each) for each in descriptors]
        if len(message) != _SAID.size:  # the end, or no helper
            self._end()
            self._kill()
            return
        kind, number = _SAID.unpack(message)
        grant = self._grants.get(number)
        if kind == _ALIVE and self._asked is not None:
            self._asked.cancel()
            self._asked = None
        if grant is None or kind != _BACK:
            for each in back:
                reset(each)
        if grant is not None:
            self._take(kind, grant, back)

    def _take(self, kind: int, grant: Grant, back: Sequence[socket.socket]) -> None:
        """Take what the helper says of a grant."""
        if kind == _WAIT:
            grant.wait(partial(self._say, _WAIT, grant.number))
        elif kind == _BACK:
            grant.take_back(back)
        elif kind == _REVOKE:
            grant.stop()
        elif kind == _OVER:
            grant.over = True
            del self._grants[grant.number]

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(self._look, self._look_for_waiting)

    def _look_for_waiting(self) -> None:
        """Ask a helper if it is well where connections wait; one that is stopped accepts none."""
        self._next_look = None
        held = [descriptor for each in self._grants.values() if each.holds for descriptor in each.listener.descriptors]
        if self._asked is None and _any_readable(held) and self._say(_ALIVE, 0):
            self._asked = asyncio.get_running_loop().call_later(self._patience, self._kill)
        if held:
            self._look_later()

    def _end(self) -> None:
        """The helper accepts nothing more."""
        if self.reads:
            self.reads = False
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
        for timer in (self._next_look, self._asked):
            if timer is not None:
                timer.cancel()
        grants, self._grants = self._grants, {}
        for each in grants.values():
            each.over = True
            each.stop()


def _any_readable(descriptors: Sequence[int]) -> bool:
    polled = select.poll()
    for each in descriptors:
        polled.register(each, select.POLLIN)
    return bool(polled.poll(0))
