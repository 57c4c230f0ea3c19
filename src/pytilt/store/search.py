"""Searching a log: scanners say in which of its lines the pattern is; lines are made of those alone."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from itertools import groupby

from msgspec.structs import replace

from pytilt.model.base import Value
from pytilt.model.lines import Line, Selection
from pytilt.store.logs import LogStore
from pytilt.store.scanner import Piece
from pytilt.store.scanner_pool import LogScanner, ScanResult, StalePieceError

PART_BYTES = 4 * 1024**2
"""So much is scanned by one request."""

ENOUGH = 2000
"""A part is scanned until there are so many lines: nobody may want the others."""

TURN_SECONDS = 0.002
"""Lines are made for so long before others have their turn."""

TURN_PLACES = 100
"""So many lines are passed on at once."""

TURN_LINES = 25
"""So many lines are made between two looks at the clock: each may need another block of the log."""

TURN_CONTEXT = 20
"""So many lines around those that are found are read at once."""

TURN_KEYS = 20_000
"""So many blocks are chosen at once."""


class LogSearch(Value):
    """What somebody searches a log for."""

    pattern: str
    """A regular expression, in which `(?i)` makes capitals and small letters the same."""
    selection: Selection = Selection()
    context: int = 0
    """So many lines of the selection before and after each that is found come with it."""


GAP = None
"""Stands between lines that do not follow each other, where lines come with those around them."""


class SearchPart(Value):
    """A part of the log that is scanned at once."""

    origin: int
    """Position of its first block."""
    begin: int
    """Position from which on it is scanned."""
    end: int
    text: bytes | None = None
    """What replaces its one block, where that holds secrets; its first byte counts as that at the block's position."""


