"""Clients of a forwarded port, of every kind that people have; the same for every tool that forwards."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable

import msgspec

from pytilt.model.base import Value

BIG_BYTES = 400 << 20
GET = b"GET %s HTTP/1.0\r\n\r\n"

PATIENCE_SECONDS = 15.0
"""A client that waits so long hangs."""

CROWD_SECONDS = 30.0
"""The same for one of 200: each has a TLS connection made for it, and a busy machine takes its time."""


class Ports(Value):
    """Ports of this machine that lead into the pod."""

    web: int
    """A server with a page and a big file."""
    closed: int
    """Nothing listens there."""
    silent: int
    """A program that accepts connections and never reads."""


class Report(Value):
    """What became of the clients."""

    answered: int = 0
    """Of 200 requests at the same time."""
    refused: int = 0
    """Of 20 requests to a closed port: how many ended soon."""
    beside_refused: bool = False
    """Was a request answered after those?"""
    half_closed: int = 0
    """Of 20 clients that close their side after the request: how many got the whole answer."""
    beside_slow: bool = False
    """Was a request answered beside five readers that had stopped reading?"""
    beside_silent: bool = False
    """The same beside five uploads that nobody reads."""
    beside_reset: bool = False
    """The same after 50 clients had reset their downloads."""
    silent: int = 0
    """Of 10 connections that said nothing all the while: how many were of use then."""


async def request(
    port: int, path: bytes = b"/", *, half_close: bool = False, seconds: float = PATIENCE_SECONDS
) -> bytes:
    """The body of an answer; empty where there is none in time."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                return await _ask(reader, writer, path, half_close=half_close)
            finally:
                writer.transport.abort()
    return b""


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: bytes, *, half_close: bool) -> bytes:
    writer.write(GET % path)
    if half_close:
        writer.write_eof()
    return (await reader.read()).partition(b"\r\n\r\n")[2]


async def ends_soon(port: int) -> bool:
    """Does a request to a closed port end, rather than hang?"""
    loop = asyncio.get_running_loop()
    start = loop.time()
    return await request(port) == b"" and loop.time() - start < PATIENCE_SECONDS / 2


def open_download(port: int) -> socket.socket:
    """A download of the big file that nobody reads."""
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    client.sendall(GET % b"/big")
    return client


async def open_downloads(count: int, port: int) -> list[socket.socket]:
    """As many of those as can be opened."""
    opened = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            opened.append(await asyncio.to_thread(open_download, port))
    return opened


async def together(count: int, client: Callable[[], Awaitable[object]]) -> int:
    """How many of so many clients at the same time succeed."""
    return sum(map(bool, await asyncio.gather(*(client() for _ in range(count)))))


async def page(port: int, seconds: float = PATIENCE_SECONDS) -> bool:
    """Is the page served?"""
    return await request(port, seconds=seconds) == b"hello\n"


async def clients(ports: Ports) -> Report:
    """Let all kinds of clients loose on a pod."""
    report = Report()
    async with contextlib.AsyncExitStack() as held:
        quiet = [await asyncio.open_connection("127.0.0.1", ports.web) for _ in range(10)]
        for _, writer in quiet:
            held.callback(_give_up, writer)
        report = msgspec.structs.replace(
            report,
            refused=await together(20, lambda: ends_soon(ports.closed)),
            beside_refused=await page(ports.web),
        )
        with contextlib.ExitStack() as slow:
            for client in await open_downloads(5, ports.web):
                slow.enter_context(client)
            await asyncio.sleep(1)
            report = msgspec.structs.replace(report, beside_slow=await page(ports.web))
        async with contextlib.AsyncExitStack() as silent:
            for _ in range(5):
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", ports.silent)
                    silent.callback(_give_up, writer)
                    writer.write(bytes(8 << 20))
            await asyncio.sleep(1)
            report = msgspec.structs.replace(report, beside_silent=await page(ports.web))
        for client in await open_downloads(50, ports.web):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        report = msgspec.structs.replace(report, beside_reset=await page(ports.web))
        report = msgspec.structs.replace(
            report,
            half_closed=await together(20, lambda: half_closed(ports.web)),
            answered=await together(200, lambda: page(ports.web, CROWD_SECONDS)),
        )
        used = [await _use(*connection) for connection in quiet]
    return msgspec.structs.replace(report, silent=sum(used))


def _give_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def half_closed(port: int) -> bool:
    """Does a client that closes its side get the whole answer?"""
    return await request(port, half_close=True) == b"hello\n"


async def _use(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await _ask(reader, writer, b"/", half_close=False) == b"hello\n"
    return False
