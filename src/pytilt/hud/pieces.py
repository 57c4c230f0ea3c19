"""Lines made of pieces: a text and how it is meant, cut and filled to a width, turned into what Textual draws."""

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style

from pytilt.hud.themes import Palette
from pytilt.model.base import Value
from pytilt.views.dots import Tone

ELLIPSIS = "…"

CONTINUED = "  "
"""Before what follows the first line of a text that was wrapped."""

_WORDS = re.compile(r"\s*\S+\s*")


class Piece(Value):
    """A part of a line."""

    text: str
    tone: Tone = Tone.PLAIN
    action: str = ""
    """What a click on it does, in Textual's form: `app.open_link('http://…')`."""


def link(url: str, text: str = "") -> Piece:
    """An address that opens when it is clicked."""
    return Piece(text=text or url, tone=Tone.LINK, action=f"app.open_link({url!r})")


def fit(text: str, width: int, *, right: bool = False) -> str:
    """A text of exactly so many cells: cut with an ellipsis, or filled with spaces.

    Args:
        text: one line.
        width: in cells.
        right: fill on the left.
    """
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + ELLIPSIS if width > 0 else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


def fit_middle(text: str, width: int) -> str:
    """As `fit`, but what is cut is the middle: names of pods differ at their ends."""
    if cell_len(text) <= width:
        return fit(text, width)
    tail = max(1, (width - 1) // 2)
    head = set_cell_size(text, max(0, width - 1 - tail))
    return fit(head + ELLIPSIS + set_cell_size(text[::-1], tail)[::-1], width)


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines that fit: broken between words where that is possible; what follows the first is indented."""
    if cell_len(text) <= width:
        return [text]
    lines, line = [], ""
    for word in _WORDS.findall(text):
        if line.strip() and cell_len(line + word.rstrip()) > width:
            lines.append(line.rstrip())
            line = CONTINUED
        *full, line = (
            chop_cells(line + word, max(width, 2)) if cell_len(line + word.rstrip()) > width else [line + word]
        )
        lines += full
    return [*lines, line.rstrip()]


def cut(pieces: Iterable[Piece], width: int) -> list[Piece]:
    """The pieces that have room in a width; the last one may be cut."""
    kept: list[Piece] = []
    left = width
    for piece in pieces:
        length = cell_len(piece.text)
        if length > left:
            if left > 0:
                kept.append(Piece(text=fit(piece.text, left), tone=piece.tone, action=piece.action))
            return kept
        kept.append(piece)
        left -= length
    return kept


def length(pieces: Iterable[Piece]) -> int:
    """How many cells pieces take."""
    return sum(cell_len(piece.text) for piece in pieces)


def segments(pieces: Sequence[Piece], palette: Palette, over: Style | None = None) -> list[Segment]:
    """What Textual draws for pieces.

    Args:
        pieces: of one line.
        palette: how their tones look.
        over: laid over all of them.
    """
    drawn = []
    for piece in pieces:
        style = palette[piece.tone]
        if over is not None:
            style += over
        if piece.action:
            style += Style(meta={"@click": piece.action})
        drawn.append(Segment(piece.text, style))
    return drawn


def both_ends(left: Sequence[Piece], right: Sequence[Piece], width: int) -> list[Piece]:
    """A line with pieces at both ends; where there is not room for all, the right ones win."""
    ends = cut(right, width)
    begin = cut(left, max(0, width - length(ends) - 1))
    gap = width - length(begin) - length(ends)
    return [*begin, Piece(text=" " * max(0, gap)), *ends]
