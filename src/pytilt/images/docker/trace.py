"""BuildKit's progress messages as values.

They are `StatusResponse` of BuildKit's `api/services/control/control.proto`, whose field numbers are used here.
"""

from pytilt.images.docker.protobuf import fields
from pytilt.model.base import Value


class Vertex(Value):
    """A step of a build, as far as it has come."""

    digest: str = ""
    name: str = ""
    cached: bool = False
    started: float = 0
    """Seconds since the epoch, 0: not yet."""
    completed: float = 0
    error: str = ""


class TransferStatus(Value):
    """How far one download or upload of a step has come, in bytes."""

    id: str = ""
    vertex: str = ""
    current: int = 0
    total: int = 0
    timestamp: float = 0


class Output(Value):
    """What a step printed."""

    vertex: str = ""
    data: bytes = b""


class Trace(Value):
    """One progress message."""

    vertexes: tuple[Vertex, ...] = ()
    statuses: tuple[TransferStatus, ...] = ()
    outputs: tuple[Output, ...] = ()


def read_trace(data: bytes) -> Trace:
    """Decode a progress message; fields that are not needed here are left out.

    Raises:
        ValueError: the bytes are no such message.
    """
    vertexes, statuses, outputs = [], [], []
    for number, _, content in fields(data):
        if number == 1:
            vertexes.append(_vertex(content))
        elif number == 2:
            statuses.append(_status(content))
        elif number == 3:
            outputs.append(_output(content))
    return Trace(vertexes=tuple(vertexes), statuses=tuple(statuses), outputs=tuple(outputs))


def _vertex(data: bytes) -> Vertex:
    found = {number: (value, content) for number, value, content in fields(data)}
    return Vertex(
        digest=_text(found, 1),
        name=_text(found, 3),
        cached=bool(_number(found, 4)),
        started=_seconds(found, 5),
        completed=_seconds(found, 6),
        error=_text(found, 7),
    )


def _status(data: bytes) -> TransferStatus:
    found = {number: (value, content) for number, value, content in fields(data)}
    return TransferStatus(
        id=_text(found, 1),
        vertex=_text(found, 2),
        current=_number(found, 4),
        total=_number(found, 5),
        timestamp=_seconds(found, 6),
    )


def _output(data: bytes) -> Output:
    found = {number: (value, content) for number, value, content in fields(data)}
    return Output(vertex=_text(found, 1), data=found.get(4, (0, b""))[1])


_Found = dict[int, tuple[int, bytes]]


def _number(found: _Found, number: int) -> int:
    value = found.get(number, (0, b""))[0]
    return value - (1 << 64) if value >> 63 else value


def _text(found: _Found, number: int) -> str:
    return found.get(number, (0, b""))[1].decode(errors="replace")


def _seconds(found: _Found, number: int) -> float:
    if number not in found:
        return 0
    parts = {part: value for part, value, _ in fields(found[number][1])}
    return parts.get(1, 0) + parts.get(2, 0) / 1e9
