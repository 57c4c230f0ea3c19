"""Searching a log: most of it is looked at by nothing but a search; lines are made of what that finds."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from pytilt.errors import UserError
from pytilt.host.processor_limit import ProcessorTimeUsedUpError, limited
from pytilt.model.base import Value
from pytilt.model.lines import Line, Selection
from pytilt.store.logs import LogStore

PART_BYTES = 256 * 1024
"""So much is searched at once for a word."""

PATTERN_BYTES = 32 * 1024
"""So much is searched at once for a pattern of which no word is known: that takes ten times as long and more."""

PATTERN_SECONDS = 0.1
"""A pattern may look so long at what is searched at once. Nearly all take a few milliseconds; some would take years."""

SHORTEST_PART = 4
"""A shorter part of a word is in too many others."""

SAMPLE_BYTES = 4096
"""So much of a part says which letters are rare in it."""

FEW = 30
"""So many places can be looked at in less time than all letters can be made small."""

TURN_PLACES = 100
"""So many places are looked at, and lines passed on, in one turn of the event loop."""

TURN_CONTEXT = 20
"""So many lines around those that are found are read in one turn."""

TURN_KEYS = 50_000
"""So many blocks are chosen at once."""

_IGNORING_CASE = "(?i)"

_STRUCTURE = frozenset("()[]{}")
"""Characters with which a pattern may be anything."""

_FOLDED = tuple(letter.encode() for letter in "\u0130\u0131\u017f\u212a")
"""Characters that are the same as an ASCII letter where capitals do not matter: two of i, one of s, one of k."""

Finder = Callable[[int], int]
"""What finds, from a place on, the first place where a pattern may be; -1: there is none."""


class PatternTooSlowError(UserError):
    """A regular expression for which the search takes too long."""


class LogPattern:
    """What is looked for: a regular expression, in which `(?i)` makes capitals and small letters the same.

    Args:
        text: as it was given.

    Raises:
        UserError: it is no regular expression.
    """

    def __init__(self, text: str) -> None:
        try:
            self._compiled = re.compile(text, re.MULTILINE)
        except (re.error, OverflowError, RecursionError) as error:
            hint = "put `\\` before what is meant as it is"
            raise UserError(f"`{text}` is no regular expression: {error}", hint=hint) from error
        self._text = text
        self._ignoring_case = text.startswith(_IGNORING_CASE)
        self._literals = _literals(text.removeprefix(_IGNORING_CASE), lower=self._ignoring_case)

    @property
    def part_bytes(self) -> int:
        """How much of a log is searched at once."""
        return PART_BYTES if self._literals else PATTERN_BYTES

    def is_in(self, line: str) -> bool:
        """Is it in a line?

        Raises:
            PatternTooSlowError: that takes too long.
        """
        return self._search(line, 0) >= 0

    def _search(self, text: str, start: int) -> int:
        """The first place from one on where it is; -1: there is none."""
        try:
            found = limited(PATTERN_SECONDS, lambda: self._compiled.search(text, start))
        except ProcessorTimeUsedUpError as error:
            raise PatternTooSlowError(
                f"the search for `{self._text}` ends here: it takes too long for what comes next",
                hint="repeat nothing that repeats something itself: `a+` instead of `(a+)+`",
            ) from error
        return -1 if found is None else found.start()

    def finder(self, data: bytes) -> Finder | None:
        """What finds the pattern in a part of a log; None: its lines have to be looked at one by one.

        It raises PatternTooSlowError where that takes too long.
        """
        plain = data.isascii()
        if self._literals and (plain or self._is_in_bytes(data)):
            return _ignoring_case(data, self._literals) if self._ignoring_case else _LiteralFinder(data, self._literals)
        if not plain:
            return None
        return partial(self._search, data.decode("ascii"))

    def _is_in_bytes(self, data: bytes) -> bool:
        """Are the words found in bytes that are not ASCII wherever they are in the text?"""
        if not self._ignoring_case:
            return True
        return all(word.isascii() for word in self._literals) and not any(each in data for each in _FOLDED)


class _LiteralFinder:
    """Finds the next one of several words."""

    def __init__(self, data: bytes, words: Sequence[bytes]) -> None:
        self._data = data
        self._places = dict.fromkeys(words, 0)

    def __call__(self, start: int) -> int:
        for word, place in self._places.items():
            if 0 <= place <= start:
                self._places[word] = self._data.find(word, start)
        return min((place for place in self._places.values() if place >= 0), default=-1)


def _ignoring_case(data: bytes, words: Sequence[bytes]) -> Finder:
    """What finds words in bytes, whatever is a capital in them.

    To make all letters small takes longer than a search: where a part of each word has only letters that are capitals
    nowhere in the bytes, and is rare, that is searched for.
    """
    parts = [_small_part(data, word) for word in words]
    if all(parts) and sum(map(data.count, parts)) <= FEW:
        return _LiteralFinder(data, parts)
    return _LiteralFinder(data.lower(), words)


def _small_part(data: bytes, word: bytes) -> bytes:
    """The longest part of a word without a letter that is a capital somewhere; empty where it is too short."""
    large = {letter for letter in {word[at : at + 1] for at in range(len(word))} if letter.upper() != letter}
    for letter in large:
        if letter.upper() in data:
            word = word.replace(letter, b"\0")
    part = max(word.split(b"\0"), key=len)
    return _with_rare_end(data, part) if len(part) >= SHORTEST_PART else b""


def _with_rare_end(data: bytes, part: bytes) -> bytes:
    """The begin of a part up to the letter that is rarest in the bytes: a search looks for the last letter first."""
    sample = data[:SAMPLE_BYTES]
    ends = range(SHORTEST_PART, len(part) + 1)
    return part[: min(ends, key=lambda end: (sample.count(part[end - 1 : end]), -end))]


def _literals(pattern: str, *, lower: bool) -> tuple[bytes, ...]:
    """Words of which each line with the pattern has one; none where nobody knows."""
    found, runs, letters = [], [""], iter(pattern)
    for letter in letters:
        if letter in _STRUCTURE:
            return ()
        if letter == "\\":
            escaped = next(letters, "")
            if not escaped or escaped.isalnum() or escaped.isspace():
                return ()
            runs[-1] += escaped
        elif letter == "|":
            found.append(max(runs, key=len))
            runs = [""]
        elif letter in "*?+":  # what it belongs to may be missing, or be there twice
            runs[-1] = runs[-1][:-1]
            runs.append("")
        elif letter in ".^$":
            runs.append("")
        else:
            runs[-1] += letter
    found.append(max(runs, key=len))
    words = [word.lower() if lower else word for word in found]
    return tuple(word.encode(errors="surrogatepass") for word in words) if all(words) else ()


class LogSearch(Value):
    """What somebody searches a log for."""

    pattern: LogPattern
    selection: Selection = Selection()
    context: int = 0
    """So many lines of the selection before and after each that is found come with it."""


GAP = None
"""Stands between lines that do not follow each other, where lines come with those around them."""


class LogSearcher:
    """Carries out a search, from one part of the log to the next.

    Args:
        logs: the log.
        wanted: what is searched for.
        cursor: number of the first line to look at.
        shown: number of the first line that may come with one that is found; none: the cursor.
    """

    def __init__(self, logs: LogStore, wanted: LogSearch, cursor: int, shown: int | None = None) -> None:
        self._logs = logs
        self._wanted = wanted
        self._cursor = cursor
        self._shown = cursor if shown is None else shown
        """The number after that of the last line that was passed on."""
        self._after = 0
        """So many lines are to follow it yet."""
        self._found_any = False

    def advance(self, end: int, until: int = 0) -> Iterator[list[Line | None]]:
        """The lines to show from where the last call ended up to a number, as many at once as a turn may take.

        Args:
            end: number of the line before which to stop.
            until: number of the line before which what comes with a line stops; 0: the same.
        """
        for found in self._matches(range(self._cursor, end)):
            if not self._wanted.context:
                yield [*found]
                continue
            at_once = max(1, TURN_CONTEXT // self._wanted.context)
            for begin in range(0, len(found), at_once):
                yield [each for line in found[begin : begin + at_once] for each in self._with_context(line)]
            yield []
        self._cursor = end
        if self._after:
            yield [*self._following(until or end)]

    def _matches(self, numbers: range) -> Iterator[list[Line]]:
        """The lines that have the pattern, a part of the log at a time; several lists where much is found in it."""
        index, selection = self._logs.index, self._wanted.selection
        for keys in index.spans(index.keys(selection, numbers), self._wanted.pattern.part_bytes):
            found: list[Line] = []
            for looked, line in enumerate(self._in_part(keys), start=1):
                if line is not None and line.number in numbers:
                    found.append(line)
                if looked % TURN_PLACES == 0:
                    yield found
                    found = []
            yield found

    def _in_part(self, keys: Sequence[int]) -> Iterable[Line | None]:
        """The lines of a part that have the pattern; None for each place that was looked at in vain."""
        base, data = self._logs.texts(keys)
        find = self._wanted.pattern.finder(data) if self._logs.redacted.isdisjoint(keys) else None
        return self._one_by_one(keys) if find is None else self._by_search(base, data, find)

    def _one_by_one(self, keys: Sequence[int]) -> Iterator[Line | None]:
        accepted = self._logs.index.accepted(self._wanted.selection)
        for key in keys:
            if accepted(key):
                for line in self._logs.block(key).lines():
                    yield line if self._wanted.pattern.is_in(line.text) else None

    def _by_search(self, base: int, data: bytes, find: Finder) -> Iterator[Line | None]:
        """Search a part as a whole, titles of blocks included, and take what is found in lines that are wanted."""
        index, pattern = self._logs.index, self._wanted.pattern
        accepted = index.accepted(self._wanted.selection)
        entry, counted, number, time = None, 0, 0, ""
        place = find(0)
        while place >= 0:
            begin = data.rfind(b"\n", 0, place) + 1
            end = data.find(b"\n", place)
            end = len(data) if end < 0 else end
            if entry is None or base + begin > entry.begin + entry.size:
                key = index.at(base + begin)
                entry = index.entry(key) if key is not None and accepted(key) else None
                if entry is not None:
                    counted, number, time = entry.begin - base, entry.number, self._logs.time_of(entry)
            found = None
            if entry is not None and begin >= entry.begin - base:
                number += data.count(b"\n", counted, begin)
                counted = begin
                line = data[begin:end].decode(errors="replace")
                if pattern.is_in(line):  # it may reach into the next line
                    found = entry.source.line(number, time, line)
            yield found
            place = find(end + 1) if end < len(data) else -1

    def _with_context(self, line: Line) -> Iterator[Line | None]:
        yield from self._following(line.number)
        context, selection = self._wanted.context, self._wanted.selection
        begin = max(self._shown, self._logs.tail(context, selection, before=line.number))
        around = self._lines(range(begin, line.number), context)
        first = around[0].number if around else line.number
        if self._found_any and self._lines(range(self._shown, first), 1):
            yield GAP
        yield from around
        yield line
        self._found_any, self._shown, self._after = True, line.number + 1, context

    def _following(self, end: int) -> Iterator[Line]:
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


def backward(logs: LogStore, wanted: LogSearch, numbers: range) -> Iterator[list[Line | None]]:
    """The lines that are found among those with these numbers: the newest part of the log first, each part in order.

    Where lines come with those around them, a line may be in two parts. Where a turn of the event loop is used up and
    nothing is to be passed on, a part is empty.
    """
    for keys in _windows_from_end(logs, wanted.selection, numbers):
        for some in logs.index.spans_from_end(keys, wanted.pattern.part_bytes):
            first, last = logs.index.entry(some[0]), logs.index.entry(some[-1])
            begin, end = max(numbers.start, first.number), min(numbers.stop, last.number + last.count)
            searcher = LogSearcher(logs, wanted, begin, numbers.start)
            found: list[Line | None] = []
            for lines in searcher.advance(end, numbers.stop):
                found += lines
                yield []
            yield found[-TURN_PLACES:]
            for stop in range(len(found) - TURN_PLACES, 0, -TURN_PLACES):
                yield found[max(0, stop - TURN_PLACES) : stop]


def _windows_from_end(logs: LogStore, selection: Selection, numbers: range) -> Iterator[Sequence[int]]:
    """The keys of the blocks with lines of a selection, many at once, from the last ones to the first."""
    stop = numbers.stop
    while keys := logs.index.keys(selection, range(numbers.start, stop), last=TURN_KEYS):
        begin = logs.index.entry(keys[0]).number
        yield keys
        if begin <= numbers.start:
            return
        stop = begin
