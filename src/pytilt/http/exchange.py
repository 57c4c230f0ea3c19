"""HTTP/1.1 on a wire: a request goes, its answer comes, then the next one, or bare bytes where that was agreed on."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import suppress

import h11

from pytilt.http.wires import BrokenWireError, Wire
from pytilt.model.base import Value

Content = bytes | AsyncIterable[bytes]
"""The body of a request, as a whole or in chunks."""

Headers = Sequence[tuple[str, str]]

SWITCHING_PROTOCOLS = 101

LARGEST_HEAD_BYTES = 102_400
"""Of an answer: API servers repeat warnings about every field there."""

_WITH_BODY = ("POST", "PUT", "PATCH")


class Head(Value):
    """How an answer begins."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""


class Exchange:
    """A connection that speaks HTTP.

    Args:
        wire: what carries it.
        host: whom the requests are for, with the port where it is not the usual one.
    """

    def __init__(self, wire: Wire, host: str) -> None:
        self.wire = wire
        self._host = host
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD_BYTES)

    async def ask(self, method: str, target: str, headers: Headers = (), content: Content = b"") -> Head:
        """Send a request, and wait for the beginning of its answer.

        Args:
            method: for example `GET`.
            target: path and query, quoted.
            headers: beside those that say whom it is for and how the body comes.
            content: the body.

        Raises:
            BrokenWireError: there is no answer, or HTTP does not allow such a request.
        """
        request = self._request(method, target, headers, content)
        with suppress(BrokenWireError):  # a server that refuses early stops reading, but has said why
            await self._send(request, content)
        while True:
            event = await self._event()
            if isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == SWITCHING_PROTOCOLS
            ):
                decoded = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
                return Head(status=event.status_code, headers=decoded)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body of the answer, as it comes.

        Raises:
            BrokenWireError: it ends in the middle.
        """
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)

    async def body(self) -> bytes:
        """The body of the answer, to its end.

        Raises:
            BrokenWireError: it ends in the middle.
        """
        return b"".join([chunk async for chunk in self.chunks()])

    def take_over(self) -> bytes:
        """What has come of the other protocol already, where the connection was handed over."""
        return self._http.trailing_data[0]

    def renew(self) -> bool:
        """Get ready for the next request; False where the last one is not over, or the server wants none."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def _request(self, method: str, target: str, headers: Headers, content: Content) -> h11.Request:
        framing = []
        if not isinstance(content, bytes):
            framing = [("Transfer-Encoding", "chunked")]
        elif content or method in _WITH_BODY:
            framing = [("Content-Length", str(len(content)))]
        sent = [("Host", self._host), ("User-Agent", "tilt"), *headers, *framing]
        try:
            encoded = [(name.encode("ascii"), value.encode()) for name, value in sent]
            return h11.Request(method=method, target=target, headers=encoded)
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:  # a line break in a token, for example
            raise BrokenWireError("the request cannot be sent: a header or its path holds what HTTP forbids") from error

    async def _send(self, request: h11.Request, content: Content) -> None:
        head = self._http.send(request) or b""
        if isinstance(content, bytes):
            body = self._http.send(h11.Data(data=content)) if content else b""
            await self.wire.send(b"".join((head, body or b"", self._http.send(h11.EndOfMessage()) or b"")))
            return
        await self.wire.send(head)
        async for chunk in content:
            if chunk:
                await self.wire.send(self._http.send(h11.Data(data=chunk)) or b"")
        await self.wire.send(self._http.send(h11.EndOfMessage()) or b"")

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event that is more than the wish for more bytes."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = await self.wire.receive()
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise BrokenWireError("it was closed without an answer")
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise BrokenWireError(str(error)) from error
        return event
