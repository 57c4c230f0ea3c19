"""Bytes to a server and back: over a Unix socket, over TCP, over TLS, through a proxy."""

import asyncio
import select
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

SocketOption = tuple[int, int, int]

PROTOCOLS = ["http/1.1"]
"""The protocol that TLS announces (ALPN)."""

CHUNK_BYTES = 65536
SECOND_ADDRESS_SECONDS = 0.25
"""When a host has several addresses, the next one is tried beside the first after so long (RFC 8305)."""


class BrokenWireError(ConnectionError):
    """The other side is gone, or has closed the wire where it should not."""


class Wire(Protocol):
    """An open connection as bytes, both ways; one task may send while another one receives."""

    async def send(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            BrokenWireError: the other side does not read any more.
        """

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            BrokenWireError: they did not end, the connection broke.
        """

    def end_sending(self) -> None:
        """Close the sending side; not over TLS, which cannot close one direction."""

    def silent(self) -> bool:
        """Does nothing wait to be received, not even the end?"""

    def close(self) -> None:
        """Close both directions at once."""


def second_address_seconds(host: str) -> float | None:
    """When to try the second address of a host beside the first; None: only once the first has failed.

    An address has no second one, and `localhost` refuses at once. Only for other names it is worth that Python may
    lose a socket when it is cancelled while it tries several.
    """
    is_address = ":" in host or host.replace(".", "").isdigit()
    return None if is_address or host == "localhost" else SECOND_ADDRESS_SECONDS


def unverified() -> ssl.SSLContext:
    """TLS for probes: they look at no certificate, as those of Kubernetes do not either."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def open_tcp(
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    name: str = "",
    options: Sequence[SocketOption] = (),
    ahead: int = CHUNK_BYTES,
) -> "StreamWire":
    """Connect over TCP.

    Args:
        host: name or address.
        port: of the server.
        tls: whom to trust and what to show; None: no TLS.
        name: the name that the certificate must have, if it is not the host's.
        options: for the socket.
        ahead: how many bytes may be received before somebody asks for them; what is beyond waits with the other side.

    Raises:
        OSError: nobody answers, or not as TLS demands.
    """
    if tls is not None:
        tls.set_alpn_protocols(PROTOCOLS)
    reader, writer = await asyncio.open_connection(
        host,
        port,
        ssl=tls,
        server_hostname=(name or host) if tls else None,
        happy_eyeballs_delay=second_address_seconds(host),
        limit=ahead,
    )
    try:
        for option in options:
            writer.get_extra_info("socket").setsockopt(*option)
    except OSError:
        writer.transport.abort()
        raise
    return StreamWire(reader, writer)


class SocketWire:
    """A `Wire` over a socket, which is used as it is: with fewer turns of the event loop than a transport takes.

    A server may answer and close before it has read all that it was sent. A transport of asyncio's closes at the first
    write that fails, and what had come by then would be lost.
    """

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, path: str) -> "SocketWire":
        """Connect to the socket at a path.

        Raises:
            OSError: nobody listens there, or not to this user.
        """
        return await cls._connect(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path)

    @classmethod
    async def open_address(cls, address: str, port: int) -> "SocketWire":
        """Connect over TCP to an IP address.

        Raises:
            OSError: nobody answers.
        """
        opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return await cls._connect(opened, (address, port))

    @classmethod
    async def _connect(cls, opened: socket.socket, address: str | tuple[str, int]) -> "SocketWire":
        try:
            opened.setblocking(False)
            await asyncio.get_running_loop().sock_connect(opened, address)
        except BaseException:
            opened.close()
            raise
        return cls(opened)

    async def send(self, data: bytes) -> None:
        """See `Wire.send`."""
        with _broken():
            await self._loop.sock_sendall(self._socket, data)

    async def receive(self) -> bytes:
        """See `Wire.receive`."""
        with _broken():
            data = await self._loop.sock_recv(self._socket, CHUNK_BYTES)
        if len(data) == CHUNK_BYTES:
            await asyncio.sleep(0)  # what is there at once is handed out without a turn of the loop
        return data

    def end_sending(self) -> None:
        """See `Wire.end_sending`."""
        self._socket.shutdown(socket.SHUT_WR)

    def silent(self) -> bool:
        """See `Wire.silent`."""
        return not _readable(self._socket.fileno())

    def close(self) -> None:
        """See `Wire.close`."""
        self._socket.close()


class StreamWire:
    """A `Wire` over TCP or TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        # `drain` then waits until all is written. With 0, one of TLS would wait for the next write even without need.
        writer.transport.set_write_buffer_limits(1)

    async def send(self, data: bytes) -> None:
        """See `Wire.send`."""
        with _broken():
            self._writer.write(data)
            await self._writer.drain()

    async def receive(self) -> bytes:
        """See `Wire.receive`."""
        with _broken():
            return await self._reader.read(CHUNK_BYTES)

    def end_sending(self) -> None:
        """See `Wire.end_sending`."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def silent(self) -> bool:
        """See `Wire.silent`."""
        return not (self._writer.is_closing() or _readable(self._writer.get_extra_info("socket").fileno()))

    def close(self) -> None:
        """See `Wire.close`."""
        self._writer.transport.abort()


def _readable(descriptor: int) -> bool:
    polled = select.poll()
    polled.register(descriptor, select.POLLIN)
    return bool(polled.poll(0))


@contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BrokenWireError(str(error)) from error
