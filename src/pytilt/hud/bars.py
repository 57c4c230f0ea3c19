"""The bars of one line: the session on top, the titles of table and log, the keys at the bottom."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from pytilt import __version__
from pytilt.hud import glyphs
from pytilt.hud.commands import DisplayCommand, Now, possible
from pytilt.hud.pieces import Piece, both_ends, cut, fit, length, segments
from pytilt.hud.themes import Palette, palette
from pytilt.views.dots import TONES, Dot, Tone
from pytilt.views.summaries import Summary

BADGE = " tilt "

NAMES_WIDTH = 36
"""Cells that the names of broken rows may take from the counts of those that are well."""
SHORTEST_NAME = 8
"""Cells that are worth showing of a name."""

WORDS = {
    Dot.ERROR: "broken",
    Dot.UPDATING: "updating",
    Dot.PENDING: "pending",
    Dot.OK: "ok",
    Dot.IDLE: "idle",
    Dot.DISABLED: "off",
}


class OneLine(Widget):
    """A bar of one line."""

    @property
    def palette(self) -> Palette:
        """How things look now."""
        return palette(self.app.theme)

    def draw(self, width: int) -> list[Segment]:
        """The bar's line, not wider than `width` cells."""
        raise NotImplementedError  # each bar draws its own; Textual's metaclass forbids an `ABC`

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        """See Textual's line API."""
        width = self.size.width
        below = Style(bgcolor=self.rich_style.bgcolor)
        return Strip(self.draw(width)).adjust_cell_length(width, self.rich_style).apply_style(below)


