"""As much HTTP as the interface of a session takes: one request a connection, answers read line by line.

An HTTP library costs 150 ms at the start and a third of a millisecond for every line of a log that runs along: more
than everything else the display does with the line.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytilt.errors import SessionUnreachableError
from pytilt.model.base import Value

LINE_LIMIT = 64 * 1024 * 1024
"""Bytes of the longest line: a Tiltfile with everything it declared is one."""

ANSWER_SECONDS = 30.0
"""How long the first byte of an answer may take."""

UNREACHABLE_HINT = "start a session with `tilt up`, or name its port with `--port` or TILT_PORT"


class Place(Value):
    """Where a session listens, and what it wants to be shown."""

    host: str
    port: int
    token: str = ""

    @property
    def url(self) -> str:
        """The page of the session."""
        return f"http://{self.host}:{self.port}/"


class Answer:
    """The answer to one request.

    Args:
        reader: what follows the head.
        status: for example 200.
        chunked: does the body come in chunks with their sizes before them?
    """

    def __init__(self, reader: asyncio.StreamReader, status: int, *, chunked: bool) -> None:
        self._reader = reader
        self.status = status
        self._chunked = chunked

    async def lines(self) -> AsyncIterator[list[bytes]]:
        """The lines of the body, as many at a time as have come."""
        rest = b""
        async for piece in self._pieces():
            *lines, rest = (rest + piece).split(b"\n")
            if lines:
                yield lines
        if rest:
            yield [rest]

    async def text(self) -> str:
        """The whole body."""
        return b"".join([piece async for piece in self._pieces()]).decode(errors="replace")

    async def _pieces(self) -> AsyncIterator[bytes]:
        if not self._chunked:
            while piece := await self._reader.read(65536):
                yield piece
            return
        while size := int((await self._reader.readline()).partition(b";")[0] or b"0", 16):
            yield (await self._reader.readexactly(size + 2))[:-2]


@asynccontextmanager
async def request(place: Place, method: str, path: str, body: bytes = b"") -> AsyncIterator[Answer]:
    """Send a request and read its answer; leaving closes the connection.

    Args:
        place: the session.
        method: GET or POST.
        path: with its query.
        body: JSON.

    Raises:
        SessionUnreachableError: nothing answers, or the answer breaks off.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(place.host, place.port, limit=LINE_LIMIT)
    except (OSError, TimeoutError) as problem:
        raise _unreachable(place, str(problem)) from problem
    try:
        writer.write(_head(place, method, path, len(body)) + body)
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await _answer(reader)
        yield answer
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as problem:
        raise _unreachable(place, str(problem) or "the answer broke off") from problem
    finally:
        writer.transport.abort()


def _head(place: Place, method: str, path: str, length: int) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {place.host}:{place.port}",
        f"X-Tilt-Token: {place.token}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split()[1])
    return Answer(reader, status, chunked="transfer-encoding: chunked" in head)


def _unreachable(place: Place, why: str) -> SessionUnreachableError:
    return SessionUnreachableError(f"no session answers at {place.host}:{place.port}: {why}", hint=UNREACHABLE_HINT)
