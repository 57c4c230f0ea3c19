"""The files in which Podman keeps the logs of containers on this machine, read while they grow.

Podman's own following loses lines of a container that writes much: it reads a line that is not written to its end yet,
passes on the half of it, and drops what comes then. Of 20,000 lines written at once 1,600 came (Podman 4.3).
"""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Self

from pytilt.model.times import in_utc, order

READ_BYTES = 256 * 1024

PART_BYTES = 1024**2
"""A line that is longer is passed on in parts, so that nothing waits long for it."""

FIRST_PAUSE, LAST_PAUSE = 0.02, 0.25
"""Seconds between two looks at a file that does not grow; the last is Podman's own."""


class LogFile:
    """An open log file; one that is replaced, since it was too large, is read to its end before the next.

    Args:
        path: of the file.
        descriptor: of the same, open for reading.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._rotated = False

    @classmethod
    def open(cls, path: str) -> Self | None:
        """Open a file; None where there is none that may be read."""
        descriptor = _opened(path)
        return None if descriptor is None else cls(path, descriptor)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def seek(self, since: str) -> None:
        """Go to a place before the first record at or after a time, without reading all that comes before.

        Args:
            since: RFC 3339 in UTC.
        """
        step, start = READ_BYTES, os.fstat(self._descriptor).st_size
        while start > 0:
            start, step = max(0, start - step), 2 * step
            block = os.pread(self._descriptor, READ_BYTES, start)
            begin = 0 if start == 0 else block.find(b"\n") + 1
            stamp, _, _ = block[begin:].partition(b" ")
            if start == 0 or (begin and (time := in_utc(stamp.decode(errors="replace"))) and order(time, since) < 0):
                os.lseek(self._descriptor, start + begin, os.SEEK_SET)
                return

    def read(self) -> bytes:
        """What was written since the last call, not more than `READ_BYTES`; empty: nothing."""
        found = os.read(self._descriptor, READ_BYTES)
        if found or not self._is_replaced():
            return found
        if not self._rotated:  # it may have grown between the two looks
            self._rotated = True
            return self.read()
        replacing = _opened(self._path)
        if replacing is None:
            return b""
        os.close(self._descriptor)
        self._descriptor, self._rotated = replacing, False
        return os.read(self._descriptor, READ_BYTES)

    def _is_replaced(self) -> bool:
        try:
            return not os.path.samestat(Path(self._path).stat(), os.fstat(self._descriptor))
        except OSError:
            return False  # the container was removed


def _opened(path: str) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


class LogRecords:
    """Takes the records of a log file apart: `TIME STREAM F TEXT`, with P instead of F where the line goes on.

    Args:
        since: RFC 3339 in UTC; lines before it are left out. Empty: none are.
        terminal: the output is that of a terminal.
    """

    def __init__(self, since: str, *, terminal: bool) -> None:
        self._since = since
        self._end = b"\r" if terminal else b""
        self._rest: list[bytes] = []
        """A record that is not whole yet, in pieces: it may be long."""
        self._open: dict[bytes, tuple[str, list[bytes]]] = {}
        """Lines that go on, by their streams."""
        self._stamp, self._time = b"", ""

    def feed(self, data: bytes) -> Iterator[tuple[str, str]]:
        """The times and lines that are whole with this data."""
        if b"\n" not in data:
            self._rest.append(data)
            return
        *whole, rest = b"".join((*self._rest, data)).split(b"\n")
        self._rest = [rest] if rest else []
        for record in whole:
            yield from self._record(record)

    def close(self) -> Iterator[tuple[str, str]]:
        """The lines that are not ended: nothing more comes."""
        if self._rest:
            yield from self._record(b"".join(self._rest))
        for time, pieces in self._open.values():
            yield from self._line(time, pieces)

    def _record(self, record: bytes) -> Iterator[tuple[str, str]]:
        stamp, _, rest = record.partition(b" ")
        stream, _, rest = rest.partition(b" ")
        tag, _, text = rest.partition(b" ")
        if tag not in (b"F", b"P"):
            return
        if stamp != self._stamp:  # lines that are written at once have one time
            self._stamp, self._time = stamp, in_utc(stamp.decode(errors="replace")) or self._time
        time, pieces = self._open.pop(stream, (self._time, []))
        pieces.append(text)
        if tag == b"F":
            yield from self._line(time, pieces)
        elif sum(map(len, pieces)) < PART_BYTES:
            self._open[stream] = time, pieces
        else:
            yield from self._line(time, pieces)
            self._open[stream] = time, []

    def _line(self, time: str, pieces: list[bytes]) -> Iterator[tuple[str, str]]:
        if not self._since or order(time, self._since) >= 0:
            yield time, b"".join(pieces).removesuffix(self._end).decode(errors="replace") + "\n"


async def file_lines(
    file: LogFile, since: str, *, terminal: bool, ended: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[tuple[str, str]]:
    """Follow a log file to its end, and close it.

    Args:
        file: the file.
        since: RFC 3339; empty: from the beginning.
        terminal: the container's output is that of a terminal.
        ended: asked when there is nothing new: is the container's program over, so that nothing more comes?

    Yields:
        Times, to the nanosecond, and lines.
    """
    since = in_utc(since) or ""
    records = LogRecords(since, terminal=terminal)
    over, pause = False, FIRST_PAUSE
    try:
        if since:
            file.seek(since)
        while True:
            if data := file.read():
                for line in records.feed(data):
                    yield line
                pause = FIRST_PAUSE
                await asyncio.sleep(0)
            elif over:
                break
            elif not (over := await ended()):
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE)
        for line in records.close():
            yield line
    finally:
        file.close()
