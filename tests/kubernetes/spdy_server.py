"""An API server that forwards ports over SPDY as a test says: it refuses, resets, falls silent, or stops reading."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from pytilt.kubernetes.spdy_protocol import DICTIONARY

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
FIN = 1

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"


def data(number: int, content: bytes, *, fin: bool = False) -> bytes:
    """A data frame."""
    return struct.pack("!II", number, fin << 24 | len(content)) + content


def control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """A control frame."""
    return struct.pack("!II", 0x80030000 | kind, flags << 24 | len(payload)) + payload


class Stream:
    """A stream as the server sees it."""

    def __init__(self, tunnel: "ServedTunnel", number: int, headers: dict[str, str]) -> None:
        self._tunnel = tunnel
        self.number = number
        self.headers = headers
        self.received = b""
        self.finished = False
        self.reset = False

    async def send(self, content: bytes = b"", *, fin: bool = False) -> None:
        """Send bytes to the client."""
        await self._tunnel.send(data(self.number, content, fin=fin))

    async def break_off(self) -> None:
        """Reset it."""
        await self._tunnel.send(control(RST_STREAM, struct.pack("!II", self.number, 5)))


class ServedTunnel:
    """One upgraded connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self.streams: dict[int, Stream] = {}
        self.answers_pings = True
        self.accepts = True
        self.pings = 0
        self.news = asyncio.Condition()
        self.closed = asyncio.Event()
        """Has the client closed it?"""

    @property
    def pairs(self) -> list[tuple[Stream, Stream]]:
        """The data stream and the error stream of every connection."""
        found: dict[str, dict[str, Stream]] = {}
        for stream in self.streams.values():
            found.setdefault(stream.headers["requestid"], {})[stream.headers["streamtype"]] = stream
        return [(each["data"], each["error"]) for each in found.values() if len(each) == 2]

    async def send(self, frame: bytes) -> None:
        """Send a frame as it is."""
        self._writer.write(frame)
        await self._writer.drain()

    async def until(self, question: Callable[[], object]) -> None:
        """Wait until something holds of what has come."""
        async with self.news:
            await self.news.wait_for(question)

    def hang_up(self) -> None:
        """Close the connection once all is sent."""
        self._writer.close()

    async def serve(self) -> None:
        """Take frames until the client closes."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head, rest = struct.unpack("!II", await self._reader.readexactly(8))
                payload = await self._reader.readexactly(rest & 0xFFFFFF)
                await self._take(head, rest >> 24, payload)
                async with self.news:
                    self.news.notify_all()
        self.closed.set()

    async def _take(self, head: int, flags: int, payload: bytes) -> None:
        kind = head & 0xFFFF
        if not head & 0x80000000:
            self.streams[head].received += payload
            self.streams[head].finished |= bool(flags & FIN)
        elif kind == SYN_STREAM:
            number = struct.unpack_from("!I", payload)[0]
            self.streams[number] = Stream(self, number, self._headers(payload[10:]))
            if self.accepts:
                await self.send(control(SYN_REPLY, struct.pack("!I", number)))
        elif kind == RST_STREAM:
            self.streams[struct.unpack_from("!I", payload)[0]].reset = True
        elif kind == PING:
            self.pings += 1
            if self.answers_pings:
                await self.send(control(PING, payload))

    def _headers(self, block: bytes) -> dict[str, str]:
        plain = self._inflate.decompress(block)
        texts, at = [], 4
        while at < len(plain):
            size = struct.unpack_from("!I", plain, at)[0]
            texts.append(plain[at + 4 : at + 4 + size].decode())
            at += 4 + size
        return dict(zip(texts[::2], texts[1::2], strict=True))


class SpdyServer:
    """Hands out the tunnels that clients open, in order."""

    def __init__(self) -> None:
        self.port = 0
        self.tunnels: list[ServedTunnel] = []
        self._opened: asyncio.Queue[ServedTunnel] = asyncio.Queue()

    async def opened(self) -> ServedTunnel:
        """The next tunnel that a client opens."""
        return await self._opened.get()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(SWITCH)
                tunnel = ServedTunnel(reader, writer)
                self.tunnels.append(tunnel)
                self._opened.put_nowait(tunnel)
                await tunnel.serve()
        finally:
            writer.transport.abort()


@asynccontextmanager
async def spdy_server() -> AsyncIterator[SpdyServer]:
    """A server at a port of its own."""
    serving = SpdyServer()
    async with asyncio.TaskGroup() as tasks:
        running: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(
            lambda r, w: running.add(tasks.create_task(serving.serve(r, w))), "127.0.0.1", 0
        )
        serving.port = server.sockets[0].getsockname()[1]
        try:
            yield serving
        finally:
            server.close()
            for task in running:
                task.cancel()
