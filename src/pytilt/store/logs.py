"""The log of a session: every line on disk, an index in memory, readers with a cursor.

What one source says at once is one block: a line of JSON with its source, time and number of lines, then the lines as
they are. Blocks are taken, kept and passed on whole; single lines are made where somebody wants them. A reader's cursor
is the number of a line, so that it never holds more than it asked for.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, KeysView, Sequence
from datetime import datetime, timedelta
from io import FileIO
from itertools import islice
from pathlib import Path

import msgspec

from pytilt.cluster.redaction import Redactor
from pytilt.model.base import Value
from pytilt.model.lines import Block, Line, Selection, Source
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.times import EPOCH, micros_at, time_of
from pytilt.store.blocks import BlockEntry, BlockIndex
from pytilt.store.objects import utc_now
from pytilt.store.scanner import Piece
from pytilt.store.segments import Limits, Opener, Segments
from pytilt.store.spans import Later, Span

BATCH = 2000
"""Lines that a reader gets at once."""

BLOCK_BYTES = 65536
"""Longer texts are cut into several blocks, at a newline."""

READ_BYTES = 1024**2
"""So much text is read at once."""

TURN_BYTES = 256 * 1024
"""So much text is read in one turn of the event loop."""

TURN_BLOCKS = 200
"""So many blocks are read in one turn of the event loop: each takes a few microseconds, however short it is."""

SKIPPED = 20_000
"""So many blocks are looked at at once for those that belong to a selection."""

TURN_LOOKS = 2000
"""So many blocks are looked at in one turn of the event loop."""

HEADS = 1000
"""Of so many sources the beginning of a block's title is remembered: every update is a source of its own."""

GAP_BYTES = 4096
"""So much between two blocks is read with them: to read twice takes longer."""


class Portion(Value):
    """How much is read at once."""

    size: int = READ_BYTES
    blocks: int = SKIPPED
    looks: int = SKIPPED
    """Blocks that are looked at."""


TURN = Portion(size=TURN_BYTES, blocks=TURN_BLOCKS, looks=TURN_LOOKS)


def new_file(path: Path) -> FileIO:
    """Open a file that does not exist yet, for writing without a buffer."""
    return FileIO(path, "x")


