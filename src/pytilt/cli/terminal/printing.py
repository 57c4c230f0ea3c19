"""Log lines in a terminal: a column with the name, colours where they are wanted, words where they are not."""

from __future__ import annotations

import os
import sys

from pytilt.cli.terminal.cells import cells, first_cells
from pytilt.errors import OutputClosedError, PytiltError, UserError
from pytilt.model.api.words import TILTFILE
from pytilt.model.regex import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from pytilt.cli.terminal.sent_lines import SentBlock, SentLine
    from pytilt.model.lines import Block, Line

NAME_WIDTH = 13
"""Cells of the column; a longer name is cut to 12 and `…`. Tilt's numbers."""

COLORS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green", "bright_magenta")
"""Names take turns; warnings and errors have colours of their own."""

_CODES = {
    "red": 31,
    "green": 32,
    "yellow": 33,
    "blue": 34,
    "magenta": 35,
    "cyan": 36,
    "bright_green": 92,
    "bright_yellow": 93,
    "bright_cyan": 96,
}
"""The numbers of colours (ECMA-48)."""

_STEERING = regex(
    r"(?P<color>\x1b\[[0-9;:]*m)"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links, the clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # the cursor, what is erased
    r"|\x1b[ -/]*[0-~]?"
    r"|(?P<back>\r)"
    r"|[\x00-\x08\x0a-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]+"
)
"""What steers a terminal; tabs do no harm."""

_WITHOUT_CONTROL = dict.fromkeys([*range(0x09), *range(0x0A, 0x20), *range(0x7F, 0xA0)]) | {ord("\r"): " "}
"""The same where no sequence begins: of each character what is printed. A line can be a hundred megabytes of NULs."""

_COLOR = regex(r"\x1b\[([0-9;:]*)m")
_RESET = "\x1b[0m"
_MOST_COLORS = 16
"""So many sequences that no reset has ended go on in the next line."""

ERROR = "ERROR"
WORDS = {"WARN": "WARNING: ", ERROR: "ERROR: "}
"""Of `model.logs.Level`, which takes longer to import than most logs take to print."""


class LogPrinter:
    """Prints lines.

    Args:
        out: where.
        color: use colours?
        prefix: print the column of names?
        width: returns the cells of a row where `out` is a terminal: a line of progress replaces the one before there.
    """

    def __init__(
        self, out: TextIO, *, color: bool, prefix: bool = True, width: Callable[[], int] | None = None
    ) -> None:
        self._out = out
        self._color = color
        self._prefix = prefix
        self._colors: dict[str, str] = {}
        self._level: tuple[str, str] = ("", "INFO")
        self._width = width
        self._unended: dict[str, str] = {}
        """What colours the next line of a span: its last one had no reset."""
        self._progress = ("", "")
        """Span and id of the line that was printed last, where another one may replace it."""

    def lines(self, lines: Sequence[Line | SentLine]) -> None:
        """Print lines of the log, all at once."""
        text = "".join(self.shown(line) for line in lines)
        self._out.write(text)
        self._out.flush()

    def blocks(self, blocks: Sequence[Block | SentBlock], cursor: int = 0) -> None:
        """Print blocks of the log from a cursor on, all at once."""
        self._out.write("".join(self._block(block, cursor) for block in blocks))
        self._out.flush()

    def _block(self, block: Block | SentBlock, cursor: int) -> str:
        """A block as it is printed; lines that need no look by themselves are taken as a whole."""
        source = block.source
        plain = block.number >= cursor and source.level not in WORDS and not (source.start or source.progress)
        plain = plain and source.span not in self._unended
        if not plain or not block.text.replace("\n", "").replace("\t", "").isprintable():
            return "".join(self.shown(line) for line in block.lines() if line.number >= cursor)
        self._level, self._progress = (source.span, source.level), ("", "")
        column = self._column(source.resource)
        text = block.text.replace("\n", f"\n{column}") if column else block.text
        return f"{column}{text}\n"

    def shown(self, line: Line | SentLine) -> str:
        """A line as it is printed, with its newline; before the header of an update comes an empty line."""
        column = self._column(line.resource)
        before = f"{column}\n" if line.start else ""
        word = "" if self._level == (line.span, line.level) else WORDS.get(line.level, "")
        self._level = (line.span, line.level)
        text = f"{word}{self._ended(line.span, without_steering(line.text))}"
        if line.level in WORDS:
            text = self._styled(text, "red" if line.level == ERROR else "yellow")
        return f"{self._up(line, column, text)}{before}{column}{text}\n"

    def _ended(self, span: str, text: str) -> str:
        """A text whose colours end with it: the next line may be somebody else's, or the shell's."""
        begun = self._unended.pop(span, "")
        if not begun and "\x1b" not in text:
            return text
        text = begun + text
        if begun := _unended(text):
            self._unended[span] = begun
            return text + _RESET
        return text

    def _up(self, line: Line | SentLine, column: str, text: str) -> str:
        """Moves up to the line before and erases it, if this one replaces it."""
        if self._width is None:
            return ""
        before, self._progress = self._progress, ("", "")
        if not line.progress:
            return ""
        from pytilt.host.output import plain  # imported here: only progress in a terminal is rewritten

        if cells(plain(f"{column}{text}")) < self._width():
            self._progress = (line.span, line.progress)
            return "\x1b[1A\x1b[2K" if self._progress == before else ""
        return ""

    def _column(self, name: str) -> str:
        if not self._prefix or not name or name == TILTFILE:
            return ""
        name = without_steering(name)
        cut = name if cells(name) <= NAME_WIDTH else f"{first_cells(name, NAME_WIDTH - 1)}…"
        color = self._colors.setdefault(name, COLORS[len(self._colors) % len(COLORS)])
        return f"{self._styled(' ' * (NAME_WIDTH - cells(cut)) + cut, color)} │ "

    def _styled(self, text: str, color: str) -> str:
        return styled(text, color) if self._color else text


