"""A large file as what it has in common with the version that is in a container, and what is new in it.

What a programmer changes in a large file is mostly one place: what is before it stays where it was, and what is after
it moves by as much as the file grew. So both ends are compared with the version before, and what is between is sent.
"""

import os
import struct
from collections.abc import Iterator
from hashlib import sha256

from pytilt.host.files.blocks import SUM_SIZE, Blocks, read_sums
from pytilt.liveupdate.packing import LargeFile
from pytilt.model.base import Value
from pytilt.synclet import frames
from pytilt.synclet.frames import FilePart

_MOST_SENT_BYTES = 4 * 1024 * 1024
"""Where more than this is new, the container is asked which blocks it has: it may find some elsewhere."""

_PIECE_BYTES = 128 * 1024

_NAME_SIZE = 16


class Delta(Value):
    """How a file is made of the version before."""

    file: LargeFile
    base: bytes
    """Names that version."""
    parts: tuple[FilePart, ...]

    def frames(self) -> Iterator[bytes]:
        """What makes the file.

        Raises:
            OSError: it can no longer be read.
        """
        yield frames.copy(self.file.remote, self.file.blocks, self.base, self.parts, self.file.attributes)
        place = 0
        descriptor = os.open(self.file.local, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for part in self.parts:
                end = place + part.length
                while part.start is None and place < end:
                    length = min(_PIECE_BYTES, end - place)
                    # What became shorter is filled up: the container finds that its sum is another one.
                    content = os.pread(descriptor, length, place).ljust(length, b"\0")
                    yield frames.frame(b"P", content)
                    place += length
                place = end
        finally:
            os.close(descriptor)


def name_of(blocks: Blocks) -> bytes:
    """A name for what a file consists of; the helper makes the same."""
    return sha256(struct.pack(">QI", blocks.size, blocks.block) + blocks.sums).digest()[:_NAME_SIZE]


def find_delta(file: LargeFile, base: Blocks) -> Delta | None:
    """Compare a file with the version before; reads what is after the place that changed.

    Returns:
        None where nothing is won by it: most is new, the size is the same, or it changes just now.

    Raises:
        OSError: the file cannot be read.
    """
    shift = file.size - base.size
    if file.block != base.block or not shift:
        return None
    head = _common(file.sums, base.sums, min(file.size, base.size) // file.block) * file.block
    tail = _moved(file, base, head, shift)
    parts = (FilePart(0, head), FilePart(None, tail - head), FilePart(tail - shift, file.size - tail))
    now = os.lstat(file.local)
    if tail - head > _MOST_SENT_BYTES or (now.st_size, now.st_mtime_ns) != (file.size, file.attributes.mtime):
        return None
    return Delta(file=file, base=name_of(base), parts=tuple(part for part in parts if part.length))


def _common(some: bytes, other: bytes, most: int) -> int:
    """How many sums are the same from the start on."""
    for index in range(most):
        place = slice(index * SUM_SIZE, (index + 1) * SUM_SIZE)
        if some[place] != other[place]:
            return index
    return most


def _moved(file: LargeFile, base: Blocks, head: int, shift: int) -> int:
    """Where the part begins, not before the end of the head, that is the end of the version before."""
    count = len(base.sums) // SUM_SIZE
    first = max(0, -(-(head - shift) // file.block))
    last = count - 1
    if first > last or read_sums(file.local, file.block, last * file.block + shift, file.size) != base.sums[-SUM_SIZE:]:
        return file.size
    found = read_sums(file.local, file.block, first * file.block + shift, file.size)
    while (
        last > first
        and found[(last - 1 - first) * SUM_SIZE :][:SUM_SIZE] == base.sums[(last - 1) * SUM_SIZE :][:SUM_SIZE]
    ):
        last -= 1
    return last * file.block + shift
