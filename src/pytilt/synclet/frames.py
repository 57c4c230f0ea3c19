"""The frames that live updates and `synclet receive` exchange, as `synclet/frames.go` reads and writes them.

A frame is a byte for its kind, four for the length of its payload (big-endian, as all numbers), and the payload. The
helper first writes one line: `GREETING`, its version, and what it can do. Every batch ends with `commit`, which is
acknowledged; a failure is reported before that, and what follows it in the batch is not done.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from pytilt.host.files.blocks import Blocks
from pytilt.model.base import Value
from pytilt.model.numbers import whole

VERSION = 8
GREETING = b"\x1esynclet "
LARGEST_FRAME = 256 * 1024
KEY_SIZE = 32
"""Of the key that a helper has in common with the one that passes on batches to it."""

_HEAD = struct.Struct(">cI")
_ATTRIBUTES = struct.Struct(">IqI")
_U32 = struct.Struct(">I")
_SIZES = struct.Struct(">QI")
_PART = struct.Struct(">QQ")
_MEMBER = struct.Struct(">II")
_PORT = struct.Struct(">H")
_SENT = 2**64 - 1
_MOST_PID = 2**22
"""Of Linux (proc(5))."""


class FrameError(ValueError):
    """What arrives is no frame of this protocol."""


class FailureKind(IntEnum):
    """Why a batch could not be carried out."""

    OTHER = 0
    DENIED = 1
    FULL = 2
    RESTART = 3
    BASE = 4
    """What it was to be made of is not there, or another."""


class Greeting(Value):
    """What the helper says first."""

    version: int
    restarts: bool = False
    """Can the program of the container be started again?"""
    pid: int = 0
    """Its own process id there."""


class FilePart(NamedTuple):
    """A part of a file."""

    start: int | None
    """Where it is in the file of which this one is made; None: it is sent."""
    length: int


class Attributes(Value):
    """What a file has besides its content."""

    mode: int = 0
    mtime: int = 0
    """Nanoseconds since 1970."""
    owner: str = ""
    """`USER` or `USER:GROUP`; empty: whoever receives it."""

    def encoded(self) -> bytes:
        """As the frames hold it."""
        owner = _bytes(self.owner)
        return _ATTRIBUTES.pack(self.mode & 0o7777, self.mtime, len(owner)) + owner


def read_greeting(line: bytes) -> Greeting | None:
    """What a line says, without its end; None when it is no greeting."""
    if not line.startswith(GREETING):
        return None
    words = line[len(GREETING) :].decode(errors="replace").split()
    if not words or (version := whole(words[0])) is None:
        return None
    known = dict(word.partition("=")[::2] for word in words[1:])
    pid = whole(known.get("pid", "")) or 0
    return Greeting(version=version, restarts=known.get("restarts") == "1", pid=pid if pid <= _MOST_PID else 0)


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame."""
    if len(payload) > LARGEST_FRAME:
        raise FrameError(f"a frame of {len(payload)} bytes is too large")
    return _HEAD.pack(kind, len(payload)) + payload


def hello() -> bytes:
    """This side's version; comes first."""
    return frame(b"H", struct.pack(">H", VERSION))


def end(pid: int) -> bytes:
    """End the helper of an earlier stream, which may have read what it has not done yet."""
    return frame(b"E", _U32.pack(pid))


def unlink(path: str) -> bytes:
    """Remove what is at a path unless it is a directory."""
    return frame(b"U", _bytes(path))


def delete(path: str) -> bytes:
    """Remove whatever is at a path, and below."""
    return frame(b"D", _bytes(path))


def mkdir(path: str, attributes: Attributes) -> bytes:
    """Make a directory, or give it these attributes."""
    return frame(b"M", attributes.encoded() + _bytes(path))


def symlink(path: str, target: str, attributes: Attributes) -> bytes:
    """Make a symbolic link."""
    return frame(b"L", attributes.encoded() + _text(target) + _bytes(path))


def file(path: str, content: bytes, attributes: Attributes) -> bytes:
    """A whole file."""
    return frame(b"F", b"".join((attributes.encoded(), _U32.pack(zlib.crc32(content)), _text(path), content)))


def copy(path: str, wanted: Blocks, base: bytes, parts: Sequence["FilePart"], attributes: Attributes) -> bytes:
    """A file that is made of parts of the one that is there, which must be the base, and of `pieces` that follow."""
    listed = b"".join(_PART.pack(_SENT if part.start is None else part.start, part.length) for part in parts)
    sizes, count = _SIZES.pack(wanted.size, wanted.block), _U32.pack(len(parts))
    return frame(b"C", b"".join((attributes.encoded(), sizes, base, _text(path), count, listed, wanted.sums)))


def blocks(path: str, size: int, block: int, sums: bytes, attributes: Attributes) -> bytes:
    """A file of which every block is named, see `host.files.blocks`; answered by the blocks that are `missing`."""
    return frame(b"B", b"".join((attributes.encoded(), _SIZES.pack(size, block), _text(path), sums)))