def _unended(text: str) -> str:
    """The sequences for colours that no reset follows."""
    begun: list[str] = []
    for found in _COLOR.finditer(text):
        if found[1].strip("0"):
            begun.append(found[0])
        else:
            begun.clear()
    return "".join(begun[-_MOST_COLORS:])


def styled(text: str, color: str) -> str:
    """A text in a colour of the terminal."""
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m"


def without_steering(text: str) -> str:
    """A text that can only be read and coloured: it moves no cursor, sets no title, hides no link, erases nothing."""
    if text.isprintable():
        return text
    if "\x1b" not in text:
        return text.translate(_WITHOUT_CONTROL)
    return _STEERING.sub(lambda found: found["color"] or (" " if found["back"] else ""), text)


def readable(text: str) -> str:
    """A text of several lines that can only be read and coloured; see `without_steering`."""
    safe = "\n".join(map(without_steering, text.split("\n")))
    return safe + _RESET if "\x1b" in safe and _unended(safe) else safe


def unwritable(problem: OSError) -> PytiltError:
    """The error for a stdout that takes nothing any more: its reader is gone, or its disk is full."""
    if isinstance(problem, BrokenPipeError):
        return OutputClosedError("nobody reads the output any more")
    return UserError(f"the output cannot be written: {(problem.strerror or str(problem)).lower()}")


def wants_color(out: TextIO, *, no_color: bool) -> bool:
    """Are colours wanted there: a terminal, and nobody said no?"""
    return out.isatty() and not no_color


def row_width(out: TextIO, *, color: bool) -> Callable[[], int] | None:
    """What returns the cells of a row of a terminal; None for what is none, or only takes plain text."""
    return (lambda: os.get_terminal_size(out.fileno()).columns) if color else None


def evaluation_log(text: str, *, level: str = "INFO", progress: str = "") -> None:  # noqa: ARG001 - a `Log`
    """Write what an evaluation says to the person; its progress only where one line can replace another."""
    if not progress:
        sys.stderr.write(readable(text))
    elif sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{without_steering(text.rstrip())}\r")
    sys.stderr.flush()


def note(text: str, *, color: bool = False) -> None:
    """Say something to the person, apart from the data on stdout."""
    print(styled(text, "green") if color else text, file=sys.stderr, flush=True)
