"""As much HTTP as the interface of a session takes: one request a connection, answers read line by line.

An HTTP library costs 150 ms at the start and a third of a millisecond for every line of a log that runs along: more
than everything else the display does with the line.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytilt.errors import SessionUnreachableError
from pytilt.model.base import Value

READ_BYTES = 1 << 18
"""Read at once."""

AHEAD_BYTES = 1
"""Read before somebody asks. What is not read yet waits in the kernel and with the session: a display that draws four
times a second need not wake up for every line, and one with a slow terminal holds up nothing but itself."""

ANSWER_SECONDS = 30.0
"""How long the first byte of an answer may take."""

LINE_END = len(b"\r\n")
"""Bytes that follow a chunk."""

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
        begun: what has come of the body already.
        chunked: does the body come in chunks with their sizes before them?
    """

    def __init__(self, reader: asyncio.StreamReader, status: int, begun: bytes, *, chunked: bool) -> None:
        self._reader = reader
        self._begun = begun
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
        """The body as it comes: everything that has arrived at once."""
        chunks = Chunks() if self._chunked else None
        while arrived := self._begun or await self._reader.read(READ_BYTES):
            self._begun = b""
            piece = chunks.feed(arrived) if chunks else arrived
            if piece:
                yield piece
            if chunks and chunks.ended:
                return


class Chunks:
    """Takes a body out of the chunks in which it is sent."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0
        """Bytes of the present chunk, with its line end, that have not come yet."""
        self.ended = False

    def feed(self, arrived: bytes) -> bytes:
        """Take what arrived.

        Returns:
            What it holds of the body.
        """
        self._buffer += arrived
        body = bytearray()
        while self._buffer and not self.ended:
            if not self._left and not self._begin():
                break
            taken = self._buffer[: self._left]
            del self._buffer[: self._left]
            body += taken[: max(0, self._left - LINE_END)]
            self._left -= len(taken)
        return bytes(body)

    def _begin(self) -> bool:
        """Read the size of the next chunk; False when it has not come yet."""
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        size = int(self._buffer[:end].partition(b";")[0], 16)
        del self._buffer[: end + 2]
        self.ended = size == 0
        self._left = size + LINE_END
        return not self.ended


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
            reader, writer = await asyncio.open_connection(place.host, place.port, limit=AHEAD_BYTES)
    except (OSError, ValueError) as problem:  # a TimeoutError, and a host that is none, too
        raise _unreachable(place, "") from problem
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
    arrived = b""
    while (end := arrived.find(b"\r\n\r\n")) < 0:
        more = await reader.read(READ_BYTES)
        if not more:
            raise asyncio.IncompleteReadError(arrived, None)
        arrived += more
    head = arrived[:end].decode("latin-1").lower()
    chunked = "transfer-encoding: chunked" in head
    return Answer(reader, int(head.split()[1]), arrived[end + 4 :], chunked=chunked)


def _unreachable(place: Place, why: str) -> SessionUnreachableError:
    more = f": {why}" if why else ""
    return SessionUnreachableError(f"no session answers at {place.host}:{place.port}{more}", hint=UNREACHABLE_HINT)
