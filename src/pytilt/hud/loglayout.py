"""How log lines fill the width of a pane: what comes before each, and where a long one is broken."""

from itertools import pairwise

from rich.cells import cell_len, chop_cells

from pytilt.hud.logwindow import ShownLine
from pytilt.hud.pieces import Piece, fit
from pytilt.model.base import Value
from pytilt.model.logs import Level
from pytilt.views.dots import Tone
from pytilt.views.loglines import TextSpan, clock, finds, links

NAME_WIDTH = 13
"""Cells of the column of names, as in the stream of `tilt up --stream`."""

CLOCK_WIDTH = 8

TONES = {Level.ERROR: Tone.ERROR, Level.WARN: Tone.WARN, Level.DEBUG: Tone.MUTED, Level.VERBOSE: Tone.MUTED}


class LogLook(Value):
    """How the person wants to see lines."""

    names: bool = True
    """Name the resource before each line?"""
    times: bool = False
    wrap: bool = True
    words: str = ""
    """Mark these words."""

    @property
    def lead(self) -> int:
        """Cells before the text of a line."""
        return (CLOCK_WIDTH + 1 if self.times else 0) + (NAME_WIDTH + 3 if self.names else 0)


class Part(Value):
    """A part of a line's text, for one row of the pane."""

    start: int
    text: str


def parts(text: str, look: LogLook, width: int) -> list[Part]:
    """A text in parts that fit: one where it is not to be wrapped."""
    room = max(10, width - look.lead)
    if not look.wrap or len(text) * 2 <= room or cell_len(text) <= room:
        return [Part(start=0, text=text)]
    found, start = [], 0
    for piece in chop_cells(text, room):
        found.append(Part(start=start, text=piece))
        start += len(piece)
    return found


def height(text: str, look: LogLook, width: int) -> int:
    """How many rows of the pane a text takes."""
    room = max(10, width - look.lead)
    if not look.wrap or len(text) * 2 <= room:
        return 1
    if text.isascii():
        return max(1, -(-len(text) // room))
    return len(parts(text, look, width))


def lead(shown: ShownLine, look: LogLook, *, first: bool) -> list[Piece]:
    """What comes before the text: the time, and the name of the resource."""
    line = shown.line
    pieces = []
    if look.times:
        pieces.append(Piece(text=f"{clock(line.time) if first else '':{CLOCK_WIDTH}} ", tone=Tone.MUTED))
    if look.names:
        name = line.resource or "tilt"
        tone = Tone.ACCENT if line.resource else Tone.MUTED
        pieces += [
            Piece(text=fit(name if first else "", NAME_WIDTH), tone=tone),
            Piece(text=" │ ", tone=Tone.MUTED),
        ]
    return pieces


def body(shown: ShownLine, part: Part, look: LogLook, *, here: bool) -> list[tuple[Piece, bool | None]]:
    """The text of a part, links and found words marked.

    Args:
        shown: the line.
        part: the part of it.
        look: how it is to look.
        here: is it the current match of the search?

    Returns:
        Pieces; with each, whether a search found it: None for no, True for the current match.
    """
    tone = TONES.get(shown.level, Tone.STRONG if shown.line.start else Tone.PLAIN)
    addresses = list(links(shown.text)) if "://" in shown.text else []
    found = list(finds(shown.text, look.words))
    edges = {part.start, part.start + len(part.text)}
    for span in (*addresses, *found):
        edges.update(at for at in (span.start, span.end) if part.start < at < part.start + len(part.text))
    ordered = sorted(edges)
    pieces: list[tuple[Piece, bool | None]] = []
    for start, end in pairwise(ordered):
        text = shown.text[start:end]
        address = _covering(addresses, start)
        action = f"app.open_link({shown.text[address.start : address.end]!r})" if address else ""
        piece = Piece(text=text, tone=Tone.LINK if address else tone, action=action)
        pieces.append((piece, here if _covering(found, start) else None))
    return pieces


def _covering(spans: list[TextSpan], at: int) -> TextSpan | None:
    return next((span for span in spans if span.start <= at < span.end), None)
