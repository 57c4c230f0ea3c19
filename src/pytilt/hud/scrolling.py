"""A pane of lines that scrolls: it draws what is seen and nothing else, however long it is."""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pytilt.hud.themes import Palette, palette

WHEEL_LINES = 3
"""Lines that one step of the mouse wheel scrolls."""

TRACK, THUMB = "│", "┃"


class ScrollingLines(Widget, can_focus=True):
    """Lines in a pane, with a scroll bar of one column at their right.

    Textual's own scrolling lays out the whole screen whenever the number of lines changes, which a log does all the
    time; this one only draws itself.
    """

    top: int = 0
    """The line that is drawn at the upper edge."""

    _below = Style()

    empty_text: str = ""
    """What is drawn when there is no line."""

    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError  # each pane has its own; Textual's metaclass forbids an `ABC`

    def draw_line(self, number: int, width: int) -> list[Segment]:
        """Draw one line, not wider than `width` cells."""
        raise NotImplementedError  # each pane has its own; Textual's metaclass forbids an `ABC`

    @property
    def palette(self) -> Palette:
        """How things look now."""
        return palette(self.app.theme)

    @property
    def bottom(self) -> int:
        """The greatest `top` there can be."""
        return max(0, self.line_count() - self.size.height)

    @property
    def page(self) -> int:
        """Lines that a page scrolls."""
        return max(1, self.size.height - 1)

    def scroll_lines(self, lines: int) -> None:
        """Scroll down by so many lines, up by negative ones."""
        self.show_from(self.top + lines)

    def show_from(self, top: int) -> None:
        """Scroll so that the pane begins with a line, as far as there are lines."""
        wanted = min(max(0, top), self.bottom)
        if wanted != self.top:
            self.top = wanted
            self.refresh()

    def show_line(self, first: int, last: int | None = None) -> None:
        """Scroll as little as possible so that lines are seen; the first one always is."""
        height = self.size.height
        if height and last is not None and last >= self.top + height:
            self.show_from(last - height + 1)
        if first >= self.top + height:
            self.show_from(first - height + 1)
        if first < self.top:
            self.show_from(first)

    def refresh_line(self, number: int) -> None:
        """Draw one line anew if it is seen."""
        y = number - self.top
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw what is seen; the background is looked up once, not for every line."""
        self._below = Style(bgcolor=self.rich_style.bgcolor)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw what is seen at a height of the pane."""
        if not self.line_count():
            text = Segment(f"  {self.empty_text}" if y == min(1, self.size.height - 1) else "", self.palette.head)
            return Strip([text]).adjust_cell_length(self.size.width, self._below).apply_style(self._below)
        width = max(0, self.size.width - 1)
        number = self.top + y
        drawn = self.draw_line(number, width) if number < self.line_count() else []
        strip = Strip(drawn).adjust_cell_length(width, self._below)
        return Strip([*strip, self._scroll_bar(y)]).apply_style(self._below)

    def _scroll_bar(self, y: int) -> Segment:
        count, height = self.line_count(), self.size.height
        if count <= height or not height:
            return Segment(" ")
        size = max(1, round(height * height / count))
        start = round((height - size) * self.top / max(1, self.bottom))
        on = start <= y < start + size
        return Segment(THUMB if on else TRACK, self.palette.thumb if on else self.palette.line)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self.scroll_lines(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.stop()
        self.scroll_lines(-WHEEL_LINES)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the scroll bar."""
        if event.x == self.size.width - 1 and self.bottom:
            self.capture_mouse()
            self._drag_to(event.y)
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar."""
        if self.app.mouse_captured is self:
            self._drag_to(event.y)

    def on_mouse_up(self, _: events.MouseUp) -> None:
        """Let go of the scroll bar."""
        if self.app.mouse_captured is self:
            self.release_mouse()

    def on_resize(self) -> None:
        """Keep what is shown inside."""
        self.top = min(self.top, self.bottom)

    def _drag_to(self, y: int) -> None:
        self.show_from(round(self.bottom * y / max(1, self.size.height - 1)))
