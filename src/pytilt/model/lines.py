"""Lines of the log of a session, and which of them somebody wants to read."""

from collections.abc import Iterator

from msgspec.structs import replace

from pytilt.model.base import Value
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId


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


class Source(Value):
    """What the lines of a block have in common, apart from the time."""

    resource: ResourceName
    span: SpanId
    level: Level = Level.INFO
    progress: str = ""
    build: bool = False
    start: bool = False

    def line(self, number: int, time: str, text: str) -> Line:
        """A line of this source."""
        return Line(
            number=number,
            time=time,
            resource=self.resource,
            span=self.span,
            text=text,
            level=self.level,
            progress=self.progress,
            build=self.build,
            start=self.start,
        )


class Block(Value):
    """Consecutive lines of one source that came at once."""

    number: int
    """Of the first line."""
    time: str
    source: Source
    text: str
    """The lines, with newlines between them."""

    def lines(self) -> Iterator[Line]:
        """The lines one by one."""
        for number, text in enumerate(self.text.split("\n"), self.number):
            yield self.source.line(number, self.time, text)

    @property
    def count(self) -> int:
        """How many lines it has."""
        return self.text.count("\n") + 1

    def first(self, count: int) -> "Block":
        """The block with no more lines than so many."""
        return self if count >= self.count else replace(self, text="\n".join(self.text.split("\n", count)[:count]))

    def since(self, number: int) -> "Block":
        """The block without the lines before a number."""
        left_out = number - self.number
        return self if left_out <= 0 else replace(self, number=number, text=self.text.split("\n", left_out)[-1])


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
    until: str = ""
    """RFC 3339: only lines before it."""

    def accepts(self, source: Source | Line) -> bool:
        """Do lines of this source belong, as far as their time allows it?"""
        if self.resources and source.resource not in self.resources:
            return False
        if self.span and source.span != self.span:
            return False
        if self.level is not None and source.level is not self.level and not source.start:
            return False
        if self.at_least is not None and not source.level.is_at_least(self.at_least):
            return False
        return self.source == "all" or source.build == (self.source == "build")

    def wants(self, line: Line) -> bool:
        """Does this line belong?"""
        in_time = (not self.since or line.time >= self.since) and (not self.until or line.time < self.until)
        return in_time and self.accepts(line)