class LogStore:
    """All log lines of one session.

    Args:
        path: the file that takes the lines; it must not exist.
        clock: returns the time that lines carry.
        opener: opens the file for writing, without a buffer.
        limits: how much is kept.
        seconds: a clock that never goes back.

    Raises:
        UserError: the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime] = utc_now,
        opener: Opener = new_file,
        limits: Limits | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        """The file with the newest lines, which stays on disk."""
        self._segments = Segments(path, limits or Limits(), seconds, opener)
        self.seconds = seconds
        """A clock that never goes back."""
        self._clock = clock
        self._index = BlockIndex()
        self._heads: dict[Source, bytes] = {}
        self._micros = 0
        self._begin = 0
        """Where the log begins since its oldest lines were removed."""
        self._reported: set[str] = set()
        self.redactor = Redactor()
        """Knows what must not be shown."""
        self._redacted: dict[int, str] = {}
        """What replaces blocks that came before it was known that a secret is in them."""
        self._waiting: set[asyncio.Event] = set()

    def __len__(self) -> int:
        """How many lines there were: the cursor of the next one."""
        return self._index.next_number

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._segments.end - self._segments.begin

    @property
    def first_number(self) -> int:
        """Of the first line that is still kept."""
        return self._index.first_number

    def span(self, resource: ResourceName, span: SpanId, *, build: bool = False, later: Later | None = None) -> Span:
        """A writer for one build, pod or process; see `Span`."""
        return Span(self, resource, span, build=build, later=later)

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
        source = Source(resource=resource, span=span, level=level, progress=progress, build=build, start=start)
        self.append_text(source, text)

    def append_text(self, source: Source, text: str) -> None:
        """Append lines of one source, with newlines between them."""
        encoded = (self.redactor.replaced(text, _within_lines) if self.redactor else text).encode()
        begin, size = 0, len(encoded)
        while size - begin > BLOCK_BYTES:
            end = encoded.rfind(b"\n", begin, begin + BLOCK_BYTES)
            end = encoded.find(b"\n", begin) if end < 0 else end
            if end < 0:
                break
            self._append(source, encoded[begin:end])
            begin = end + 1
        self._append(source, encoded[begin:] if begin else encoded)
        self._look_after_disk()
        for event in self._waiting:
            event.set()

    def read(self, cursor: int, selection: Selection | None = None, limit: int = BATCH) -> tuple[list[Line], int]:
        """The next lines from a cursor on.

        Args:
            cursor: number of the first line to look at.
            selection: which lines; none: all.
            limit: no more than so many lines.

        Returns:
            The lines that were selected, and the cursor to go on with.
        """
        blocks, after = self.read_blocks(cursor, selection, limit)
        found = list(islice(each_line(blocks, cursor), limit + 1))
        return (found[:limit], found[limit].number) if len(found) > limit else (found, after)

    def read_blocks(
        self, cursor: int, selection: Selection | None = None, limit: int | None = None
    ) -> tuple[list[Block], int]:
        """The next blocks from a cursor on, about a megabyte of them; lines of the first one may be before the cursor.

        Args:
            cursor: number of the first line to look at.
            selection: which lines; none: all.
            limit: stop at the block with which there are so many lines.

        Returns:
            The blocks that were selected, and the cursor to go on with.
        """
        return self._read_blocks(cursor, selection or Selection(), limit, Portion())

    def read_turn(
        self, cursor: int, selection: Selection | None = None, limit: int | None = None
    ) -> tuple[list[Block], int]:
        """The same, but no more than may be read in one turn of the event loop."""
        return self._read_blocks(cursor, selection or Selection(), limit, TURN)

    def _read_blocks(
        self, cursor: int, wanted: Selection, limit: int | None, portion: "Portion"
    ) -> tuple[list[Block], int]:
        keys = self._index.keys(wanted, range(cursor, len(self)), first=portion.looks + 1)
        accepted = self._index.accepted(wanted)
        taken: list[BlockEntry] = []
        size = lines = 0
        for key in islice(keys, portion.looks):
            entry = self._index.entry(key) if accepted(key) else None
            if entry is not None and entry.number + entry.count > cursor:
                taken.append(entry)
                size += entry.size
                lines += entry.number + entry.count - max(cursor, entry.number)
                full = size >= portion.size or len(taken) >= portion.blocks
                if full or (limit is not None and lines >= limit):
                    return self._load(taken), entry.number + entry.count
        if len(keys) > portion.looks:
            return self._load(taken), self._index.entry(keys[portion.looks]).number
        return self._load(taken), len(self)

    def tail(self, count: int, selection: Selection | None = None, *, before: int | None = None) -> int:
        """The cursor from which on `count` lines of a selection are left (the first one when there are fewer).

        Args:
            count: how many lines are wanted.
            selection: which lines; none: all.
            before: count only lines with smaller numbers.
        """
        return next(cursor for cursor in self._tails(count, selection, before) if cursor is not None)

    async def find_tail(self, count: int, selection: Selection | None = None, *, before: int | None = None) -> int:
        """The same, with room for others where many blocks are looked at."""
        for cursor in self._tails(count, selection, before):
            if cursor is not None:
                return cursor
            await asyncio.sleep(0)
        return 0

    def _tails(self, count: int, selection: Selection | None, before: int | None) -> Iterator[int | None]:
        """The cursor of a tail, after a None for each turn of the event loop that was used up."""
        wanted, end = selection or Selection(), len(self) if before is None else min(before, len(self))
        if not count or wanted == Selection():
            yield max(0, end - count)
            return
        found = 0
        while keys := self._index.keys(wanted, range(end), last=TURN_LOOKS):
            accepted = self._index.accepted(wanted)
            for key in reversed(keys):
                if accepted(key):
                    entry = self._index.entry(key)
                    found += min(entry.number + entry.count, end) - entry.number
                    if found >= count:
                        yield entry.number + found - count
                        return
            end = self._index.entry(keys[0]).number
            yield None
        yield 0

    async def follow(self, cursor: int = 0, selection: Selection | None = None) -> AsyncIterator[list[Line]]:
        """All lines from a cursor on, then new ones as they come, in batches; without end."""
        async for blocks in self.follow_blocks(cursor, selection):
            lines = each_line(blocks, cursor)
            while batch := list(islice(lines, BATCH)):
                yield batch

    async def follow_blocks(
        self, cursor: int = 0, selection: Selection | None = None, *, gather: float = 0.0
    ) -> AsyncIterator[list[Block]]:
        """The same in blocks; lines of the first one may be before the cursor.

        Args:
            cursor: number of the first line.
            selection: which lines; none: all.
            gather: so many seconds after a new line it is passed on, with all that have come by then.
        """
        with self.changes() as event:
            while True:
                event.clear()
                blocks, cursor = self.read_turn(cursor, selection)
                if blocks:
                    yield blocks
                if cursor >= len(self):
                    await event.wait()
                    if gather:
                        await asyncio.sleep(gather)
                else:
                    await asyncio.sleep(0)

    def now(self) -> datetime:
        """The time, not before that of the last line, also where the clock was set back."""
        return max(self._clock(), EPOCH + timedelta(microseconds=self._micros))

    def changes(self) -> "ChangeEvent":
        """An event that is set whenever a line comes, for as long as a block."""
        return ChangeEvent(self._waiting)

    def close(self) -> None:
        """Write what is not written yet and close the file; it stays on disk."""
        self._segments.close()

    @property
    def index(self) -> BlockIndex:
        """What is where, for a search."""
        return self._index

    def pieces(self, begin: int, end: int) -> tuple[Piece, ...]:
        """Where the bytes between two positions are."""
        return tuple(self._segments.pieces(begin, end))

    def bytes_between(self, begin: int, end: int) -> bytes:
        """The bytes between two positions."""
        return self._segments.read(begin, end)

    def time_of(self, entry: BlockEntry) -> str:
        """When the lines of a block came."""
        return time_of(entry.micros)

    def block(self, key: int) -> Block:
        """One block."""
        (found,) = self._load([self._index.entry(key)])
        return found

    @property
    def redacted(self) -> KeysView[int]:
        """The blocks whose text is not the one on disk."""
        return self._redacted.keys()

    def _append(self, source: Source, text: bytes) -> None:
        """Append one block."""
        micros = self._micros = max(self._micros, micros_at(self._clock()))
        count = text.count(b"\n") + 1
        head = self._heads.get(source)
        if head is None:
            if len(self._heads) >= HEADS:
                self._heads.clear()
            head = self._heads[source] = msgspec.json.encode(source)[:-1]
        title = b'%s,"time":"%s","lines":%d}\n' % (head, time_of(micros).encode(), count)
        begin = self._segments.end + len(title)
        self._segments.append(title, text, b"\n")
        self._index.add(source, micros, count, begin, len(text))

    def _look_after_disk(self) -> None:
        """Forget what was removed from the disk, and log what is wrong with it."""
        if self._segments.begin > self._begin:
            self._begin = self._segments.begin
            self._index.drop(self._begin)
            self._report("old", "the log has reached its limit; its oldest lines are removed from now on")
        trouble = self._segments.trouble
        if trouble:
            text = f"`{self.path}`: {trouble}; log lines are kept in memory until it can be written"
            self._report("trouble", text)
        else:
            self._reported.discard("trouble")

    def _report(self, what: str, text: str) -> None:
        if what not in self._reported:
            self._reported.add(what)
            self.append(ResourceName(""), SpanId("log"), text, level=Level.WARN)

    def _load(self, entries: Sequence[BlockEntry]) -> list[Block]:
        """Read blocks; those that are near each other at once."""
        found: list[Block] = []
        start = 0
        while start < len(entries):
            begin, stop = entries[start].begin, start + 1
            end = begin + entries[start].size
            while stop < len(entries) and entries[stop].begin - end <= GAP_BYTES and end - begin <= READ_BYTES:
                end = entries[stop].begin + entries[stop].size
                stop += 1
            data = self._segments.read(begin, end)
            found += (
                self._made(entry, data[entry.begin - begin : entry.begin - begin + entry.size])
                for entry in entries[start:stop]
            )
            start = stop
        return found

    def _made(self, entry: BlockEntry, data: bytes) -> Block:
        text = self._redacted.get(entry.key)
        if text is None:
            text = data.decode(errors="replace")
        return Block(number=entry.number, time=time_of(entry.micros), source=entry.source, text=text)

    def _redact(self) -> None:
        """Take secrets out of the lines that are there.

        In the file as many asterisks overwrite them, so that nothing moves. Readers get what is shown in their
        place, which may be longer, from memory.
        """
        keys = self._index.keys(Selection(), range(len(self)))
        for some in self._index.spans(keys, READ_BYTES):
            first, last = self._index.entry(some[0]), self._index.entry(some[-1])
            data = self.bytes_between(first.begin, last.begin + last.size)
            kept = any(key in self._redacted for key in some)
            if not kept and not self.redactor.found(data.decode(errors="replace")):
                continue
            for block, key in zip(self._load([self._index.entry(key) for key in some]), some, strict=True):
                if self.redactor.found(block.text):
                    self._redacted[key] = self.redactor.replaced(block.text, _as_many_lines)
                    self._overwrite(self._index.entry(key))

    def _overwrite(self, entry: BlockEntry) -> None:
        data = self._segments.read(entry.begin, entry.begin + entry.size)
        starred = self.redactor.replaced(data.decode(errors="surrogateescape"), _asterisks)
        self._segments.overwrite(entry.begin, starred.encode(errors="surrogateescape"))


class ChangeEvent:
    """An event among others that are set together, for as long as a block."""

    def __init__(self, events: set[asyncio.Event]) -> None:
        self._events = events
        self._event = asyncio.Event()

    def __enter__(self) -> asyncio.Event:
        """Begin."""
        self._events.add(self._event)
        return self._event

    def __exit__(self, *_: object) -> None:
        """End."""
        self._events.discard(self._event)


def each_line(blocks: Iterable[Block], cursor: int) -> Iterator[Line]:
    """The lines of blocks from a cursor on."""
    return (line for block in blocks for line in block.since(cursor).lines() if line.number >= cursor)


def _within_lines(found: str, shown: str) -> str:
    """What is shown in the place of a secret: newlines around it separate it from other lines."""
    return "\n" * found.startswith("\n") + shown + "\n" * found.endswith("\n")


def _as_many_lines(found: str, shown: str) -> str:
    """What is shown in the place of a secret of several lines: the lines after it keep their numbers."""
    return shown + "\n" * found.count("\n")


def _asterisks(found: str, _: str) -> str:
    """As many as the bytes that a text takes in the file."""
    return "\n".join("*" * len(line.encode(errors="surrogateescape")) for line in found.split("\n"))
