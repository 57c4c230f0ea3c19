"""The log of a session: every line on disk, an index in memory, readers with a cursor.

One file holds the lines of all resources in the order in which they came, one JSON document a line; the index holds
the offset of every line (8 bytes) and, for every resource, the numbers of its lines. A reader's cursor is a number of a
line, so that it never holds more than it asked for, and nothing is ever dropped.
"""

import asyncio
import os
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec.structs import replace

from pytilt.cluster.redaction import Redactor
from pytilt.host.state import explained
from pytilt.model.base import Value
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.times import precise
from pytilt.store.objects import utc_now

BATCH = 2000
"""Lines that a reader gets at once."""

UNWRITTEN_BYTES = 65536
"""So much is collected before it is written."""


class Line(Value):
    """One line of the log."""

    number: int
    """Counts up from 0 over the whole session: a cursor."""
    time: str
    """RFC 3339 with microseconds."""
    resource: ResourceName
    """Empty for lines of the session itself."""
    span: SpanId
    text: str
    """Without the newline."""
    level: Level = Level.INFO
    progress: str = ""
    """Lines of one span with the same non-empty id replace each other where the display can do that."""
    build: bool = False
    """Does it come from an update rather than from what runs?"""
    start: bool = False
    """Is it the header with which an update begins?"""


class Selection(Value):
    """Which lines a reader wants."""

    resources: frozenset[ResourceName] = frozenset()
    """Only these; empty: all."""
    span: SpanId = SpanId("")
    level: Level | None = None
    """Only lines of exactly this level, as Tilt's `--level` has it; headers of updates pass."""
    at_least: Level | None = None
    """Only lines of this level and louder ones; headers of updates do not pass."""
    source: str = "all"
    """`build`, `runtime` or `all`."""
    since: str = ""
    """RFC 3339: only lines at or after it."""

    def wants(self, line: Line) -> bool:
        """Does this line belong?"""
        if self.resources and line.resource not in self.resources:
            return False
        if self.span and line.span != self.span:
            return False
        if self.level is not None and line.level is not self.level and not line.start:
            return False
        if self.at_least is not None and not line.level.is_at_least(self.at_least):
            return False
        if self.source != "all" and line.build != (self.source == "build"):
            return False
        return not self.since or line.time >= self.since


