"""What both sides of a SPDY connection agree on: frames, blocks of headers, and how long silence is believed.

Source: the SPDY protocol, draft 3.1, sections 2.2 and 2.6.
"""

import struct
from collections.abc import Mapping
from typing import Protocol

from pytilt.model.base import Value

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(struct.pack("!I", len(word)) + word.replace("_", " ").encode() for word in _WORDS.split())
DICTIONARY += _TAIL.encode()
"""What both sides compress headers with from the start: 50 names and values with their lengths, then plain text."""

VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
FIN = 1
CANCEL = 5
CONTROL = 0x80000000
HEAD_BYTES = 8


def control_frame(kind: int, payload: bytes) -> bytes:
    """A frame about the connection or one of its streams."""
    return struct.pack("!II", CONTROL | VERSION << 16 | kind, len(payload)) + payload


def data_frame(number: int, data: bytes, flags: int) -> bytes:
    """A frame with bytes of a stream."""
    return struct.pack("!II", number, flags << 24 | len(data)) + data


def header_block(headers: Mapping[str, str]) -> bytes:
    """Names and values with their lengths, not compressed yet."""
    block = struct.pack("!I", len(headers))
    for name, value in headers.items():
        for text in (name.encode(), value.encode()):
            block += struct.pack("!I", len(text)) + text
    return block


class SpdyWire(Protocol):
    """A connection that carries bytes both ways, in pieces of any size."""

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        ...

    async def receive_bytes(self) -> bytes:
        """The next bytes.

        Raises:
            EOFError: the connection was closed.
        """
        ...


class SpdyTimeouts(Value):
    """How long a silent connection is believed to be open."""

    quiet: float = 1.0
    """Seconds without a byte until the other side is pinged."""
    answer: float = 2.0
    """Seconds that it may then take to send anything."""
