"""HTTP/1.1 on a wire: a request goes, its answer comes, then the next one, or bare bytes where that was agreed on."""

import zlib
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING

from pytilt.http import messages
from pytilt.http.messages import CHUNKED, Head, Headers
from pytilt.http.wires import BrokenWireError, Wire
from pytilt.model.modules import lazy

if TYPE_CHECKING:
    import h11
else:
    h11 = lazy("h11")

Content = bytes | AsyncIterable[bytes]
"""The body of a request, as a whole or in chunks."""

LARGEST_BODY_BYTES = 256 * 1024**2
"""Of an answer that is kept as a whole: a page of 500 objects of half a megabyte each."""

_TOO_LONG = f"its answer is longer than {LARGEST_BODY_BYTES // 1024**2} MiB"


def unpacked(body: bytes) -> bytes:
    """What was compressed by gzip.

    Raises:
        BrokenWireError: it was not, it ends in the middle, or it is longer than any answer is.
    """
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        found = unpacking.decompress(body, LARGEST_BODY_BYTES)
    except zlib.error as error:
        raise BrokenWireError(f"its answer cannot be unpacked: {error}") from error
    if not unpacking.eof:
        raise BrokenWireError(_TOO_LONG if unpacking.unconsumed_tail else "its answer ends in the middle")
    return found


class Exchange:
    """A connection that speaks HTTP.

    Args:
        wire: what carries it.
        host: whom the requests are for, with the port where it is not the usual one.
    """

    def __init__(self, wire: Wire, host: str) -> None:
        self.wire = wire
        self._host = host
        self._http = messages.client()

    async def ask(self, method: str, target: str, headers: Headers = (), content: Content = b"") -> Head:
        """Send a request, and wait for the beginning of its answer.

        Args:
            method: for example `GET`.
            target: path and query, quoted.
            headers: beside those that say whom it is for, from whom, and how the body comes.
            content: the body.

        Raises:
            BrokenWireError: there is no answer, or HTTP does not allow such a request.
        """
        framing = messages.framing(method, len(content)) if isinstance(content, bytes) else [CHUNKED]
        request = messages.request(method, target, self._host, [*headers, *framing])
        with suppress(BrokenWireError):  # a server that refuses early stops reading, but has said why
            await self._send(request, content)
        while True:
            if (found := messages.head(await self._event())) is not None:
                return found

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body of the answer, as it comes: what has arrived at once is one piece.

        Raises:
            BrokenWireError: it ends in the middle.
        """
        arrived: list[bytes] = []
        while True:
            event = messages.next_event(self._http)
            if isinstance(event, h11.Data):
                arrived.append(bytes(event.data))
                continue
            if arrived:
                yield b"".join(arrived)
                arrived = []
            if event is not h11.NEED_DATA:
                return
            messages.receive(self._http, await self.wire.receive())

    async def body(self) -> bytes:
        """The body of the answer, to its end.

        Raises:
            BrokenWireError: it ends in the middle, or is longer than any answer is.
        """
        found = bytearray()
        async for chunk in self.chunks():
            found += chunk
            if len(found) > LARGEST_BODY_BYTES:
                raise BrokenWireError(_TOO_LONG)
        return bytes(found)

    def take_over(self) -> bytes:
        """What has come of the other protocol already, where the connection was handed over."""
        return self._http.trailing_data[0]

    def renew(self) -> bool:
        """Get ready for the next request; False where the last one is not over, or the server wants none."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def _send(self, request: "h11.Request", content: Content) -> None:
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

    async def _event(self) -> "messages.Event":
        """The next event that is more than the wish for more bytes."""
        while (event := messages.next_event(self._http)) is h11.NEED_DATA:
            messages.receive(self._http, await self.wire.receive())
        return event