class _TurnClock:
    """Gives others their turn when the time is up."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    async def over(self) -> None:
        if time.perf_counter() - self._began > TURN_SECONDS:
            await asyncio.sleep(0)
            self._began = time.perf_counter()


class MatchReader:
    """Finds the lines of a selection that have a pattern, from one end of some lines to the other.

    Args:
        logs: the log.
        scanner: scans it.
        wanted: what is searched for.
        numbers: of the lines that are looked at.
        backward: begin with the last ones?
    """

    def __init__(
        self, logs: LogStore, scanner: LogScanner, wanted: LogSearch, numbers: range, *, backward: bool = False
    ) -> None:
        self._logs = logs
        self._scanner = scanner
        self._wanted = wanted
        self._numbers = numbers
        self._backward = backward

    async def some(self, at_once: int = TURN_PLACES) -> AsyncGenerator[list[Line]]:
        """Lines, no more at once than so many, in order among themselves."""
        turn = _TurnClock()
        async with aclosing(self._scanned(turn)) as scanned:
            async for part, positions in scanned:
                places = range(0, len(positions), at_once)
                for place in reversed(places) if self._backward else places:
                    end, lines = min(place + at_once, len(positions)), list[Line]()
                    for begin in range(place, end, TURN_LINES):
                        lines += self._made(part, positions[begin : min(begin + TURN_LINES, end)])
                        await turn.over()
                    yield lines

    async def _scanned(self, turn: _TurnClock) -> AsyncGenerator[tuple[SearchPart, Sequence[int]]]:
        """The parts in order, and where lines of them begin that have the pattern; several are scanned at once."""
        parts = self._parts()
        ahead: deque[tuple[SearchPart, asyncio.Future[ScanResult]]] = deque()
        try:
            while True:
                while len(ahead) < self._scanner.ahead and (part := next(parts, None)):
                    ahead.append((part, self._scan(self._pieces(part))))
                    await turn.over()
                if not ahead:
                    return
                part, scan = ahead[0]
                try:
                    found = await scan
                except StalePieceError:
                    data = self._logs.bytes_between(part.begin, part.end)
                    ahead[0] = (part, self._scan((data,)))
                    continue
                ahead.popleft()
                if rest := self._rest(part, found):
                    ahead.appendleft((rest, self._scan(self._pieces(rest))))
                yield part, [part.begin + begin for begin in found.begins]
        finally:
            for _, scan in ahead:
                if not scan.cancel():
                    scan.exception()

    def _scan(self, pieces: Sequence[Piece]) -> "asyncio.Future[ScanResult]":
        return self._scanner.scan(self._wanted.pattern, pieces, backward=self._backward, enough=ENOUGH)

    def _pieces(self, part: SearchPart) -> Sequence[Piece]:
        if part.text is None:
            return self._logs.pieces(part.begin, part.end)
        end = part.origin + len(part.text)
        return (part.text[part.begin - part.origin : len(part.text) - (end - part.end)],)

    def _rest(self, part: SearchPart, found: ScanResult) -> SearchPart | None:
        """What was not scanned, as there was enough."""
        if self._backward:
            return replace(part, end=part.begin + found.first) if found.first else None
        return replace(part, begin=part.begin + found.last) if part.begin + found.last < part.end else None

    def _parts(self) -> Iterator[SearchPart]:
        index = self._logs.index
        for keys in self._windows():
            for some in (index.spans_from_end if self._backward else index.spans)(keys, PART_BYTES):
                yield from self._without_secrets(some)

    def _windows(self) -> Iterator[Sequence[int]]:
        """The keys of the blocks with lines of the selection, many at once, in the order of the search."""
        index, selection, left = self._logs.index, self._wanted.selection, self._numbers
        while left:
            if self._backward:
                keys = index.keys(selection, left, last=TURN_KEYS)
                left = range(left.start, index.entry(keys[0]).number) if keys else left[:0]
            else:
                keys = index.keys(selection, left, first=TURN_KEYS)
                left = range(index.entry(keys[-1]).after, left.stop) if keys else left[:0]
            yield keys

    def _without_secrets(self, keys: Sequence[int]) -> Iterator[SearchPart]:
        """Parts of consecutive blocks; one whose text is not the one on disk is a part by itself."""
        redacted = self._logs.redacted
        if not redacted or redacted.isdisjoint(keys):
            yield self._part(keys)
            return
        runs: list[list[int]] = []
        for hidden, grouped in groupby(keys, redacted.__contains__):
            run = [*grouped]
            runs += [[key] for key in run] if hidden else [run]
        for some in reversed(runs) if self._backward else runs:
            if some[0] >= self._logs.index.first_key:
                yield self._part(some)

    def _part(self, keys: Sequence[int]) -> SearchPart:
        first, last = self._logs.index.entry(keys[0]), self._logs.index.entry(keys[-1])
        begin, end = first.begin, last.begin + last.size + 1
        if keys[0] not in self._logs.redacted:
            return SearchPart(origin=begin, begin=begin, end=end)
        text = self._logs.block(keys[0]).text.encode() + b"\n"
        return SearchPart(origin=begin, begin=begin, end=begin + len(text), text=text)

    def _made(self, part: SearchPart, positions: Sequence[int]) -> list[Line]:
        """The lines that begin at some positions, without those that are not wanted and the titles of blocks."""
        index, redacted, found = self._logs.index, self._logs.redacted, list[Line]()
        accepted = index.accepted(self._wanted.selection)
        after, entry = -1, None
        data, counted, number, moment = b"", 0, 0, ""
        for position in positions:
            if position > after:
                key = index.at(position if part.text is None else part.origin)
                if key is None or not accepted(key) or (part.text is None and key in redacted):
                    entry = None
                    continue
                entry = index.entry(key)
                data = (
                    self._logs.bytes_between(entry.begin, entry.begin + entry.size) if part.text is None else part.text
                )
                after, counted, number, moment = entry.begin + len(data), 0, entry.number, self._logs.time_of(entry)
            if entry is not None:
                begin = position - entry.begin
                number += data.count(b"\n", counted, begin)
                counted = begin
                if number in self._numbers:
                    end = data.find(b"\n", begin)
                    text = data[begin : len(data) if end < 0 else end].decode(errors="replace")
                    found.append(entry.source.line(number, moment, text))
        return found


class ContextReader:
    """Adds the lines before and after those that are found, each once, and gaps between them.

    Args:
        logs: the log.
        wanted: what is searched for.
        shown: number of the first line that may come.
    """

    def __init__(self, logs: LogStore, wanted: LogSearch, shown: int) -> None:
        self._logs = logs
        self._wanted = wanted
        self._shown = shown
        """The number after that of the last line that was passed on."""
        self._after = 0
        """So many lines are to follow it yet."""
        self._found_any = False

    def around(self, line: Line) -> Iterator[Line | None]:
        """A line that was found, after those that come before it."""
        yield from self.following(line.number)
        context, selection = self._wanted.context, self._wanted.selection
        begin = max(self._shown, self._logs.tail(context, selection, before=line.number))
        before = self._lines(range(begin, line.number), context)
        first = before[0].number if before else line.number
        if self._found_any and self._lines(range(self._shown, first), 1):
            yield GAP
        yield from before
        yield line
        self._found_any, self._shown, self._after = True, line.number + 1, context

    def following(self, end: int) -> Iterator[Line]:
        """The lines that come after what was found, before a number."""
        if not self._after:
            return
        for line in self._lines(range(self._shown, end), self._after):
            self._shown, self._after = line.number + 1, self._after - 1
            yield line

    def _lines(self, numbers: range, count: int) -> list[Line]:
        """The first lines of the selection among those with these numbers."""
        found: list[Line] = []
        cursor = numbers.start
        while cursor < numbers.stop and len(found) < count:
            lines, cursor = self._logs.read(cursor, self._wanted.selection, count - len(found))
            found += lines
        return [line for line in found if line.number < numbers.stop]


class LogSearcher:
    """Carries out a search from a line on, as far as the log goes by then.

    Args:
        logs: the log.
        scanner: scans it.
        wanted: what is searched for.
        cursor: number of the first line to look at.
    """

    def __init__(self, logs: LogStore, scanner: LogScanner, wanted: LogSearch, cursor: int) -> None:
        self._logs = logs
        self._scanner = scanner
        self._wanted = wanted
        self._cursor = cursor
        self._surroundings = ContextReader(logs, wanted, cursor)

    async def advance(self, end: int) -> AsyncGenerator[list[Line | None]]:
        """The lines to show from where the last call ended up to a number, as many at once as a turn may take.

        Raises:
            UserError: the pattern is none, or the search for it cannot go on.
        """
        context, numbers = self._wanted.context, range(self._cursor, end)
        at_once = max(1, TURN_CONTEXT // context) if context else TURN_PLACES
        async with aclosing(MatchReader(self._logs, self._scanner, self._wanted, numbers).some(at_once)) as matches:
            async for found in matches:
                if context:
                    yield [each for line in found for each in self._surroundings.around(line)]
                else:
                    yield [*found]
        self._cursor = end
        yield [*self._surroundings.following(end)]


async def check(logs: LogStore, scanner: LogScanner, pattern: str) -> None:
    """Have a pattern looked at before a search, by as many workers as that will take: they start beside each other.

    Raises:
        UserError: it is no regular expression, or the search cannot begin.
    """
    await asyncio.gather(*(scanner.scan(pattern, ()) for _ in range(min(scanner.workers, 1 + logs.size // PART_BYTES))))


async def backward(
    logs: LogStore, scanner: LogScanner, wanted: LogSearch, numbers: range
) -> AsyncGenerator[list[Line | None]]:
    """The lines that are found among those with these numbers: the newest part of the log first, each part in order.

    Where lines come with those around them, a line may be in two parts.

    Raises:
        UserError: the pattern is none, or the search for it cannot go on.
    """
    at_once = max(1, TURN_CONTEXT // wanted.context) if wanted.context else TURN_PLACES
    async with aclosing(MatchReader(logs, scanner, wanted, numbers, backward=True).some(at_once)) as matches:
        async for found in matches:
            if not wanted.context:
                yield [*found]
            elif found:
                around = ContextReader(logs, wanted, numbers.start)
                lines = [each for line in found for each in around.around(line)]
                yield [*lines, *around.following(numbers.stop)]