class StatusBar(OneLine):
    """Session, cluster, counts, warnings, version."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self._summary = Summary()
        self._problem = ""

    def show(self, summary: Summary, problem: str) -> None:
        """Show a session.

        Args:
            summary: of it.
            problem: why the display is not connected to it; empty when it is.
        """
        if (summary, problem) != (self._summary, self._problem):
            self._summary, self._problem = summary, problem
            self.refresh()

    def draw(self, width: int) -> list[Segment]:
        """See `OneLine`."""
        bar = self.palette.bar
        badge = Segment(BADGE, bar + self.palette.badge)
        right = self._right(width)
        left = self._left(width - len(BADGE) - length(right) - 1)
        return [
            badge,
            *segments(
                both_ends(left, right, width - len(BADGE)),
                self.palette,
                Style(bgcolor=bar.bgcolor),
            ),
        ]

    def _left(self, room: int) -> list[Piece]:
        """The left side. Names of broken rows have more need of the room than how many are well."""
        everything = self._counted(())
        if not self._summary.broken or self._problem:
            return everything
        loud = length(self._counted((), quiet=False))
        names = _names(self._summary.broken, max(room - length(everything), min(room - loud, NAMES_WIDTH)))
        return self._counted(names, quiet=length(everything) + length(names) <= room)

    def _counted(self, names: Sequence[Piece], *, quiet: bool = True) -> list[Piece]:
        found = self._summary
        pieces = [Piece(text=f" {found.project}", tone=Tone.STRONG)] if found.project else []
        if self._problem:
            return [*pieces, Piece(text=f"  ✖ {self._problem}", tone=Tone.ERROR)]
        for dot, count in found.counts:
            if not quiet and TONES[dot] in (Tone.OK, Tone.MUTED):
                continue
            pieces.append(Piece(text=f"  {_sign(dot)} {count} {WORDS[dot]}", tone=TONES[dot]))
            pieces += names if dot is Dot.ERROR else ()
        if found.tiltfile is Dot.ERROR:
            pieces.append(Piece(text="  ✖ Tiltfile error", tone=Tone.ERROR))
        elif found.tiltfile in (Dot.UPDATING, Dot.PENDING):
            pieces.append(Piece(text="  ◌ Tiltfile", tone=Tone.BUSY))
        if found.warnings:
            words = "warning" if found.warnings == 1 else "warnings"
            pieces.append(Piece(text=f"  ! {found.warnings} {words}", tone=Tone.WARN))
        return pieces

    def _right(self, width: int) -> list[Piece]:
        found = self._summary
        pieces: list[Piece] = []
        if found.cluster_error:
            pieces.append(Piece(text="✖ cluster unreachable  ", tone=Tone.ERROR))
        if found.context:
            namespace = f"/{found.namespace}" if found.namespace else ""
            pieces.append(Piece(text=f"{found.context}{namespace}  ", tone=Tone.PLAIN))
        if width >= 70:
            pieces.append(Piece(text=f"v{__version__} ", tone=Tone.MUTED))
        return pieces


class TitleBar(OneLine):
    """A line of text made elsewhere: the titles of the columns."""

    def __init__(self) -> None:
        super().__init__(id="titles")
        self._line: list[Segment] = []

    def show(self, line: list[Segment]) -> None:
        """Show a line."""
        if line != self._line:
            self._line = line
            self.refresh()

    def draw(self, width: int) -> list[Segment]:  # noqa: ARG002 - the line is as wide as the table
        """See `OneLine`."""
        return self._line


class LogTitle(OneLine):
    """The line between table and log: which lines are shown, and how."""

    def __init__(self) -> None:
        super().__init__(id="log-title")
        self._resource = ""
        self._source = "all"
        self._notes: Sequence[str] = ()
        self._reading = False

    def show(self, name: str, source: str, notes: Sequence[str], *, reading: bool) -> None:
        """Show which lines are shown.

        Args:
            name: of the resource; empty: of all.
            source: `all`, `build` or `runtime`.
            notes: what else is to be known: `follows`, `errors only`.
            reading: has the log the keys?
        """
        shown = (name, source, tuple(notes), reading)
        if shown != (self._resource, self._source, tuple(self._notes), self._reading):
            self._resource, self._source, self._notes, self._reading = shown
            self.refresh()

    def draw(self, width: int) -> list[Segment]:
        """See `OneLine`."""
        tone = Tone.ACCENT if self._reading else Tone.PLAIN
        left = [Piece(text=f" LOG: {self._resource} " if self._resource else " LOG ", tone=tone)]
        for key, source, word in (("1", "all", "all"), ("2", "build", "build"), ("3", "runtime", "run")):
            on = source == self._source
            left += [
                Piece(text=f" {key}:", tone=Tone.MUTED, action=f"app.source('{source}')"),
                Piece(
                    text=f"{'[' if on else ' '}{word}{']' if on else ' '}",
                    tone=Tone.STRONG if on else Tone.MUTED,
                    action=f"app.source('{source}')",
                ),
            ]
        right = [Piece(text=f" {' · '.join(self._notes)} " if self._notes else "", tone=Tone.MUTED)]
        room = max(0, width - length(left) - length(right) - 3)
        line = self.palette.line
        if room == 0:
            return segments(both_ends(left, right, width), self.palette)
        return [
            Segment("─", line),
            *segments(left, self.palette),
            Segment(" " + "─" * room, line),
            *segments(right, self.palette),
            Segment("─", line),
        ]


class KeyBar(OneLine):
    """What can be done now."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._state = Now()

    def show(self, now: Now) -> None:
        """Show what is possible."""
        if now != self._state:
            self._state = now
            self.refresh()

    def draw(self, width: int) -> list[Segment]:
        """See `OneLine`."""
        room, shown = width - 1, []
        for command in possible(self._state):
            size = cell_len(self._text(command)) + 2
            if size <= room:
                shown.append(command)
                room -= size
        pieces = [Piece(text=" ")]
        for command in sorted(shown, key=_place):
            key, _, word = self._text(command).partition(" ")
            pieces += [
                Piece(text=key, tone=Tone.ACCENT, action=f"app.{command.action}"),
                Piece(text=f" {word}  ", tone=Tone.MUTED, action=f"app.{command.action}"),
            ]
        used = length(pieces)
        pieces.append(Piece(text=fit("", max(0, width - used))))
        bar = self.palette.bar
        return segments(pieces, self.palette, Style(bgcolor=bar.bgcolor))

    def _text(self, command: DisplayCommand) -> str:
        label = "to the rows" if command.action == "other_pane" and self._state.reading else command.label
        if command.action == "leave" and self._state.full_log:
            label = "close"
        return f"{command.shown.split()[0]} {label}"


def _place(command: DisplayCommand) -> int:
    """Leaving comes last, where people look for it."""
    return 1 if command.action == "leave" else 0


def _names(names: Sequence[str], room: int) -> list[Piece]:
    """As many names as have room, each of which selects its row when it is clicked; then how many there are more."""
    shown: list[Piece] = []
    for number, name in enumerate(names, 1):
        piece = Piece(text=f"{', ' if shown else ': '}{name}", tone=Tone.ERROR, action=f"app.go_to({name!r})")
        left = room - length(shown) - len(_more(len(names) - number))
        if length([piece]) > left:
            shown += cut([piece], left) if not shown and left >= SHORTEST_NAME else []
            break
        shown.append(piece)
    return [*shown, Piece(text=_more(len(names) - len(shown)), tone=Tone.ERROR)] if shown else []


def _more(count: int) -> str:
    return f" +{count}" if count else ""


def _sign(dot: Dot) -> str:
    return glyphs.DOTS.get(dot, glyphs.SPINNER[0])