def pieces(content: memoryview, block: int, ranges: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """The blocks of a file that were asked for."""
    for first, end in ranges:
        for index in range(first, end):
            whole = content[index * block : (index + 1) * block]
            for start in range(0, len(whole), LARGEST_FRAME):
                yield frame(b"P", bytes(whole[start : start + LARGEST_FRAME]))


def commit(number: int) -> bytes:
    """The end of a batch."""
    return frame(b"K", _U32.pack(number))


def run(argv: Sequence[str]) -> bytes:
    """Run a command."""
    return frame(b"R", b"".join(map(_text, argv)))


def restart() -> bytes:
    """Start the container's program again."""
    return frame(b"X")


def listen(key: bytes, taken: Iterable[int] = ()) -> bytes:
    """Open a port for the helper that passes on batches to this one, and has the same key; none of those taken."""
    return frame(b"I", key + b"".join(map(_PORT.pack, taken)))


def join(number: int, key: bytes, address: str) -> bytes:
    """Pass on batches to the helper that listens at an address; it is known by this number from now on."""
    return frame(b"J", _U32.pack(number) + key + _text(address))


def leave(number: int) -> bytes:
    """Pass on nothing to a helper any more."""
    return frame(b"Q", _U32.pack(number))


def relay(members: Iterable[tuple[int, int]]) -> bytes:
    """Pass on the batch that follows: to whom, and the number that it has there."""
    return frame(b"Y", b"".join(_MEMBER.pack(*each) for each in members))


def zipped(content: bytes) -> bytes:
    """Frames, all of them whole, as one compressed frame."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return frame(b"Z", packer.compress(content) + packer.flush())


class Acknowledged(Value):
    """A batch is carried out, or was given up."""

    number: int


class Missing(Value):
    """Blocks that the container does not have: the first, and the one after the last."""

    ranges: tuple[tuple[int, int], ...]


class Printed(Value):
    """What a command printed."""

    data: bytes


class Exit(Value):
    """A command ended."""

    status: int


class Started(Value):
    """The container's program was started again."""

    pid: int


class Consumed(Value):
    """How many bytes were taken in so far."""

    count: int


class Failed(Value):
    """A batch cannot be carried out."""

    kind: FailureKind
    message: str


class Listening(Value):
    """A port is open for the helper that passes on batches."""

    port: int
    """0 where none could be opened."""
    message: str = ""


class Joined(Value):
    """A helper is reached, and has the same key."""


class Lost(Value):
    """A helper is not reached, or no longer."""

    message: str


class Relayed(Value):
    """What another helper says, to which batches are passed on."""

    number: int
    answer: "Joined | Lost | Acknowledged | Failed"


Answer = Acknowledged | Missing | Printed | Exit | Started | Consumed | Failed | Listening | Joined | Lost | Relayed


class Decoder:
    """Puts answers together from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Answer]:
        """The answers that are complete now.

        Raises:
            FrameError: it is none.
        """
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            kind, size = _HEAD.unpack_from(self._buffer)
            if size > LARGEST_FRAME:
                raise FrameError(f"a frame of {size} bytes is too large")
            end = _HEAD.size + size
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            yield _answer(kind, payload)


def _answer(kind: bytes, payload: bytes) -> Answer:
    try:
        match kind:
            case b"A":
                return Acknowledged(number=_U32.unpack(payload)[0])
            case b"N":
                return Missing(ranges=tuple(struct.iter_unpack(">II", payload)))
            case b"O":
                return Printed(data=payload)
            case b"r":
                return Exit(status=_U32.unpack(payload)[0])
            case b"g":
                return Started(pid=_U32.unpack(payload)[0])
            case b"W":
                return Consumed(count=struct.unpack(">Q", payload)[0])
            case b"!" if payload:
                return _failed(payload)
            case b"i" | b"y":
                return _of_relay(kind, payload)
    except struct.error as error:
        raise FrameError(f"a frame of kind {kind!r} has a wrong length") from error
    raise FrameError(f"unknown frame {kind!r}")


def _failed(payload: bytes) -> Failed:
    kinds = set(FailureKind)
    kind = FailureKind(payload[0]) if payload[0] in kinds else FailureKind.OTHER
    return Failed(kind=kind, message=payload[1:].decode(errors="replace"))


def _of_relay(kind: bytes, payload: bytes) -> Listening | Relayed:
    if kind == b"i":
        return Listening(port=_PORT.unpack(payload[:2])[0], message=payload[2:].decode(errors="replace"))
    return Relayed(number=_U32.unpack(payload[:4])[0], answer=_relayed(payload[4:5], payload[5:]))


def _relayed(kind: bytes, payload: bytes) -> Joined | Lost | Acknowledged | Failed:
    match kind:
        case b"j":
            return Joined()
        case b"l":
            return Lost(message=payload.decode(errors="replace"))
        case b"A" | b"!":
            answer = _answer(kind, payload)
            if isinstance(answer, Acknowledged | Failed):
                return answer
    raise FrameError(f"unknown frame {kind!r} of another helper")


def _text(value: str) -> bytes:
    content = _bytes(value)
    return _U32.pack(len(content)) + content


def _bytes(value: str) -> bytes:
    return value.encode(errors="surrogateescape")