class Span:
    """One writer of the log: a build, a pod, a process. It is a `pytilt.model.logs.Log`."""

    def __init__(self, store: "LogStore", resource: ResourceName, span: SpanId, *, build: bool) -> None:
        self._store = store
        self.resource = resource
        self.id = span
        self._build = build
        self._rest: list[str] = []
        """The pieces of a line that has no newline yet; joined once, as a line can have a hundred megabytes."""

    def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        """Append text; complete lines go to the log at once, the rest when its newline comes."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._append("".join((*self._rest, line)), level, progress)
            self._rest.clear()
        if rest:
            self._rest.append(rest)

    def header(self, text: str) -> None:
        """Append the line with which an update begins."""
        self._append(text, Level.INFO, "", start=True)

    def close(self) -> None:
        """Append what has no newline yet."""
        if self._rest:
            rest = "".join(self._rest)
            self._rest.clear()
            self._append(rest, Level.INFO, "")

    def _append(self, text: str, level: Level, progress: str, *, start: bool = False) -> None:
        self._store.append(
            self.resource,
            self.id,
            _encodable(text.rstrip("\r")),
            level=level,
            progress=progress,
            build=self._build,
            start=start,
        )


def _encodable(text: str) -> str:
    """The text with a `?` for every byte that was no UTF-8, as there may be in names of files."""
    return text if text.isascii() else text.encode(errors="replace").decode()


class LogStore:
    """All log lines of one session.

    Args:
        path: the file that takes the lines; it must not exist.
        clock: returns the time that lines carry.
        opener: opens the file for writing, without a buffer.

    Raises:
        UserError: the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime] = utc_now,
        opener: Callable[[Path], FileIO] = lambda path: FileIO(path, "x"),
    ) -> None:
        self.path = path
        """The file, which stays on disk."""
        with explained(path):
            self._writer = opener(path)
            self._reader: BinaryIO = path.open("rb")
        self._unwritten = bytearray()
        self._written = 0
        self._troubled = False
        self._clock = clock
        self._offsets = array("Q")
        self._end = 0
        self._numbers: defaultdict[ResourceName, array[int]] = defaultdict(lambda: array("Q"))
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Line)
        self.redactor = Redactor()
        """Knows what must not be shown."""
        self._redacted: dict[int, Line] = {}
        """What replaces lines that came before it was known that a secret is in them."""
        self._waiting: set[asyncio.Event] = set()

    def __len__(self) -> int:
        """How many lines there are: the cursor of the next one."""
        return len(self._offsets)

    def span(self, resource: ResourceName, span: SpanId, *, build: bool = False) -> Span:
        """A writer for one build, pod or process."""
        return Span(self, resource, span, build=build)

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        """Replace these values wherever they appear, in the lines that are there too; a secret is never unlearned.

        Args:
            secrets: pairs of a value and what is shown in its place.
        """
        if self.redactor.learn(secrets):
            self._redact()

    def append(
        self,
        resource: ResourceName,
        span: SpanId,
        text: str,
        *,
        level: Level = Level.INFO,
        progress: str = "",
        build: bool = False,
        start: bool = False,
    ) -> None:
        """Append one line, without its newline."""
        line = Line(
            number=len(self._offsets),
            time=precise(self._clock()),
            resource=resource,
            span=span,
            text=self.redactor(text),
            level=level,
            progress=progress,
            build=build,
            start=start,
        )
        encoded = self._encoder.encode(line) + b"\n"
        self._offsets.append(self._end)
        self._numbers[resource].append(line.number)
        self._unwritten += encoded
        self._end += len(encoded)
        if len(self._unwritten) >= UNWRITTEN_BYTES:
            self._write()
        for event in self._waiting:
            event.set()

    def read(self, cursor: int, selection: Selection | None = None, limit: int = BATCH) -> tuple[list[Line], int]:
        """The next lines from a cursor on.

        Args:
            cursor: number of the first line to look at.
            selection: which lines; none: all.
            limit: look at no more than so many lines.

        Returns:
            The lines that were selected, and the cursor to go on with.
        """
        wanted = selection or Selection()
        numbers = self._candidates(cursor, wanted, limit)
        lines = [line for line in self._load(numbers) if wanted.wants(line)]
        if len(numbers) < limit:
            return lines, len(self._offsets)
        return lines, numbers[-1] + 1

    def tail(self, count: int, selection: Selection | None = None, *, before: int | None = None) -> int:
        """The cursor from which on `count` lines of a selection are left (0 when there are fewer).

        Args:
            count: how many lines are wanted.
            selection: which lines; none: all.
            before: count only lines with smaller numbers.
        """
        wanted = selection or Selection()
        numbers = self._numbers_of(wanted)
        end, found = bisect_left(numbers, len(self) if before is None else before), 0
        if not count:
            return len(self) if before is None else before
        while end > 0:
            begin = max(0, end - BATCH)
            for line in reversed(self._load(numbers[begin:end])):
                found += wanted.wants(line)
                if found == count:
                    return line.number
            end = begin
        return 0

    async def follow(self, cursor: int = 0, selection: Selection | None = None) -> AsyncIterator[list[Line]]:
        """All lines from a cursor on, then new ones as they come, in batches; without end."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while True:
                event.clear()
                lines, cursor = self.read(cursor, selection)
                if lines:
                    yield lines
                if cursor >= len(self._offsets):
                    await event.wait()
                else:
                    await asyncio.sleep(0)
        finally:
            self._waiting.discard(event)

    def close(self) -> None:
        """Write what is not written yet and close the file; it stays on disk."""
        if not self._writer.closed:
            self._write()
        self._writer.close()
        self._reader.close()

    def _candidates(self, cursor: int, wanted: Selection, limit: int) -> "range | array[int]":
        numbers = self._numbers_of(wanted)
        first = bisect_left(numbers, cursor)
        return numbers[first : first + limit]

    def _numbers_of(self, wanted: Selection) -> "range | array[int]":
        """The lines to look through: of a single resource, which ones they are is known."""
        if len(wanted.resources) == 1:
            return self._numbers.get(next(iter(wanted.resources)), array("Q"))
        return range(len(self._offsets))

    def _load(self, numbers: "range | array[int]") -> list[Line]:
        if not numbers:
            return []
        if isinstance(numbers, range):
            lines = self._bytes(self._offsets[numbers[0]], self._after(numbers[-1])).splitlines()
        else:
            lines = [self._bytes(self._offsets[number], self._after(number)) for number in numbers]
        return [
            self._redacted.get(number) or self._decoder.decode(line)
            for number, line in zip(numbers, lines, strict=True)
        ]

    def _after(self, number: int) -> int:
        return self._offsets[number + 1] if number + 1 < len(self._offsets) else self._end

    def _bytes(self, begin: int, end: int) -> bytes:
        """What was appended between two offsets, from the disk and from what is not written yet."""
        found = b""
        if begin < self._written:
            self._reader.seek(begin)
            found = self._reader.read(min(end, self._written) - begin)
        rest = max(begin, self._written)
        return found + bytes(self._unwritten[rest - self._written : end - self._written]) if end > rest else found

    def _redact(self) -> None:
        """Take secrets out of the lines that are there.

        In the file as many asterisks overwrite them, so that no other line moves. Readers get what is shown in their
        place, which may be longer, from memory.
        """
        for begin in range(0, len(self), BATCH):
            for line in self._load(range(begin, min(begin + BATCH, len(self)))):
                if self.redactor.found(line.text):
                    self._redacted[line.number] = replace(line, text=self.redactor(line.text))
                    self._overwrite(line.number)
        before, self._reader = self._reader, os.fdopen(os.dup(self._reader.fileno()), "rb")
        before.close()  # it may hold what was overwritten

    def _overwrite(self, number: int) -> None:
        begin = self._offsets[number]
        line = self._decoder.decode(self._bytes(begin, self._after(number)))
        starred = self._encoder.encode(replace(line, text=self.redactor.replaced(line.text, self._asterisks)))
        written = max(0, min(self._written - begin, len(starred)))
        if written:
            with suppress(OSError):  # the disk may fail; what readers get does not come from there
                os.pwrite(self._writer.fileno(), starred[:written], begin)
        if written < len(starred):
            start = begin + written - self._written
            self._unwritten[start : start + len(starred) - written] = starred[written:]

    def _asterisks(self, found: str, _: str) -> str:
        """As many as the bytes that a text takes in the file."""
        return "*" * (len(self._encoder.encode(found)) - len('""'))

    def _write(self) -> None:
        """Write what was collected. A full disk loses nothing: it stays in memory until it can be written."""
        try:
            count = self._writer.write(self._unwritten) or 0
        except OSError as problem:
            if not self._troubled:
                self._troubled = True
                reason = (problem.strerror or str(problem)).lower()
                text = f"`{self.path}`: {reason}; log lines are kept in memory until it can be written"
                self.append(ResourceName(""), SpanId("log"), text, level=Level.WARN)
            return
        self._troubled = False
        self._written += count
        del self._unwritten[:count]
