"""Lines of the log as a session sends them, with what is printed of them.

They have the fields of `model.lines`, whose structs take longer to import than most logs take to print.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

from pytilt.model.logs import Level


class SentLine(NamedTuple):
    """One line; see `Line`."""

    number: int
    time: str
    resource: str
    span: str
    text: str
    level: Level = Level.INFO
    progress: str = ""
    build: bool = False
    start: bool = False


class SentSource(NamedTuple):
    """What the lines of a block have in common; see `Source`."""

    resource: str
    span: str
    level: Level = Level.INFO
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
    found = json.loads(text)
    return SentLine(**found | {"level": Level(found.get("level", Level.INFO))})


def sent_block(text: bytes) -> SentBlock:
    """A block from its JSON."""
    found = json.loads(text)
    source = found["source"]
    source["level"] = Level(source.get("level", Level.INFO))
    return SentBlock(found["number"], found["time"], SentSource(**source), found["text"])
