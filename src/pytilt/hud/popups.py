"""Pop-ups: a question, a choice, a line to type, a text to read. `q` and escape close each of them."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from pytilt.hud.pieces import Piece, segments
from pytilt.hud.scrolling import ScrollingLines

CLOSE: list[BindingType] = [Binding("escape", "dismiss(None)", show=False), Binding("q,Q", "dismiss(None)", show=False)]


class Choice(ModalScreen[str | None]):
    """A list to choose from.

    Args:
        title: above it.
        options: what is handed back and what is shown; the first letter in brackets is a key: `[a]ll`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *CLOSE,
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def __init__(self, title: str, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._options = options

    def compose(self) -> ComposeResult:
        """The list in its frame."""
        with Vertical(classes="frame") as frame:
            frame.border_title = self._title
            frame.border_subtitle = "⏎ choose · esc close"
            yield OptionList(*(Option(text, id=key) for key, text in self._options), markup=False)

    def action_down(self) -> None:
        """The next one."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """The one before."""
        self.query_one(OptionList).action_cursor_up()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """It is chosen."""
        self.dismiss(event.option.id)


class Typing(ModalScreen[str | None]):
    """A line to type.

    Args:
        title: above it.
        text: what it is for.
        value: the initial text.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]

    def __init__(self, title: str, text: str, value: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._value = value

    def compose(self) -> ComposeResult:
        """The line in its frame."""
        with Vertical(classes="frame") as frame:
            frame.border_title = self._title
            frame.border_subtitle = "⏎ accept · esc close"
            yield Static(self._text, markup=False)
            yield Input(self._value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """It is typed."""
        self.dismiss(event.value)


class Question(ModalScreen[bool]):
    """A question with two answers.

    Args:
        title: above it.
        text: the question.
        yes: what `y` does, in words.
        no: what `n` does.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,Y,enter", "dismiss(True)", show=False),
        Binding("n,N,escape,q,Q", "dismiss(False)", show=False),
    ]

    def __init__(self, title: str, text: str, yes: str, no: str = "stay") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        """The question in its frame."""
        with Vertical(classes="frame") as frame:
            frame.border_title = self._title
            frame.border_subtitle = f"y {self._yes} · n {self._no}"
            yield Static(self._text, markup=False)


class _PopupLines(ScrollingLines):
    def __init__(self, lines: Sequence[Sequence[Piece]]) -> None:
        super().__init__()
        self._lines = lines

    def line_count(self) -> int:
        return len(self._lines)

    def draw_line(self, number: int, width: int) -> list[Segment]:  # noqa: ARG002 - cut by the pane
        return segments(self._lines[number], self.palette)


class Reading(ModalScreen[None]):
    """A text to read.

    Args:
        title: above it.
        lines: of the text.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *CLOSE,
        Binding("question_mark,g,enter", "dismiss(None)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[Sequence[Piece]]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The text in its frame."""
        with Vertical(classes="frame wide") as frame:
            frame.border_title = self._title
            frame.border_subtitle = "↑ ↓ scroll · esc close"
            page = _PopupLines(self._lines)
            page.styles.height = len(self._lines)
            yield page

    def action_scroll(self, lines: int) -> None:
        """Scroll."""
        self.query_one(_PopupLines).scroll_lines(lines)
