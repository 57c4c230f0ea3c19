"""What the display asks of a session: one request a connection, answers read line by line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytilt.errors import SessionUnreachableError
from pytilt.http.exchange import Exchange
from pytilt.http.line_buffer import LineBuffer
from pytilt.http.wires import open_tcp
from pytilt.model.base import Value

AHEAD_BYTES = 1
"""Read before somebody asks. What is not read yet waits in the kernel and with the session: a display that draws four
times a second need not wake up for every line, and one with a slow terminal holds up nothing but itself."""

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


class SessionAnswer:
    """The answer to one request.

    Args:
        exchange: on which it comes.
        status: for example 200.
    """

    def __init__(self, exchange: Exchange, status: int) -> None:
        self._exchange = exchange
        self.status = status

    async def lines(self) -> AsyncIterator[list[bytes]]:
        """The lines of the body, as many at a time as have come."""
        buffer = LineBuffer()
        async for piece in self._exchange.chunks():
            if lines := buffer.feed(piece):
                yield lines
        if rest := buffer.rest:
            yield [rest]

    async def text(self) -> str:
        """The whole body."""
        return (await self._exchange.body()).decode(errors="replace")


@asynccontextmanager
async def request(place: Place, method: str, path: str, body: bytes = b"") -> AsyncIterator[SessionAnswer]:
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
            wire = await open_tcp(place.host, place.port, ahead=AHEAD_BYTES)
    except (OSError, ValueError) as problem:  # a TimeoutError, and a host that is none, too
        raise _unreachable(place, "") from problem
    try:
        exchange = Exchange(wire, f"{place.host}:{place.port}")
        headers = [("X-Tilt-Token", place.token), ("Content-Type", "application/json"), ("Connection", "close")]
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await exchange.ask(method, path, headers, body)
        yield SessionAnswer(exchange, head.status)
    except (OSError, TimeoutError) as problem:
        raise _unreachable(place, str(problem) or "the answer broke off") from problem
    finally:
        wire.close()


def _unreachable(place: Place, why: str) -> SessionUnreachableError:
    more = f": {why}" if why else ""
    return SessionUnreachableError(f"no session answers at {place.host}:{place.port}{more}", hint=UNREACHABLE_HINT)
