"""The index of a log: what is where, in a few bytes for each block."""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from pytilt.model.base import Value
from pytilt.model.lines import Selection, Source
from pytilt.model.names import ResourceName
from pytilt.model.times import micros_of


class BlockEntry(Value):
    """One block: its lines, when they came, and where their text is."""

    key: int
    """Of the block; never used again."""
    number: int
    """Of the first line."""
    count: int
    micros: int
    """Microseconds of Unix time."""
    source: Source
    begin: int
    size: int

    @property
    def after(self) -> int:
        """The number of the line after its last one."""
        return self.number + self.count


class BlockIndex:
    """Finds blocks by the numbers of lines, by resource and by time. The oldest blocks may be dropped."""

    def __init__(self) -> None:
        self._dropped = 0
        """Blocks that are gone: the key of the first one that is left."""
        self._numbers = array("Q")
        self._begins = array("Q")
        self._sizes = array("Q")
        self._micros = array("Q")
        self._sources = array("I")
        self._known: list[Source] = []
        self._ids: dict[Source, int] = {}
        self._keys: defaultdict[ResourceName, array[int]] = defaultdict(lambda: array("Q"))
        self.next_number = 0
        """Of the next line."""

    def __len__(self) -> int:
        """How many blocks there are."""
        return len(self._numbers)

    @property
    def first_number(self) -> int:
        """Of the first line that is still there."""
        return self._numbers[0] if self._numbers else self.next_number

    @property
    def first_key(self) -> int:
        """Of the first block that is still there."""
        return self._dropped

    def add(self, source: Source, micros: int, count: int, begin: int, size: int) -> None:
        """Note a block with so many lines whose text is at a position."""
        number = self._ids.get(source)
        if number is None:
            number = self._ids[source] = len(self._known)
            self._known.append(source)
        self._keys[source.resource].append(self._dropped + len(self._numbers))
        self._numbers.append(self.next_number)
        self._begins.append(begin)
        self._sizes.append(size)
        self._micros.append(micros)
        self._sources.append(number)
        self.next_number += count

    def drop(self, position: int) -> int:
        """Forget the blocks whose text begins before a position; returns how many lines they had."""
        count = bisect_left(self._begins, position)
        if not count:
            return 0
        before = self._numbers[0]
        for column in (self._numbers, self._begins, self._sizes, self._micros, self._sources):
            del column[:count]
        self._dropped += count
        for keys in self._keys.values():
            del keys[: bisect_left(keys, self._dropped)]
        return self.first_number - before

    def entry(self, key: int) -> BlockEntry:
        """The block with a key."""
        at = key - self._dropped
        number = self._numbers[at]
        following = self._numbers[at + 1] if at + 1 < len(self._numbers) else self.next_number
        return BlockEntry(
            key=key,
            number=number,
            count=following - number,
            micros=self._micros[at],
            source=self._known[self._sources[at]],
            begin=self._begins[at],
            size=self._sizes[at],
        )

    def keys(
        self, selection: Selection, numbers: range, *, first: int | None = None, last: int | None = None
    ) -> Sequence[int]:
        """The keys of the blocks that may have lines of a selection with these numbers, in order.

        Args:
            selection: which lines.
            numbers: of the lines.
            first: no more than so many keys from the begin.
            last: no more than so many keys from the end.
        """
        begin = max(0, bisect_right(self._numbers, numbers.start) - 1)
        end = bisect_left(self._numbers, numbers.stop)
        if selection.since:
            begin = max(begin, bisect_left(self._micros, micros_of(selection.since)))
        if selection.until:
            end = min(end, bisect_left(self._micros, micros_of(selection.until)))
        keys: Sequence[int] = range(self._dropped, self._dropped + len(self))
        if len(selection.resources) == 1:
            keys = self._keys.get(next(iter(selection.resources)), array("Q"))
        begin, end = bisect_left(keys, begin + self._dropped), bisect_left(keys, end + self._dropped)
        if first is not None:
            end = min(end, begin + first)
        if last is not None:
            begin = max(begin, end - last)
        return keys[begin : max(begin, end)]

    def accepted(self, selection: Selection) -> "AcceptedSources":
        """A quick answer to whether a block belongs to a selection."""
        return AcceptedSources(selection, self._known, self._sources, self._dropped)

    def at(self, position: int) -> int | None:
        """The key of the block whose text has a position in it."""
        place = bisect_right(self._begins, position) - 1
        if place < 0 or position > self._begins[place] + self._sizes[place]:
            return None
        return place + self._dropped

    def spans(self, keys: Sequence[int], size: int) -> Iterator[Sequence[int]]:
        """Consecutive keys, cut where their text reaches a size; blocks that are dropped meanwhile are left out."""
        start = 0
        while (start := bisect_left(keys, self._dropped, start)) < len(keys):
            limit = self._begins[keys[start] - self._dropped] + size
            stop = bisect_left(keys, limit, start + 1, key=lambda key: self._begins[key - self._dropped])
            yield keys[start:stop]
            start = stop

    def spans_from_end(self, keys: Sequence[int], size: int) -> Iterator[Sequence[int]]:
        """The same from the last key to the first."""
        stop = len(keys)
        while stop > (first := bisect_left(keys, self._dropped)):
            last = keys[stop - 1] - self._dropped
            limit = self._begins[last] + self._sizes[last] - size
            start = bisect_left(keys, limit, first, stop - 1, key=lambda key: self._begins[key - self._dropped])
            yield keys[start:stop]
            stop = start


class AcceptedSources:
    """Says of blocks whether a selection accepts their source; each source is looked at once."""

    def __init__(self, selection: Selection, known: list[Source], sources: "array[int]", dropped: int) -> None:
        self._selection = selection
        self._known = known
        self._sources = sources
        self._dropped = dropped
        self._answers: dict[int, bool] = {}

    def __call__(self, key: int) -> bool:
        """Does the block with this key belong?"""
        number = self._sources[key - self._dropped]
        answer = self._answers.get(number)
        if answer is None:
            answer = self._answers[number] = self._selection.accepts(self._known[number])
        return answer
