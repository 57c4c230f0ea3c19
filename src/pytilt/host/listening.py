"""A port of this machine that accepts connections, unless another process does so in its place."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable, Sequence

_BACKLOG = 128
"""So many connections wait until they are accepted, and so many are accepted in one turn of the event loop."""

_AGAIN_SECONDS = 1.0
"""When it is tried again to accept where the system had no room for another connection."""


class PortListener:
    """Accepts connections at a port, on all addresses of a host.

    Another process may have copies of its sockets, and accept in its place. Whatever nobody has accepted waits in the
    kernel until somebody does.

    Args:
        sockets: that are bound; they are closed with it.
        accepted: takes each connection.
    """

    def __init__(self, sockets: Sequence[socket.socket], accepted: Callable[[socket.socket], None]) -> None:
        self._sockets = tuple(sockets)
        self._accepted = accepted
        self._closed = False
        self._watched: set[socket.socket] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        for each in self._sockets:
            each.setblocking(False)
            each.listen(_BACKLOG)

    @classmethod
    async def open(cls, host: str, port: int, accepted: Callable[[socket.socket], None]) -> "PortListener":
        """Listen at a port, and accept.

        Raises:
            OSError: it is taken, or there is no such host.
        """
        # It binds as servers of asyncio do on every system, but these do not stop accepting without closing.
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
        try:
            listener = cls([socket.socket(fileno=os.dup(each.fileno())) for each in server.sockets], accepted)
        finally:
            server.close()
        listener.resume()
        return listener

    @property
    def descriptors(self) -> list[int]:
        """Those of its sockets."""
        return [each.fileno() for each in self._sockets]

    def pause(self) -> None:
        """Leave it to another process to accept."""
        for each in self._watched:
            asyncio.get_running_loop().remove_reader(each)
        self._watched.clear()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def resume(self) -> None:
        """Accept."""
        for each in self._sockets:
            if not self._closed and each not in self._watched:
                self._watched.add(each)
                asyncio.get_running_loop().add_reader(each, self._accept, each)

    def take(self, connection: socket.socket) -> None:
        """Take a connection that another process has accepted; one that comes too late is reset."""
        if self._closed:
            reset(connection)
            return
        connection.setblocking(False)
        self._accepted(connection)

    def close(self) -> None:
        """Accept nothing more, and close the sockets."""
        self.pause()
        self._closed = True
        for each in self._sockets:
            each.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_BACKLOG):
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # there is no room for another connection just now
                self.pause()
                self._timers.add(asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self.resume))
                return
            self.take(connection)


def reset(connection: socket.socket) -> None:
    """Close a connection so that the other side reads an error rather than an end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
