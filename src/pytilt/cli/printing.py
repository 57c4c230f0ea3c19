"""Log lines in a terminal: a column with the name, colours where they are wanted, words where they are not."""

import re
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from pytilt.errors import OutputClosedError, PytiltError, UserError
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE
from pytilt.store.logs import Line

NAME_WIDTH = 13
"""Cells of the column; a longer name is cut to 12 and `…`. Tilt's numbers."""

COLORS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green", "bright_magenta")
"""Names take turns; warnings and errors have colours of their own."""

_STEERING = re.compile(
    r"(?P<color>\x1b\[[0-9;:]*m)"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links, the clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # the cursor, what is erased
    r"|\x1b[ -/]*[0-~]?"
    r"|(?P<back>\r)"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)
"""What steers a terminal; tabs do no harm."""

WORDS = {Level.WARN: "WARNING: ", Level.ERROR: "ERROR: "}


class LogPrinter:
    """Prints lines.

    Args:
        out: where.
        color: use colours?
        prefix: print the column of names?
    """

    def __init__(self, out: TextIO, *, color: bool, prefix: bool = True) -> None:
        self._out = out
        self._color = color
        self._prefix = prefix
        self._colors: dict[str, str] = {}
        self._level: tuple[str, Level] = ("", Level.INFO)

    def lines(self, lines: Sequence[Line]) -> None:
        """Print lines of the log, all at once."""
        text = "".join(self.shown(line) for line in lines)
        self._out.write(text)
        self._out.flush()

    def shown(self, line: Line) -> str:
        """A line as it is printed, with its newline; before the header of an update comes an empty line."""
        column = self._column(line.resource)
        before = f"{column}\n" if line.start else ""
        word = "" if self._level == (line.span, line.level) else WORDS.get(line.level, "")
        self._level = (line.span, line.level)
        text = f"{word}{without_steering(line.text)}"
        if line.level in WORDS:
            text = self._styled(text, "red" if line.level is Level.ERROR else "yellow")
        return f"{before}{column}{text}\n"

    def _column(self, name: str) -> str:
        if not self._prefix or not name or name == TILTFILE:
            return ""
        name = without_steering(name)
        cut = name if cells(name) <= NAME_WIDTH else f"{_first_cells(name, NAME_WIDTH - 1)}…"
        color = self._colors.setdefault(name, COLORS[len(self._colors) % len(COLORS)])
        return f"{self._styled(' ' * (NAME_WIDTH - cells(cut)) + cut, color)} │ "

    def _styled(self, text: str, color: str) -> str:
        return click.style(text, fg=color) if self._color else text


def without_steering(text: str) -> str:
    """A text that can only be read and coloured: it moves no cursor, sets no title, hides no link, erases nothing."""
    if text.isprintable():
        return text
    return _STEERING.sub(lambda found: found["color"] or (" " if found["back"] else ""), text)


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: a letter of Chinese or an emoji takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # imported here: few names need it

    return cell_len(text)


def filled(text: str, width: int) -> str:
    """A text with spaces after it, so that it takes so many cells."""
    return text + " " * (width - cells(text))


def _first_cells(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    from rich.cells import set_cell_size

    return set_cell_size(text, width)


def unwritable(problem: OSError) -> PytiltError:
    """The error for a stdout that takes nothing any more: its reader is gone, or its disk is full."""
    if isinstance(problem, BrokenPipeError):
        return OutputClosedError("nobody reads the output any more")
    return UserError(f"the output cannot be written: {(problem.strerror or str(problem)).lower()}")


def wants_color(out: TextIO, *, no_color: bool) -> bool:
    """Are colours wanted there: a terminal, and nobody said no?"""
    return out.isatty() and not no_color


def evaluation_log(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:  # noqa: ARG001 - a `Log`
    """Write what an evaluation says to the person; its progress only where one line can replace another."""
    if not progress:
        sys.stderr.write(text)
    elif sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text.rstrip()}\r")
    sys.stderr.flush()


def note(text: str, *, color: bool = False) -> None:
    """Say something to the person, apart from the data on stdout."""
    print(click.style(text, fg="green") if color else text, file=sys.stderr, flush=True)
