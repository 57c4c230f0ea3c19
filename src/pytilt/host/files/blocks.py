"""Sums of the blocks of large files: by them versions are compared, and what is elsewhere already is not sent again.

Holes of sparse files are not read: they count as the zeros that one would read there.
"""

import errno
import mmap
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from xxhash import xxh64_digest

SUM_SIZE = 8
"""How long the XXH64 of a block is: it is to find changes and damage, not who wants to deceive."""

_READ_BYTES = 1024 * 1024
_TOGETHER_BYTES = 8 * 1024 * 1024
"""From this size on the halves of a part are read at the same time."""

_REMEMBERED = 16
"""Files whose sums are remembered."""


class Blocks(NamedTuple):
    """What a file consists of."""

    size: int
    block: int
    """How long each block is; the last one may be shorter."""
    sums: bytes
    """Those of all blocks, one after the other."""


def block_size(size: int) -> int:
    """How large the blocks of a file of so many bytes are, so that there are not too many of them."""
    block = 64 * 1024
    while size // block > 8192:
        block *= 2
    return block


def block_sums(content: memoryview, block: int) -> bytes:
    """The sums of all blocks of a content, one after the other."""
    return b"".join(xxh64_digest(content[start : start + block]) for start in range(0, len(content), block))


def read_sums(path: str, block: int, start: int, end: int) -> bytes:
    """The sums of the blocks of a part of a file; what is missing because the file became shorter counts as zeros.

    Raises:
        OSError: it cannot be read.
    """
    if end - start < _TOGETHER_BYTES:
        return _read(path, block, start, end)
    middle = start + (end - start) // block // 2 * block
    with ThreadPoolExecutor(1, "pytilt-sums") as beside:
        second = beside.submit(_read, path, block, middle, end)
        return _read(path, block, start, middle) + second.result()


def read_blocks(path: str, found: os.stat_result) -> Blocks:
    """What a file consists of; it is remembered, for `remembered_blocks`.

    Args:
        path: absolute.
        found: what `lstat` said right before.

    Raises:
        OSError: it cannot be read.
    """
    size = found.st_size
    block = block_size(size)
    blocks = Blocks(size, block, read_sums(path, block, 0, size))
    with _lock:
        _known.pop(path, None)
        _known[path] = (_state(found), blocks)
        while len(_known) > _REMEMBERED:
            del _known[next(iter(_known))]
    return blocks


def remembered_blocks(path: str, found: os.stat_result) -> Blocks | None:
    """What a file consists of, where it was read since it changed last."""
    with _lock:
        state, blocks = _known.get(path, (None, None))
    return blocks if state == _state(found) else None


_State = tuple[int, int, int, int, int]

_lock = threading.Lock()
_known: dict[str, tuple[_State, Blocks]] = {}


def _state(found: os.stat_result) -> _State:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read(path: str, block: int, start: int, end: int) -> bytes:
    step = max(_READ_BYTES, block)
    # Begins at the same place of a page as what is read: where it begins a little behind that, as a `bytearray` does,
    # many processors read at a quarter of their speed.
    shift = start % mmap.PAGESIZE
    buffer = memoryview(mmap.mmap(-1, shift + min(step, max(end - start, 1))))[shift:]
    found = []
    with Path(path).open("rb", buffering=0) as source:
        descriptor = source.fileno()
        sparse = _is_sparse(descriptor)
        while start < end:
            if sparse and (hole := _hole(descriptor, start, end)) >= min(block, end - start):
                length = hole if start + hole == end else hole // block * block
                found.append(_zero_sums(length, block))
                start += length
                continue
            part = buffer[: min(step, end - start)]
            filled = 0
            while filled < len(part) and (size := os.preadv(descriptor, [part[filled:]], start + filled)):
                filled += size
            part[filled:] = bytes(len(part) - filled)
            found.append(block_sums(part, block))
            start += len(part)
    return b"".join(found)


def _is_sparse(descriptor: int) -> bool:
    found = os.fstat(descriptor)
    return found.st_blocks * 512 < found.st_size and hasattr(os, "SEEK_DATA")


def _hole(descriptor: int, start: int, end: int) -> int:
    """How long the hole is that begins at a place; 0 where there is data, or the file system knows no holes."""
    try:
        # macOS looks for the next data from the end of those that the place is in, so that is asked first.
        if os.lseek(descriptor, start, os.SEEK_HOLE) != start:
            return 0
        return min(os.lseek(descriptor, start, os.SEEK_DATA), end) - start
    except OSError as error:
        return end - start if error.errno == errno.ENXIO else 0  # nothing but a hole up to its end


def _zero_sums(length: int, block: int) -> bytes:
    """The sums of the blocks of so many zeros."""
    zeros = memoryview(bytes(min(block, length)))
    whole, rest = divmod(length, block)
    return xxh64_digest(zeros) * whole + (xxh64_digest(zeros[:rest]) if rest else b"")
