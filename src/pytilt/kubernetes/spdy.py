"""SPDY/3.1 as far as port forwards need it: many streams over one connection, each opened without a round trip.

Source: the SPDY protocol, draft 3.1, sections 2.2 and 2.6. Flow control is left out, as in the servers of Kubernetes.
"""

import asyncio
import struct
import zlib
from collections.abc import Mapping
from typing import Protocol

from pytilt.errors import ClusterUnreachableError

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(struct.pack("!I", len(word)) + word.replace("_", " ").encode() for word in _WORDS.split())
DICTIONARY += _TAIL.encode()
"""What both sides compress headers with from the start: 50 names and values with their lengths, then plain text."""

_VERSION = 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY = 1, 2, 3, 6, 7
_FIN = 1
_CANCEL = 5
_CONTROL = 0x80000000
_HEAD_BYTES = 8
_MAX_DATA_BYTES = 32768
"""Of one frame: long ones would keep short ones of other streams waiting."""


class Wire(Protocol):
    """A connection that carries bytes both ways, in pieces of any size."""

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes."""
        ...

    async def receive_bytes(self) -> bytes:
        """The next bytes.

        Raises:
            EOFError: the connection was closed.
        """
        ...


class SpdyStream:
    """One stream: bytes both ways, each way ended by itself."""

    def __init__(self, connection: "SpdyConnection", number: int) -> None:
        self._connection = connection
        self._number = number
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._ended = False
        self._finished = False

    async def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        for start in range(0, len(data), _MAX_DATA_BYTES):
            await self._connection.send_data(self._number, data[start : start + _MAX_DATA_BYTES])

    async def finish(self) -> None:
        """Say that nothing more will be sent."""
        if not self._finished:
            self._finished = True
            await self._connection.send_data(self._number, b"", flags=_FIN)

    async def receive(self) -> bytes:
        """The next bytes, empty at the end."""
        if self._ended:
            return b""
        data = await self._arrived.get()
        self._ended = not data
        return data

    async def close(self) -> None:
        """Give the stream up, whatever is still on its way."""
        await self._connection.forget(self._number, cancel=not (self._ended and self._finished))

    def arrived(self, data: bytes) -> None:
        """Bytes came from the other side; none: it has ended."""
        self._arrived.put_nowait(data)


class SpdyConnection:
    """The client's side of a connection.

    Args:
        wire: carries the frames.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._streams: dict[int, SpdyStream] = {}
        self._next = 1
        self._buffer = bytearray()
        self._sending = asyncio.Lock()
        self.closed = False
        """Has the other side closed it, so that no stream can be opened any more?"""

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    async def run(self) -> None:
        """Take what comes until the connection is closed; then every stream has ended."""
        try:
            while not self.closed:
                self._buffer += await self._wire.receive_bytes()
                await self._take_frames()
        except EOFError:
            pass
        finally:
            self.closed = True
            for stream in self._streams.values():
                stream.arrived(b"")

    async def open(self, headers: Mapping[str, str]) -> SpdyStream:
        """Open a stream; what is refused ends at once.

        Args:
            headers: names in lower case.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        number, self._next = self._next, self._next + 2
        stream = self._streams[number] = SpdyStream(self, number)
        # The lock is fair, so that no header overtakes another: the state of the compressor is part of the wire.
        payload = struct.pack("!IIH", number, 0, 0) + self._compressed(headers)
        await self._send(struct.pack("!I", _CONTROL | _VERSION << 16 | _SYN_STREAM), 0, payload)
        return stream

    async def send_data(self, number: int, data: bytes, *, flags: int = 0) -> None:
        """Send a data frame of a stream."""
        await self._send(struct.pack("!I", number), flags, data)

    async def forget(self, number: int, *, cancel: bool) -> None:
        """Take no more of a stream; tell the other side if it does not know."""
        known = self._streams.pop(number, None)
        if cancel and known is not None and not self.closed:
            payload = struct.pack("!II", number, _CANCEL)
            await self._send(struct.pack("!I", _CONTROL | _VERSION << 16 | _RST_STREAM), 0, payload)

    async def _send(self, head: bytes, flags: int, payload: bytes) -> None:
        async with self._sending:
            if self.closed:
                raise ClusterUnreachableError("the connection to the cluster is closed")
            await self._wire.send_bytes(head + struct.pack("!I", flags << 24 | len(payload)) + payload)

    async def _take_frames(self) -> None:
        while len(self._buffer) >= _HEAD_BYTES:
            head, rest = struct.unpack_from("!II", self._buffer)
            flags, size = rest >> 24, rest & 0xFFFFFF
            if len(self._buffer) < _HEAD_BYTES + size:
                return
            payload = bytes(self._buffer[_HEAD_BYTES : _HEAD_BYTES + size])
            del self._buffer[: _HEAD_BYTES + size]
            if head & _CONTROL:
                await self._take_control(head & 0xFFFF, flags, payload)
            else:
                self._take_data(head, flags, payload)

    def _take_data(self, number: int, flags: int, payload: bytes) -> None:
        stream = self._streams.get(number)
        if stream is not None:
            if payload:
                stream.arrived(payload)
            if flags & _FIN:
                stream.arrived(b"")

    async def _take_control(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == _PING:
            await self._send(struct.pack("!I", _CONTROL | _VERSION << 16 | _PING), 0, payload)
        elif kind == _GOAWAY:
            self.closed = True
        elif kind == _RST_STREAM or (kind == _SYN_REPLY and flags & _FIN):
            self._take_data(struct.unpack_from("!I", payload)[0], _FIN, b"")

    def _compressed(self, headers: Mapping[str, str]) -> bytes:
        block = struct.pack("!I", len(headers))
        for name, value in headers.items():
            for text in (name.encode(), value.encode()):
                block += struct.pack("!I", len(text)) + text
        return self._deflate.compress(block) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
