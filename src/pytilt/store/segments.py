"""The bytes of a log on disk, in segments: the oldest one goes when there is too much.

A position counts bytes from the begin of the log, whether they are still there or not. What the disk does not take
stays in memory until it does.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

from pytilt.host.state import explained
from pytilt.model.base import Value
from pytilt.store.scanner import Piece

UNWRITTEN_BYTES = 65536
"""So much is collected before it is written."""

SEGMENTS = 16
"""A log is cut into so many parts; the oldest one goes when it has reached its limit."""

SEGMENT_SECONDS = 24 * 3600.0
"""A segment takes no more bytes after so long."""

KEPT_SECONDS = 14 * 24 * 3600.0
"""A segment goes when its last byte is so old."""

MEMORY_BYTES = 256 * 1024**2
"""So much is kept in memory while the disk takes nothing; then the oldest of it goes."""

RETRY_SECONDS = 1.0
"""A disk that took nothing is asked again after so long."""

Opener = Callable[[Path], FileIO]


class Limits(Value):
    """How much of a log is kept."""

    bytes_kept: int = 1024**3
    segment_seconds: float = SEGMENT_SECONDS
    kept_seconds: float = KEPT_SECONDS
    memory_bytes: int = MEMORY_BYTES


class _Segment:
    """A file with a part of the log."""

    def __init__(self, file: FileIO, reader: int, path: Path, begin: int, born: float) -> None:
        self.file = file
        self.reader = reader
        self.path = path
        self.begin = begin
        self.end = begin
        self.born = born
        self.last = born
        state = os.fstat(reader)
        self.device, self.inode = state.st_dev, state.st_ino

    def close(self, *, remove: bool = False) -> None:
        self.file.close()
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1
        if remove:
            self.path.unlink(missing_ok=True)


class Segments:
    """Bytes that are appended, and read by position.

    Args:
        path: the file with the newest bytes, which must not exist; older ones are beside it as `PATH.1`, `PATH.2`, ….
        limits: how much is kept.
        clock: returns seconds that never go back.
        opener: opens a file for writing, without a buffer.

    Raises:
        UserError: the file cannot be made.
    """

    def __init__(self, path: Path, limits: Limits, clock: Callable[[], float], opener: Opener) -> None:
        self.path = path
        self._limits = limits
        self._clock = clock
        self._opener = opener
        self._closed: list[_Segment] = []
        self._count = 0
        self._unwritten = bytearray()
        self._retry_at = 0.0
        self.trouble = ""
        """Why the disk takes nothing now; empty: it does."""
        with explained(path):
            self._open = self._new(0)

    @property
    def begin(self) -> int:
        """The position of the first byte that is still there."""
        return self._closed[0].begin if self._closed else self._open.begin

    @property
    def end(self) -> int:
        """The position of the next byte."""
        return self._open.end + len(self._unwritten)

    def append(self, *pieces: bytes) -> None:
        """Append bytes that stay together."""
        for piece in pieces:
            self._unwritten += piece
        if len(self._unwritten) >= UNWRITTEN_BYTES:
            self.write()

    def read(self, begin: int, end: int) -> bytes:
        """The bytes between two positions, from the disk and from memory."""
        parts = [self._read(segment, begin, end) for segment in self._closed if segment.end > begin]
        parts.append(self._read(self._open, begin, end))
        written = self._open.end
        if end > written:
            start = max(begin, written) - written
            parts.append(bytes(memoryview(self._unwritten)[start : end - written]))
        some = [part for part in parts if part]  # to join a long part with empty ones copies it
        return some[0] if len(some) == 1 else b"".join(some)

    def pieces(self, begin: int, end: int) -> Iterator[Piece]:
        """Where the bytes between two positions are, for another process; what is in memory only comes itself."""
        for segment in (*self._closed, self._open):
            first, last = max(begin, segment.begin), min(end, segment.end)
            if first < last:
                yield str(segment.path), segment.device, segment.inode, first - segment.begin, last - segment.begin
        if end > self._open.end:
            yield self.read(max(begin, self._open.end), end)

    def overwrite(self, begin: int, data: bytes) -> None:
        """Put other bytes in the place of those from a position on."""
        for segment in (*self._closed, self._open):
            first, last = max(begin, segment.begin), min(begin + len(data), segment.end)
            if first < last:
                with suppress(OSError):  # the disk may fail; what readers get does not come from there
                    os.pwrite(segment.file.fileno(), data[first - begin : last - begin], first - segment.begin)
        written = self._open.end
        if begin + len(data) > written:
            first = max(begin, written)
            self._unwritten[first - written : begin + len(data) - written] = data[first - begin :]

    def write(self) -> None:
        """Write what was collected. A full disk loses nothing: it stays in memory until it can be written."""
        now = self._clock()
        if self.trouble and now < self._retry_at:
            return
        try:
            count = self._open.file.write(self._unwritten) or 0
        except OSError as problem:
            self.trouble = (problem.strerror or str(problem)).lower()
            self._retry_at = now + RETRY_SECONDS
            self._spare_memory(now)
            return
        self.trouble = ""
        self._open.end += count
        self._open.last = now
        del self._unwritten[:count]
        if not self._unwritten:
            self._rotate(now)

    def close(self) -> None:
        """Write what is not written yet and close the files, which stay on disk."""
        if not self._open.file.closed:
            self._retry_at = 0.0
            self.write()
        for segment in (*self._closed, self._open):
            segment.close()

    def _read(self, segment: _Segment, begin: int, end: int) -> bytes:
        first, last = max(begin, segment.begin), min(end, segment.end)
        return os.pread(segment.reader, last - first, first - segment.begin) if first < last else b""

    def _new(self, begin: int) -> _Segment:
        file = self._opener(self.path)
        try:
            reader = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except BaseException:
            file.close()
            raise
        return _Segment(file, reader, self.path, begin, self._clock())

    def _rotate(self, now: float) -> None:
        """Begin another segment when this one is full or old, and remove those that are too much or too old."""
        limits, segment = self._limits, self._open
        full = segment.end - segment.begin >= max(limits.bytes_kept // SEGMENTS, UNWRITTEN_BYTES)
        if segment.end == segment.begin or not (full or now - segment.born >= limits.segment_seconds):
            return
        if self._begin_segment(segment.end):
            self._closed.append(segment)
        while self._closed and (
            self.end - self._closed[0].begin > limits.bytes_kept or now - self._closed[0].last > limits.kept_seconds
        ):
            self._closed.pop(0).close(remove=True)

    def _begin_segment(self, begin: int) -> bool:
        """Go on in another file; returns False where it cannot be made, and the present one goes on."""
        before = self._open
        kept = self.path.with_name(f"{self.path.name}.{self._count + 1}")
        try:
            with suppress(FileNotFoundError):  # somebody may tidy up while a session runs
                self.path.rename(kept)
            self._open = self._new(begin)
        except OSError:
            with suppress(OSError):
                kept.rename(self.path)
            return False
        self._count += 1
        before.path = kept
        return True

    def _spare_memory(self, now: float) -> None:
        """Give up the oldest bytes when the disk takes nothing and memory holds enough."""
        if len(self._unwritten) < self._limits.memory_bytes:
            return
        if self._closed:  # that makes room on the disk too
            self._closed.pop(0).close(remove=True)
            return
        surplus = len(self._unwritten) // 2
        before = self._open
        self._open = _Segment(before.file, before.reader, before.path, before.end + surplus, now)
        with suppress(OSError):
            before.file.truncate(0)
            before.file.seek(0)
        del self._unwritten[:surplus]
