"""Requests and answers of HTTP/1.1 as values and events, for `exchange` and `blocking`: pure, they carry the bytes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from pytilt.http.wires import BrokenWireError
from pytilt.model.base import Value
from pytilt.model.modules import lazy

if TYPE_CHECKING:
    import h11

    Event = type[h11.NEED_DATA | h11.PAUSED] | h11.Event
else:
    h11 = lazy("h11")

Headers = Sequence[tuple[str, str]]

SWITCHING_PROTOCOLS = 101

LARGEST_HEAD_BYTES = 102_400
"""Of an answer: API servers repeat warnings about every field there."""

CHUNKED = ("Transfer-Encoding", "chunked")

_WITH_BODY = ("POST", "PUT", "PATCH")
_RESERVED = "/?#[]@!$&'()*+,;=%~"
"""Characters with a meaning in a path and its query (RFC 3986): they stay as they are."""


class Head(Value):
    """How an answer begins."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    reason: str = ""
    """For example `Not Found`."""


def quoted(path: str) -> str:
    """A path with its query as users write it, as it goes into a request."""
    return quote(path if path.startswith("/") else f"/{path}", safe=_RESERVED, errors="surrogateescape")


def client() -> "h11.Connection":
    """One side of a connection: the one that asks."""
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD_BYTES)


def framing(method: str, length: int) -> Headers:
    """The headers that say how long a body is."""
    return [("Content-Length", str(length))] if length or method in _WITH_BODY else []


def request(method: str, target: str, host: str, headers: Headers) -> "h11.Request":
    """A request.

    Args:
        method: for example `GET`.
        target: path and query, quoted.
        host: whom it is for, with the port where it is not the usual one.
        headers: all others; a `Host` or `User-Agent` among them stands in place of the usual one.

    Raises:
        BrokenWireError: HTTP does not allow such a request.
    """
    given = {name.lower() for name, _ in headers}
    usual = [pair for pair in (("Host", host), ("User-Agent", "tilt")) if pair[0].lower() not in given]
    try:
        encoded = [(name.encode("ascii"), value.encode()) for name, value in (*usual, *headers)]
        return h11.Request(method=method, target=target, headers=encoded)
    except (h11.LocalProtocolError, UnicodeEncodeError) as error:  # a line break in a token, for example
        raise BrokenWireError("the request cannot be sent: a header or its path holds what HTTP forbids") from error


def head(event: object) -> Head | None:
    """The beginning of an answer, if this event is that; what is said on the way is none."""
    if isinstance(event, h11.Response) or (
        isinstance(event, h11.InformationalResponse) and event.status_code == SWITCHING_PROTOCOLS
    ):
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
        return Head(status=event.status_code, headers=headers, reason=bytes(event.reason).decode("latin-1"))
    return None


def next_event(http: "h11.Connection") -> "Event":
    """What has come and was not taken yet.

    Raises:
        BrokenWireError: it is not HTTP.
    """
    try:
        return http.next_event()
    except h11.RemoteProtocolError as error:
        raise BrokenWireError(str(error)) from error


def receive(http: "h11.Connection", data: bytes) -> None:
    """Take bytes of an answer, none for its end.

    Raises:
        BrokenWireError: it ended before the answer began.
    """
    if not data and http.their_state is h11.SEND_RESPONSE:
        raise BrokenWireError("it was closed without an answer")
    try:
        http.receive_data(data)
    except h11.RemoteProtocolError as error:
        raise BrokenWireError(str(error)) from error
