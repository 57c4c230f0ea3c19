"""gRPC's question for the health of a server, and its answer, as bytes of HTTP/2: pure, `probing` carries them.

One call without compression needs four sorts of frames and no table of headers, so no library is needed for it. The
call is `grpc.health.v1.Health/Check`: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9
STREAM = 1
ACKNOWLEDGED = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
LONGEST_MESSAGE = 1024
"""Bytes: a health answer has two, or none."""
STATUS_FIELD = 0x08
"""The first field of the answer, a number (protobuf)."""


class Frame(IntEnum):
    """The sorts of frames that matter here (RFC 9113, section 6)."""

    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7


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
        self.question = _question(authority, service)
        """What to send first."""
        self.status: Status | None = None
        """What the server answered."""
        self.over = False
        """Nothing more is to come."""
        self._unread = b""
        self._message = b""

    def receive(self, data: bytes) -> bytes:
        """Take a piece of the answer; returns what has to be sent back, mostly nothing."""
        self._unread += data
        reply = b""
        while not self.over and len(self._unread) >= HEADER_BYTES:
            length = int.from_bytes(self._unread[:3], "big")
            if len(self._unread) < HEADER_BYTES + length:
                break
            sort, flags, stream = self._unread[3], self._unread[4], int.from_bytes(self._unread[5:9], "big")
            payload = self._unread[HEADER_BYTES : HEADER_BYTES + length]
            self._unread = self._unread[HEADER_BYTES + length :]
            if sort in (Frame.SETTINGS, Frame.PING) and not flags & ACKNOWLEDGED:
                reply += _frame(Frame(sort), ACKNOWLEDGED, 0, payload if sort == Frame.PING else b"")
            elif sort == Frame.GOAWAY or (sort == Frame.RST_STREAM and stream == STREAM):
                self.over = True
            elif stream == STREAM:
                self._read(sort, flags, payload)
        return reply

    def _read(self, sort: int, flags: int, payload: bytes) -> None:
        if sort == Frame.DATA:
            self._message += payload[1 : len(payload) - payload[0]] if flags & PADDED else payload
            length = int.from_bytes(self._message[1:5], "big")
            if len(self._message) >= 5 + length:
                self.status = _status(self._message[5 : 5 + length])
                self.over = True
        if (sort in (Frame.DATA, Frame.HEADERS) and flags & END_STREAM) or len(self._message) > LONGEST_MESSAGE:
            self.over = True


def _question(authority: str, service: str) -> bytes:
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/grpc.health.v1.Health/Check",
        ":authority": authority,
        "te": "trailers",
        "content-type": "application/grpc",
        "user-agent": "kube-probe/1.34",
    }
    block = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers.items())
    name = service.encode()
    message = b"\x0a" + _number(len(name)) + name if name else b""
    return (
        PREFACE
        + _frame(Frame.SETTINGS, 0, 0, b"")
        + _frame(Frame.HEADERS, END_HEADERS, STREAM, block)
        + _frame(Frame.DATA, END_STREAM, STREAM, b"\0" + len(message).to_bytes(4, "big") + message)
    )


def _frame(sort: Frame, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((sort, flags)) + stream.to_bytes(4, "big") + payload


def _text(text: str) -> bytes:
    """A header's name or value, not compressed (RFC 7541, section 5.2): all of ours are shorter than 127 bytes."""
    return bytes((len(text),)) + text.encode("ascii")


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
