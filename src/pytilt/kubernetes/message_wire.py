"""SPDY in the messages of a WebSocket, as `kubectl port-forward` speaks it to newer API servers.

The library's own client refuses the name of this protocol, which has a slash; what it knows of frames does not care.
"""

import base64
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes.api import TakenOver

if TYPE_CHECKING:
    from websockets.protocol import Protocol as Frames

TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io"

LONGEST_MESSAGE = 16 * 1024 * 1024


def tunnel_request() -> Mapping[str, str]:
    """The headers that ask for it."""
    return {
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": TUNNEL_PROTOCOL,
    }


class MessageWire:
    """A `SpdyWire` whose bytes travel in messages.

    Args:
        connection: on which the WebSocket was agreed upon.
    """

    def __init__(self, connection: TakenOver) -> None:
        self._connection = connection
        self._frames = _frames()
        self._ended = False

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes, as one message; see `SpdyWire`."""
        self._frames.send_binary(data)
        await self._flush()

    async def receive_bytes(self) -> bytes:
        """The next bytes; see `SpdyWire`."""
        from websockets.frames import DATA_OPCODES, Frame, Opcode

        while not self._ended:
            self._frames.receive_data(await self._connection.receive_bytes())
            received = [frame for frame in self._frames.events_received() if isinstance(frame, Frame)]
            self._ended = any(frame.opcode is Opcode.CLOSE for frame in received) or bool(self._frames.parser_exc)
            with suppress(ClusterUnreachableError):  # answers to pings and to a goodbye
                await self._flush()
            if data := b"".join(bytes(frame.data) for frame in received if frame.opcode in DATA_OPCODES):
                return data
        raise EOFError

    async def _flush(self) -> None:
        for data in self._frames.data_to_send():
            if data:
                await self._connection.send_bytes(data)


def _frames() -> "Frames":
    from websockets.protocol import Protocol, Side, State

    return Protocol(Side.CLIENT, state=State.OPEN, max_size=LONGEST_MESSAGE)
