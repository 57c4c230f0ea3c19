"""The table of resources: groups that fold, rows that expand, one of them selected."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message

from pytilt.hud import glyphs
from pytilt.hud.columns import Column, cells, columns, titles
from pytilt.hud.details import HISTORY_LINES, PODS, details
from pytilt.hud.pieces import Piece, length, segments
from pytilt.hud.scrolling import ScrollingLines
from pytilt.model.base import Value
from pytilt.model.names import ResourceName
from pytilt.views.ages import age_of
from pytilt.views.dots import Dot, Tone
from pytilt.views.groups import Filter, Group, groups
from pytilt.views.rows import Row
from pytilt.views.updates import elapsed


class TableEntry(Value):
    """A line of the table: the title of a group, a row, or a detail of the row above it."""

    group: Group | None = None
    row: Row | None = None
    detail: tuple[Piece, ...] | None = None

    @property
    def key(self) -> str:
        """What the selection remembers; empty for details, which cannot be selected."""
        if self.detail is not None:
            return ""
        return f"row:{self.row.name}" if self.row else f"group:{self.group.label if self.group else ''}"


class ResourceTable(ScrollingLines):
    """The rows of a session.

    Args:
        clock: returns the time.
    """

    class Chosen(Message):
        """Another line is selected."""

    class Reshaped(Message):
        """It has other columns now."""

    class Opened(Message):
        """The person wants to see the log of the selected row."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(id="table")
        self._clock = clock
        self._rows: tuple[Row, ...] = ()
        self._last_words: Mapping[ResourceName, Sequence[str]] = {}
        self._filter = Filter()
        self._entries: list[TableEntry] = []
        self._columns: tuple[Column, ...] = columns(0, 0)
        self._choices: dict[ResourceName, bool] = {}
        self._folded: set[str] = set()
        self._selected = ""
        self._ages: tuple[str, ...] = ()
        self._room = 0

    @property
    def filter(self) -> Filter:
        """Which rows are shown."""
        return self._filter

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that have room now."""
        return self._columns

    @property
    def selected(self) -> Row | None:
        """The selected row; None while a group is selected, or nothing."""
        found = next((entry for entry in self._entries if entry.key == self._selected), None)
        return found.row if found else None

    @property
    def selected_group(self) -> Group | None:
        """The selected group; None while a row is selected."""
        found = next((entry for entry in self._entries if entry.key == self._selected), None)
        return found.group if found else None

    @property
    def selection_is_unfolded(self) -> bool:
        """Is the selected row expanded, or the selected group unfolded?"""
        row, group = self.selected, self.selected_group
        return self.expanded(row) if row else group is not None and group.label not in self._folded

    @property
    def seen(self) -> list[str]:
        """Names of the rows that are listed, in order."""
        return [entry.row.name for entry in self._entries if entry.row and entry.detail is None]

    def show_rows(self, rows: tuple[Row, ...], last_words: Mapping[ResourceName, Sequence[str]]) -> None:
        """Show other rows.

        Args:
            rows: all of them.
            last_words: the end of the log of each row that is broken by what runs.
        """
        alone = len(self._rows) <= 1 < len(rows)
        self._rows, self._last_words = rows, last_words
        self._rebuild()
        if alone:
            self._select_first()

    def give_room(self, lines: int) -> None:
        """Say how many lines the table may have, where it may grow."""
        if lines != self._room:
            self._room = lines
            self._rebuild()

    def show_only(self, wanted: Filter) -> None:
        """Filter the rows."""
        self._filter = wanted
        self._rebuild()

    def tick(self) -> None:
        """Draw anew when an age that is seen reads differently now."""
        now = self._clock()
        ages = tuple(text for row in self._rows for text in _ages(row, now, whole=self.expanded(row)))
        if ages != self._ages:
            self._ages = ages
            self._rebuild()

    def spin(self) -> None:
        """Draw the rows anew whose spinner turns."""
        last = min(len(self._entries), self.top + self.size.height)
        for number in range(self.top, last):
            row = self._entries[number].row
            if row is not None and row.updating and self._entries[number].detail is None:
                self.refresh_line(number)

    def select(self, key: str) -> None:
        """Select a line by its key and bring it into view."""
        if key == self._selected or not any(entry.key == key for entry in self._entries):
            return
        before, top = self._selected, self.top
        self._selected = key
        self._show_selected()
        if self.top == top:
            for number, entry in enumerate(self._entries):
                if entry.key and entry.key in (before, key):
                    self.refresh_line(number)
        self.post_message(self.Chosen())

    def select_row(self, name: str) -> None:
        """Select a row, unfolding its group."""
        row = next((row for row in self._rows if row.name == name), None)
        if row is not None:
            self._folded.discard(row.labels[0] if row.labels else "")
            self._rebuild()
            self.select(f"row:{name}")

    def move(self, steps: int) -> None:
        """Select the line so many selectable lines further down, or up for negative ones."""
        keys = [entry.key for entry in self._entries if entry.key]
        if keys:
            at = keys.index(self._selected) if self._selected in keys else 0
            self.select(keys[min(max(0, at + steps), len(keys) - 1)])

    def unfold(self, *, wanted: bool | None = None) -> None:
        """Expand or fold the selected row or group; the person's choice holds from then on.

        Args:
            wanted: None for the other of the two.
        """
        entry = next((entry for entry in self._entries if entry.key == self._selected), None)
        if entry is None:
            return
        if entry.row is not None:
            now = self.expanded(entry.row)
            self._choices[entry.row.name] = (not now) if wanted is None else wanted
        elif entry.group is not None:
            unfold = entry.group.label in self._folded if wanted is None else wanted
            (self._folded.discard if unfold else self._folded.add)(entry.group.label)
        self._rebuild()
        self._show_selected()

    def expanded(self, row: Row) -> bool:
        """Is a row expanded? By the person's choice, else while there is trouble."""
        return self._choices.get(row.name, row.trouble)

    def line_count(self) -> int:
        """See `ScrollingLines`."""
        return len(self._entries)

    def draw_line(self, number: int, width: int) -> list[Segment]:
        """See `ScrollingLines`."""
        entry = self._entries[number]
        palette = self.palette
        if entry.detail is not None:
            return segments(entry.detail, palette)
        chosen = entry.key == self._selected
        over: Style | None = None
        if chosen:
            over = palette.selected if self.has_focus else palette.selected_elsewhere
        pieces = self._row_line(entry.row, chosen) if entry.row else self._group_line(entry.group, chosen)
        filled = length(pieces)
        return segments([*pieces, Piece(text=" " * max(0, width - filled))], palette, over)

    def draw_titles(self) -> list[Segment]:
        """The line above the rows."""
        return segments(titles(self._columns, self._filter.shown), self.palette)

    def on_resize(self) -> None:
        """Give the columns the room there is."""
        self._rebuild()
        self._show_selected()
        self.post_message(self.Reshaped())

    def on_click(self, event: events.Click) -> None:
        """Select what was clicked; a second click expands it, a double click opens its log."""
        number = self.top + event.y
        if number >= len(self._entries) or event.x >= self.size.width - 1 or event.style.meta.get("@click"):
            return
        entry = self._entries[number]
        key = entry.key or f"row:{entry.row.name if entry.row else ''}"
        if key != self._selected:
            self.select(key)
        elif event.chain == 2 and entry.row:
            self.post_message(self.Opened())
        elif entry.key:
            self.unfold()

    def on_focus(self) -> None:
        """Draw the selection stronger."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw the selection weaker."""
        self.refresh()

    def _rebuild(self) -> None:
        width, now = max(0, self.size.width - 1), self._clock()
        longest = max((cell_len(row.name) + 2 * bool(row.warnings) for row in self._rows), default=0)
        self._columns = columns(width, longest)
        found = groups(self._rows, self._filter)
        titled = len(found) > 1 or any(group.label for group in found)
        entries: list[TableEntry] = []
        for group in found:
            if titled:
                entries.append(TableEntry(group=group))
            if not (titled and group.label in self._folded and not self._filter.active):
                entries += [TableEntry(row=row) for row in group.rows]
        self._entries = entries = self._with_details(entries, now, width)
        if not any(entry.key == self._selected for entry in entries):
            self._select_first()
        self.top = min(self.top, self.bottom)
        self.refresh()

    def _with_details(self, entries: list[TableEntry], now: datetime, width: int) -> list[TableEntry]:
        """Put the details of expanded rows below them; where the screen has empty lines, more of what is broken."""
        unfolded = [entry.row for entry in entries if entry.row and self.expanded(entry.row)]
        if not unfolded:
            return entries
        words = {row.name: self._last_words.get(row.name, ()) for row in unfolded}
        lines = {row.name: details(row, words[row.name], now, width) for row in unfolded}
        spare = max(self._room, self.size.height) - len(entries) - sum(map(len, lines.values()))
        for row in unfolded:
            if spare > 0 and row.trouble:
                more = details(row, words[row.name], now, width, spare=spare)
                spare -= len(more) - len(lines[row.name])
                lines[row.name] = more
        found: list[TableEntry] = []
        for entry in entries:
            found.append(entry)
            if entry.row and entry.row.name in lines:
                found += [TableEntry(row=entry.row, detail=tuple(line)) for line in lines[entry.row.name]]
        return found

    def _select_first(self) -> None:
        first = next((entry.key for entry in self._entries if entry.row), "")
        if first != self._selected:
            self._selected = first
            self.post_message(self.Chosen())
        self.top = 0

    def _show_selected(self) -> None:
        """Bring the selected line into view, with its details as far as there is room, and a title right above it."""
        starts = [number for number, entry in enumerate(self._entries) if entry.key]
        for number, following in pairwise([*starts, len(self._entries)]):
            if self._entries[number].key == self._selected:
                above = number > 0 and self._entries[number - 1].row is None
                self.show_line(number - int(above), following - 1)

    def _row_line(self, row: Row, chosen: bool) -> list[Piece]:
        now = self._clock()
        mark = ("▼ " if self.expanded(row) else "▶ ") if chosen else "  "
        lead = [Piece(text=mark, tone=Tone.ACCENT), glyphs.dot(row.dot, now), Piece(text=" ")]
        return [*lead, *cells(self._columns, row, now)]

    def _group_line(self, group: Group | None, chosen: bool) -> list[Piece]:
        assert group is not None
        folded = group.label in self._folded and not self._filter.active
        mark = "▶ " if chosen else "  "
        pieces = [
            Piece(text=mark, tone=Tone.ACCENT),
            Piece(text="▸ " if folded else "▾ ", tone=Tone.MUTED),
            Piece(text=group.title, tone=Tone.ACCENT),
            Piece(text=f"  {len(group.rows)}", tone=Tone.MUTED),
        ]
        for dot, count in group.counts:
            if folded or dot in (Dot.ERROR, Dot.UPDATING, Dot.PENDING):
                drawn = glyphs.dot(dot, self._clock())
                pieces.append(Piece(text=f"  {drawn.text} {count}", tone=drawn.tone))
        return pieces


def _ages(row: Row, now: datetime, *, whole: bool) -> list[str]:
    """How old the things are that a row shows."""
    times = [row.since]
    if whole:
        times += [line.when for line in row.history[:HISTORY_LINES]]
        times += [pod.created_at for pod in row.pods[:PODS]]
    return [elapsed(row.started_at, now), *(age_of(time, now) for time in times)]
