"""The columns of the table: which of them have room in a width, and what each shows of a row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from rich.cells import cell_len

from pytilt.hud import glyphs
from pytilt.hud.pieces import Piece, cut, fit, fit_middle, length, link
from pytilt.model.resources import Link
from pytilt.views.ages import age_of
from pytilt.views.dots import Dot, Tone
from pytilt.views.rows import Row
from pytilt.views.updates import BARS, elapsed

Draw = Callable[[Row, datetime, int], list[Piece]]

LEAD = 4
"""Cells before the name: the mark of the selected row, and the dot."""

SHORTEST_NAME, LONGEST_NAME = 12, 40
ROOMY_NAME = 24
"""So wide the column of names becomes where there is room."""
NARROW_STATUS, WIDE_STATUS = 19, 24
UPDATE, AGE, MODE, RESTARTS = 22, 4, 6, 8
SHORTEST_ENDPOINTS, LONGEST_ENDPOINTS, POD = 16, 44, 34


@dataclass(frozen=True)
class Column:
    """A column of the table."""

    title: str
    width: int
    draw: Draw
    right: bool = False


def columns(width: int, longest_name: int) -> tuple[Column, ...]:
    """The columns that have room; the less a column is missed, the wider the table has to be for it.

    Args:
        width: of the table, in cells.
        longest_name: cells of the longest name of all rows.
    """
    status = NARROW_STATUS if width < 100 else WIDE_STATUS
    fixed = [
        Column("STATUS", status, _status if width >= 96 else _status_and_restarts),
        Column("UPDATE", UPDATE, _update),
        Column("AGE", AGE, _age, right=True),
        Column("RECENT", BARS, _recent),
    ]
    left = width - LEAD - sum(column.width + 1 for column in fixed)
    name = max(SHORTEST_NAME, min(longest_name, LONGEST_NAME, left))
    left -= name
    more: list[Column] = []
    for column in (Column("RESTARTS", RESTARTS, _restarts, right=True), Column("MODE", MODE, _mode)):
        if left > column.width and width >= 96:
            more.append(column)
            left -= column.width + 1
    pod = POD + 1 if left > POD + SHORTEST_ENDPOINTS + 2 else 0
    if left - pod > SHORTEST_ENDPOINTS:
        endpoints = min(LONGEST_ENDPOINTS, left - pod - 1)
        more.append(Column("ENDPOINTS", endpoints, _endpoints))
        left -= endpoints + 1
    if pod:
        more.append(Column("POD", POD, _pod))
        left -= pod
    name += max(0, left) if not more else min(max(0, left), max(0, ROOMY_NAME - name))
    return (Column("RESOURCE", name, _name), *fixed, *more)


def titles(found: tuple[Column, ...], shown: str = "") -> list[Piece]:
    """The line above the rows.

    Args:
        found: the columns.
        shown: which rows are shown, where that is not all of them.
    """
    first, *others = found
    texts = [fit(column.title, column.width, right=column.right) for column in others]
    lead = [Piece(text=" " * LEAD), Piece(text=fit(f"ONLY {shown}", first.width), tone=Tone.WARN)]
    if not shown:
        lead = [Piece(text=" " * LEAD + fit(first.title, first.width), tone=Tone.MUTED)]
    return [*lead, Piece(text=" " + " ".join(texts), tone=Tone.MUTED)]


def cells(found: tuple[Column, ...], row: Row, now: datetime) -> list[Piece]:
    """The line of a row, without what comes before its name."""
    line: list[Piece] = []
    for column in found:
        pieces = cut(column.draw(row, now, column.width), column.width)
        gap = Piece(text=" " * (column.width - length(pieces)))
        line += [gap, *pieces] if column.right else [*pieces, gap]
        line.append(Piece(text=" "))
    return line[:-1]


def short_url(endpoint: Link) -> str:
    """An endpoint in few characters: its name, or the port on this machine, or host and port."""
    if endpoint.name:
        return endpoint.name
    parts = urlsplit(endpoint.url)
    host = "" if parts.hostname in ("localhost", "127.0.0.1") else parts.hostname or ""
    path = parts.path.rstrip("/")
    return f"{host}:{parts.port}{path}" if parts.port else f"{host}{path}" or endpoint.url


def _name(row: Row, _: datetime, width: int) -> list[Piece]:
    tone = {Dot.ERROR: Tone.ERROR, Dot.DISABLED: Tone.MUTED}.get(row.dot, Tone.STRONG)
    warned = [Piece(text=" !", tone=Tone.WARN)] if row.warnings else []
    return [Piece(text=fit(row.name, min(cell_len(row.name), width - 2 * len(warned))), tone=tone), *warned]


def _status(row: Row, _: datetime, width: int) -> list[Piece]:
    return [Piece(text=fit(row.status.text, width), tone=row.status.tone)]


def _status_and_restarts(row: Row, _: datetime, width: int) -> list[Piece]:
    ends = [Piece(text=f" ↻{row.restarts}", tone=Tone.BUSY)] if row.restarts else []
    room = width - length(ends)
    return [Piece(text=fit(row.status.text, min(cell_len(row.status.text), room)), tone=row.status.tone), *ends]


def _update(row: Row, now: datetime, _: int) -> list[Piece]:
    text = f"{row.update.text} {elapsed(row.started_at, now)}" if row.updating else row.update.text
    return [Piece(text=text, tone=row.update.tone)]


def _age(row: Row, now: datetime, _: int) -> list[Piece]:
    return [Piece(text=age_of(row.since, now) or "-", tone=Tone.MUTED)]


def _recent(row: Row, _: datetime, width: int) -> list[Piece]:
    return [Piece(text=" " * (width - len(row.recent))), *map(glyphs.bar, row.recent)]


def _restarts(row: Row, _: datetime, __: int) -> list[Piece]:
    return [Piece(text=str(row.restarts), tone=Tone.BUSY)] if row.restarts else [Piece(text="-", tone=Tone.MUTED)]


def _mode(row: Row, _: datetime, __: int) -> list[Piece]:
    return [Piece(text=row.mode, tone=Tone.MUTED if row.mode == "auto" else Tone.PLAIN)]


def _endpoints(row: Row, _: datetime, __: int) -> list[Piece]:
    pieces: list[Piece] = []
    for endpoint in row.endpoints:
        pieces += [Piece(text="  ")] if pieces else []
        if endpoint.error:
            pieces.append(Piece(text=f"✖{short_url(endpoint)}", tone=Tone.ERROR))
        else:
            pieces.append(link(endpoint.url, short_url(endpoint)))
    return pieces or [Piece(text="-", tone=Tone.MUTED)]


def _pod(row: Row, _: datetime, width: int) -> list[Piece]:
    return [Piece(text=fit_middle(row.pod or "-", width), tone=Tone.MUTED)]
