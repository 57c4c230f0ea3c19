"""gRPC's question for the health of a server, and its answer, as bytes of HTTP/2: pure, `probing` carries them.

The call is `grpc.health.v1.Health/Check`: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from collections.abc import Iterable
from enum import IntEnum

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import H2Error

PREFIX_BYTES = 5
"""Before a message: whether it is compressed, and its length."""
LONGEST_MESSAGE = 1024
"""Bytes: a health answer has two, or none."""
SERVICE_FIELD, STATUS_FIELD = 0x0A, 0x08
"""The first field of the question, a text, and of the answer, a number (protobuf)."""
OK, UNIMPLEMENTED = "0", "12"
"""Of gRPC's statuses: https://grpc.io/docs/guides/status-codes/"""


class Status(IntEnum):
    """What a server says of a service."""

    UNKNOWN = 0
    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


class HealthCheck:
    """One call on a connection of its own.

    Args:
        authority: `host:port`.
        service: which one is asked for; empty: the server as a whole.
    """

    def __init__(self, authority: str, service: str = "") -> None:
        self.status: Status | None = None
        """What the server answered."""
        self.failure = ""
        """Why it did not, in its own words."""
        self.over = False
        """Nothing more is to come."""
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._message = b""
        self._http.initiate_connection()
        self._stream = self._http.get_next_available_stream_id()
        self._http.send_headers(self._stream, _headers(authority))
        for piece in _pieces(_question(service), self._http.max_outbound_frame_size):
            self._http.send_data(self._stream, piece)
        self._http.end_stream(self._stream)
        self.question = self._http.data_to_send()
        """What to send first."""

    def receive(self, data: bytes) -> bytes:
        """Take a piece of the answer; returns what has to be sent back, mostly nothing."""
        try:
            for event in self._http.receive_data(data):
                self._take(event)
        except (H2Error, UnicodeDecodeError) as error:
            self._end(f"this is not HTTP/2: {error}")
        return self._http.data_to_send()

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.DataReceived):
            self._read(event.data)
        elif isinstance(event, events.ResponseReceived | events.TrailersReceived):
            self._explain({str(name): str(value) for name, value in event.headers or ()})
        elif isinstance(event, events.StreamEnded | events.StreamReset | events.ConnectionTerminated):
            self._end("")

    def _read(self, data: bytes) -> None:
        self._message += data
        length = int.from_bytes(self._message[1:PREFIX_BYTES], "big")
        if len(self._message) >= PREFIX_BYTES + length:
            self.status = _status(self._message[PREFIX_BYTES : PREFIX_BYTES + length])
            self._end("")
        elif len(self._message) > LONGEST_MESSAGE:
            self._end("its answer is too long")

    def _explain(self, headers: dict[str, str]) -> None:
        code = headers.get("grpc-status", OK)
        if code == UNIMPLEMENTED:
            self._end("this server does not implement the grpc health protocol (grpc.health.v1.Health)")
        elif code != OK:
            self._end(headers.get("grpc-message") or f"grpc status {code}")
        elif headers.get(":status", "200") != "200":
            self._end(f"HTTP status {headers[':status']}")

    def _end(self, failure: str) -> None:
        if not self.over:
            self.over, self.failure = True, failure


def _headers(authority: str) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "kube-probe/1.34"),
    ]


def _question(service: str) -> bytes:
    name = service.encode()
    message = bytes((SERVICE_FIELD,)) + _number(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _number(value: int) -> bytes:
    """A number of protobuf: seven bits to the byte, the lowest first."""
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*digits, value))


def _status(message: bytes) -> Status:
    """Read the answer; one whose first field is not there has the default, `UNKNOWN`."""
    known = len(message) >= 2 and message[0] == STATUS_FIELD and message[1] in Status.__members__.values()
    return Status(message[1]) if known else Status.UNKNOWN
