"""Handing connections of port forwards over to the helper on this machine, which carries them straight into pods.

A connection that it takes over is its own from then on. One that it does not, or that it has not answered for when it
ends, is still the session's.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

_PATIENCE_SECONDS = 3.0
"""How long it may take to answer: it gives up sooner by itself, unless it was stopped."""

_CONNECTION = struct.Struct(">IIIH")
_GROUP = struct.Struct(">I")
_ANSWER = struct.Struct(">I?")


class Carrier:
    """The session's end of the socket by which one process of the helper is handed connections.

    Args:
        seconds: how long that may take to answer.
    """

    def __init__(self, seconds: float = _PATIENCE_SECONDS) -> None:
        self._seconds = seconds
        self._channel, self._other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        self._kill: Callable[[], None] = lambda: None
        self._count = 0
        self._asked: dict[int, tuple[int, asyncio.Future[bool]]] = {}
        """The group of each connection for which it has to answer, and whoever waits for that."""
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

    async def take_over(self, client: int, follower: int, port: int, group: int) -> bool:
        """Have a connection carried to a port of a pod; true when it is the helper's, which has its own copy of it.

        Args:
            client: the connection's descriptor, of which nothing has been read yet.
            follower: number of the helper in the pod.
            port: of the pod.
            group: by which it may be broken.
        """
        self._count += 1
        number = self._count
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            socket.send_fds(self._channel, [_CONNECTION.pack(number, follower, group, port)], [client])
        except OSError:  # it has ended, or takes no more just now
            return False
        self._asked[number] = group, answer
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(answer)
        except TimeoutError:
            self._kill()  # two must not carry the same connection
            return await answer
        except asyncio.CancelledError:
            answer.cancel()
            raise

    def cut(self, group: int) -> None:
        """Break the connections of a group; the clients read an error."""
        with contextlib.suppress(OSError):
            self._channel.send(_GROUP.pack(group))

    def close(self) -> None:
        """The process has ended, or was never started."""
        self._stop_reading()
        self._other_end.close()
        self._channel.close()
        asked, self._asked = self._asked, {}
        for _, answer in asked.values():
            if not answer.done():
                answer.set_result(False)

    def _read(self) -> None:
        try:
            message = self._channel.recv(64)
        except OSError:
            message = b""
        if len(message) != _ANSWER.size:  # the end, or no helper
            self._stop_reading()
            return
        number, taken = _ANSWER.unpack(message)
        group, answer = self._asked.pop(number, (0, None))
        if answer is not None and not answer.done():
            answer.set_result(taken)
        elif answer is not None and taken:  # nobody wants it any more
            self.cut(group)

    def _stop_reading(self) -> None:
        if self.reads:
            self.reads = False
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
