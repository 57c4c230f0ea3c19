"""Lines of the log as a session sends them, with what is printed of them.

They have the fields of `model.lines`, whose structs take longer to import than most logs take to print.
"""

from __future__ import annotations

from pytilt.model.json_text import loads
from pytilt.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class SentLine(NamedTuple):
    """One line; see `Line`."""

    number: int
    time: str
    resource: str
    span: str
    text: str
    level: str = "INFO"
    progress: str = ""
    build: bool = False
    start: bool = False


class SentSource(NamedTuple):
    """What the lines of a block have in common; see `Source`."""

    resource: str
    span: str
    level: str = "INFO"
    progress: str = ""
    build: bool = False
    start: bool = False


class SentBlock(NamedTuple):
    """Consecutive lines of one source; see `Block`."""

    number: int
    time: str
    source: SentSource
    text: str

    def lines(self) -> Iterator[SentLine]:
        """The lines one by one."""
        resource, span, level, progress, build, start = self.source
        for number, text in enumerate(self.text.split("\n"), self.number):
            yield SentLine(number, self.time, resource, span, text, level, progress, build, start)


def sent_line(text: bytes) -> SentLine:
    """A line from its JSON."""
    return SentLine(**loads(text))


def sent_block(text: bytes) -> SentBlock:
    """A block from its JSON."""
    found = loads(text)
    return SentBlock(found["number"], found["time"], SentSource(**found["source"]), found["text"])
