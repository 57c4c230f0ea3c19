"""Texts to read in a pop-up: the keys, and what waits for what."""

from datetime import datetime

from pytilt.hud import glyphs
from pytilt.hud.commands import COMMANDS
from pytilt.hud.pieces import Piece
from pytilt.views.dots import TONES, Dot, Tone
from pytilt.views.rows import Row
from pytilt.views.trees import dependency_tree

KEY_WIDTH = 10

MEANINGS = (
    (Dot.OK, "well: the code on disk runs, and is ready"),
    (Dot.UPDATING, "an update runs"),
    (Dot.PENDING, "waits for something, or is not ready yet"),
    (Dot.ERROR, "broken: the row shows why"),
    (Dot.IDLE, "not started, or a change waits for you (space)"),
    (Dot.DISABLED, "switched off"),
)


def help_lines() -> list[list[Piece]]:
    """All keys by section, and what the dots mean."""
    lines: list[list[Piece]] = []
    for section in dict.fromkeys(each.section for each in COMMANDS):
        lines.append([Piece(text=section, tone=Tone.ACCENT)])
        lines += [
            [Piece(text=f"  {each.shown:{KEY_WIDTH}}", tone=Tone.STRONG), Piece(text=each.help)]
            for each in COMMANDS
            if each.section == section
        ]
        lines.append([])
    lines.append([Piece(text="Dots", tone=Tone.ACCENT)])
    for dot, text in MEANINGS:
        drawn = Piece(text=glyphs.DOTS.get(dot, glyphs.SPINNER[0]), tone=TONES[dot])
        lines.append([Piece(text="  "), drawn, Piece(text=f"{'':{KEY_WIDTH - 1}}{text}")])
    lines.append(
        [
            Piece(text="  ▁▃█", tone=Tone.MUTED),
            Piece(text=f"{'':{KEY_WIDTH - 3}}recent updates: the higher, the longer it took"),
        ]
    )
    return lines


def graph_lines(rows: tuple[Row, ...], now: datetime) -> list[list[Piece]]:
    """The tree of dependencies with the dots of the rows."""
    lines = []
    for branch in dependency_tree(rows):
        line = [Piece(text=branch.lines, tone=Tone.MUTED), glyphs.dot(branch.dot, now), Piece(text=f" {branch.name}")]
        if branch.again:
            line.append(Piece(text="  (see above)", tone=Tone.MUTED))
        lines.append(line)
    return lines or [[Piece(text="no resources yet", tone=Tone.MUTED)]]
