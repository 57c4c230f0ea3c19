"""The pane of log lines: it follows the end or stays where the person reads, and slides over the whole log."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from zlib import crc32

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from pytilt.hud.loglayout import LogLook, body, height, lead, parts
from pytilt.hud.logwindow import LogWindow, ShownLine
from pytilt.hud.pieces import segments
from pytilt.hud.scrolling import ScrollingLines
from pytilt.model.lines import Line
from pytilt.views.dots import Tone
from pytilt.views.loglines import finds

NEAR = 50
"""So many rows before the window ends, what lies beyond it is asked for."""


class LogView(ScrollingLines):
    """Lines of the log."""

    ALLOW_SELECT = True

    class Wants(Message):
        """Lines beyond the window are wanted.

        Args:
            older: those before it, else those after it.
        """

        def __init__(self, *, older: bool) -> None:
            super().__init__()
            self.older = older

    class Moved(Message):
        """It follows the end now, or does not any more."""

    def __init__(self) -> None:
        super().__init__(id="log")
        self.window = LogWindow()
        self.look = LogLook()
        self.following = True
        self.at: int | None = None
        """Number of the line of the current match."""
        self.empty_text = "no log lines yet"
        self._starts: list[int] = [0]
        self._width = 0
        """For which the lines were broken."""
        self._asked = False

    # What is shown

    def begin(self, empty_text: str) -> None:
        """Begin anew with other lines."""
        self.window = LogWindow()
        self.empty_text = empty_text
        self._asked = False
        self.at = None
        self.following = True
        self._layout()
        self.refresh()
        self.post_message(self.Moved())

    def append(self, lines: Sequence[Line]) -> None:
        """Take new lines at the end."""
        before = len(self.window.lines)
        gone = self.window.append(lines, reading=not self.following)
        if gone or before > len(self.window.lines) or any(line.progress for line in lines):
            self._layout()
        else:
            self._grow(before)
        self._settle()

    def prepend(self, lines: Sequence[Line]) -> None:
        """Take lines from before the window, and stay at the line that is read."""
        self._asked = False
        added = self.window.prepend(lines)
        if added:
            self._layout()
            self.top += self._starts[min(added, len(self._starts) - 1)]
            self._settle()

    def extend(self, lines: Sequence[Line], *, more: bool) -> None:
        """Take lines from after the window, and stay at the line that is read."""
        self._asked = False
        starts = self._starts
        gone = self.window.extend(lines, more=more)
        self.top = max(0, self.top - starts[min(gone, len(starts) - 1)])
        self._layout()
        self._settle()

    def show_like(self, look: LogLook) -> None:
        """Show the lines in another way, with the same line on top."""
        on_top = self._index(self.top)
        self.look = look
        self._layout()
        self.top = self._starts[min(on_top, len(self._starts) - 1)]
        self._settle()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._set_following(wanted=True)
        self._settle()

    def find(self, *, backwards: bool) -> bool:
        """Go to the next line that holds the words of the search.

        Returns:
            False when there is none in the window in this direction.
        """
        lines = self.window.lines
        numbers = [index for index, each in enumerate(lines) if any(True for _ in finds(each.text, self.look.words))]
        at = next((index for index, each in enumerate(lines) if each.line.number == self.at), None)
        start = at if at is not None else self._index(min(self.top + self.size.height, self.line_count() - 1)) + 1
        wanted = [index for index in numbers if (index < start if backwards else index > start)]
        if not wanted:
            return False
        found = wanted[-1] if backwards else wanted[0]
        self.at = lines[found].line.number
        self._set_following(wanted=False)
        # In the middle, so that the context before and after is seen.
        self.top = min(max(0, self._starts[found] - self.size.height // 2), self.bottom)
        self.refresh()
        return True

    def visible_text(self) -> str:
        """The lines that are seen, for the clipboard."""
        last = min(self.top + self.size.height, self.line_count())
        indexes = dict.fromkeys(self._index(row) for row in range(self.top, last))
        return "\n".join(self.window.lines[index].text for index in indexes if index < len(self.window.lines))

    # Scrolling

    def scroll_lines(self, lines: int) -> None:
        """Scroll; reaching the end follows it again, leaving it stops that."""
        super().scroll_lines(lines)
        self._set_following(wanted=self.top >= self.bottom and self.window.at_end and lines > 0)
        self._ask()

    def show_from(self, top: int) -> None:
        """See `ScrollingLines`."""
        super().show_from(top)
        if self.following and self.top < self.bottom:
            self._set_following(wanted=False)
        self._ask()

    def line_count(self) -> int:
        """Rows of the pane, all lines with their wrapped parts."""
        return self._starts[-1]

    def on_resize(self) -> None:
        """Break the lines anew where the pane has another width."""
        if self.size.width != self._width:
            self._layout()
        self._settle()

    def on_focus(self) -> None:
        """Update the title."""
        self.post_message(self.Moved())

    def on_blur(self) -> None:
        """Update the title."""
        self.post_message(self.Moved())

    # Drawing

    def draw_line(self, number: int, width: int) -> list[Segment]:
        """See `ScrollingLines`."""
        index = self._index(number)
        shown = self.window.lines[index]
        found = parts(shown.text, self.look, width)
        nth = min(number - self._starts[index], len(found) - 1)
        palette, here = self.palette, shown.line.number == self.at
        line: list[Segment] = []
        for piece in lead(shown, self.look, first=nth == 0):
            style = self._name_style(shown) if piece.tone is Tone.ACCENT else palette[piece.tone]
            line.append(Segment(piece.text, style))
        for piece, hit in body(shown, found[nth], self.look, here=here):
            over = None if hit is None else palette.found_here if hit else palette.found
            line += segments([piece], palette, over)
        return line

    def render_line(self, y: int) -> Strip:
        """Draw what is seen at a height, and what the mouse selected of it."""
        strip = super().render_line(y)
        selection = self.text_selection
        span = selection.get_span(self.top + y) if selection else None
        if span is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            end = strip.cell_length - 1 if end == -1 else min(end, strip.cell_length - 1)
            before, inside, after = strip.divide([start, end, strip.cell_length])
            strip = Strip.join([before, Strip([Segment(s.text, (s.style or Style()) + style) for s in inside]), after])
        return strip.apply_offsets(0, self.top + y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse selected."""
        width = max(0, self.size.width - 1)
        rows = ("".join(piece.text for piece in self.draw_line(n, width)) for n in range(self.line_count()))
        return selection.extract("\n".join(rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - Textual's signature
        """Draw the selection."""
        self.refresh()

    # Layout

    def _layout(self) -> None:
        self._width = self.size.width
        width = max(0, self._width - 1)
        look = self.look
        self._starts = [0, *accumulate(height(each.text, look, width) for each in self.window.lines)]

    def _grow(self, before: int) -> None:
        width, end = max(0, self.size.width - 1), self._starts[-1]
        for index in range(before, len(self.window.lines)):
            end += height(self.window.lines[index].text, self.look, width)
            self._starts.append(end)

    def _settle(self) -> None:
        self.top = self.bottom if self.following and self.window.at_end else min(self.top, self.bottom)
        self.refresh()

    def _index(self, row: int) -> int:
        return max(0, min(bisect_right(self._starts, row) - 1, len(self.window.lines) - 1))

    def _set_following(self, *, wanted: bool) -> None:
        if wanted != self.following:
            self.following = wanted
            self.post_message(self.Moved())

    def _ask(self) -> None:
        if self._asked or self.following or not self.window.lines:
            return
        older = self.top < NEAR and not self.window.at_start
        newer = self.top > self.bottom - NEAR and not self.window.at_end
        if older or newer:
            self._asked = True
            self.post_message(self.Wants(older=older))

    def _name_style(self, shown: ShownLine) -> Style:
        names = self.palette.names
        return names[crc32(shown.line.resource.encode()) % len(names)]
