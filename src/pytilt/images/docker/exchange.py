"""HTTP/1.1 on a wire: a request goes, its answer comes, then the next one, or bare bytes where that was agreed on."""

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress

import h11

from pytilt.images.docker.wires import BrokenWireError, Wire

Content = bytes | AsyncIterable[bytes]
"""The body of a request, as a whole or in chunks."""

SWITCHING_PROTOCOLS = 101

Head = h11.Response | h11.InformationalResponse
"""Status and headers of an answer; informational only where the connection was handed over."""


class Exchange:
    """A connection that speaks HTTP.

    Args:
        wire: what carries it; it is closed with this.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._http = h11.Connection(h11.CLIENT)

    async def ask(self, request: h11.Request, content: Content) -> Head:
        """Send a request, and wait for the beginning of its answer.

        Args:
            request: what is wanted; its headers say how the body comes.
            content: the body.

        Raises:
            BrokenWireError: there is no answer.
        """
        with suppress(BrokenWireError):  # a server that refuses early stops reading, but has said why
            await self._send(request, content)
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == SWITCHING_PROTOCOLS:
                return event

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body of the answer, as it comes.

        Raises:
            BrokenWireError: it ends in the middle.
        """
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)

    def take_over(self) -> bytes:
        """What has come of the other protocol already, where the connection was handed over."""
        return self._http.trailing_data[0]

    def renew(self) -> bool:
        """Get ready for the next request; False where the last one is not over, or the server wants none."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

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
