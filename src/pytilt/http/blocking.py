"""One request on a blocking socket, for commands that ask one thing and end: there is little to import."""

from __future__ import annotations

import _socket  # `socket` makes more of it, and takes longer to import than an answer takes to come
import time

from pytilt.http.line_buffer import LineBuffer
from pytilt.model.named_tuple import NamedTuple
from pytilt.model.numbers import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

CHUNK_BYTES = 65536

LARGEST_HEAD_BYTES = 102_400
"""Of an answer: API servers repeat warnings about every field there."""

_CONTINUES = range(100, 200)
"""What is said on the way is no answer."""

_HEXADECIMAL = b"0123456789abcdefABCDEF"
_MOST_DIGITS = 15
"""Of the size of a chunk."""

_WITHOUT_BODY = (204, 304)

_LEAST_SECONDS = 0.001
"""0 would mean not to wait at all, which is another error."""


class ResponseHead(NamedTuple):
    """How an answer begins."""

    status: int
    reason: str = ""
    """For example `Not Found`."""


class BlockingResponse:
    """The answer to a request.

    Args:
        opened: the connection.
    """

    def __init__(self, opened: _socket.socket) -> None:
        self._socket = opened
        self._deadline: float | None = None
        self._read = b""
        self.head, headers = self._first()
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._left = 0 if self.head.status in _WITHOUT_BODY else _length(headers.get("content-length"))
        """Of the body; None: until the server ends the connection."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def wait_forever(self) -> None:
        """Have no limit any more for the time until something comes."""
        self._socket.settimeout(None)

    def wait_until(self, deadline: float) -> None:
        """Have reading end by a TimeoutError at a moment of the monotonic clock."""
        self._deadline = deadline

    def body(self) -> bytes:
        """All of it.

        Raises:
            OSError: it ends in the middle, or nothing comes for too long.
        """
        return b"".join(self.pieces())

    def lines(self) -> Iterator[bytes]:
        """The lines of the body as they come, without their ends, until it ends or the server does.

        Raises:
            OSError: nothing comes for too long.
        """
        for lines in self.line_groups():
            yield from lines

    def line_groups(self) -> Iterator[list[bytes]]:
        """The same, as many as have come at a time."""
        buffer = LineBuffer()
        try:
            for piece in self.pieces():
                if lines := buffer.feed(piece):
                    yield lines
            if rest := buffer.rest:
                yield [rest]
        except ConnectionError:
            return

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            OSError: it ends in the middle, or nothing comes for too long.
        """
        if self._chunked:
            while size := self._chunk_size():
                yield from self._some(size)
                self._line()
            while self._line():
                pass
        elif self._left is not None:
            yield from self._some(self._left)
        else:
            yield self._read
            while piece := self._socket.recv(CHUNK_BYTES):
                yield piece

    def _some(self, size: int) -> Iterator[bytes]:
        """So many bytes, as they come."""
        while size:
            if not self._read:
                self._receive()
            piece, self._read = self._read[:size], self._read[size:]
            size -= len(piece)
            yield piece

    def _chunk_size(self) -> int:
        text = self._line().partition(b";")[0].strip()
        if not text or len(text) > _MOST_DIGITS or text.strip(_HEXADECIMAL):
            raise ConnectionError("the answer is no HTTP: a chunk has no size")
        return int(text, 16)

    def _line(self) -> bytes:
        while b"\n" not in self._read:
            if len(self._read) > LARGEST_HEAD_BYTES:
                raise ConnectionError("the answer is no HTTP: a line does not end")
            self._receive()
        line, _, self._read = self._read.partition(b"\n")
        return line.rstrip(b"\r")

    def _receive(self) -> None:
        if self._deadline is not None:
            self._socket.settimeout(max(self._deadline - time.monotonic(), _LEAST_SECONDS))
        piece = self._socket.recv(CHUNK_BYTES)
        if not piece:
            raise ConnectionError("the connection ended in the middle of an answer")
        self._read += piece

    def _first(self) -> tuple[ResponseHead, dict[str, str]]:
        """The beginning of the answer, with its headers; their names in lower case."""
        while True:
            version, _, rest = self._line().decode("latin-1").partition(" ")
            status, _, reason = rest.partition(" ")
            code = whole(status)
            if not version.startswith("HTTP/1.") or code is None:
                raise ConnectionError("the answer is no HTTP")
            headers: dict[str, str] = {}
            while line := self._line():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            if code not in _CONTINUES:
                return ResponseHead(code, reason.strip()), headers


def ask(
    host: str,
    port: int,
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]] = (),
    content: bytes = b"",
    *,
    seconds: float,
) -> BlockingResponse:
    """Send a request and wait for the beginning of its answer, which is a context: leaving it closes the connection.

    Args:
        host: name or address of the server.
        port: of the server.
        method: for example `GET`.
        target: path and query, quoted.
        headers: beside those that say whom it is for, from whom, and how the body comes.
        content: the body.
        seconds: how long anything may take to come.

    Raises:
        OSError: there is no answer in time, or HTTP does not allow such a request.
        ValueError: the host is none.
    """
    name = f"[{host}]" if ":" in host else host
    framing = [("Content-Length", str(len(content)))] if content or method in ("POST", "PUT", "PATCH") else []
    every = [("Host", f"{name}:{port}"), ("User-Agent", "tilt"), *headers, ("Connection", "close"), *framing]
    lines = [f"{method} {target} HTTP/1.1", *(f"{key}: {value}" for key, value in every)]
    if " " in target or any("\r" in line or "\n" in line or "\0" in line for line in lines):  # in a token, for example
        raise ConnectionError("the request cannot be sent: a header or its path holds what HTTP forbids")
    request = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + content
    # An address of ASCII goes as bytes: for a text, Python loads the tables of international names.
    place = host.encode() if host.isascii() else host
    opened = _connected(place, port, seconds)
    try:
        opened.sendall(request)
        return BlockingResponse(opened)
    except BaseException:
        opened.close()
        raise


def _connected(place: str | bytes, port: int, seconds: float) -> _socket.socket:
    """A connection to the first address of a host that answers."""
    problem = OSError("the host has no address")
    for family, kind, protocol, _, address in _socket.getaddrinfo(place, port, 0, _socket.SOCK_STREAM):
        opened = _socket.socket(family, kind, protocol)
        try:
            opened.settimeout(seconds)
            opened.connect(address)
        except OSError as error:
            opened.close()
            problem = error
        else:
            return opened
    raise problem


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if (length := whole(text)) is None:
        raise ConnectionError("the answer is no HTTP: its length is none")
    return length
