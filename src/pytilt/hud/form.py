"""The form that asks for the inputs of a button."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from pytilt.host.output import plain
from pytilt.model.api.buttons import (
    UIBoolInputStatus,
    UIButton,
    UIChoiceInputStatus,
    UIInputSpec,
    UIInputStatus,
    UITextInputStatus,
)
from pytilt.views.buttons import initial_inputs

Answer = tuple[UIInputStatus, ...]


def button_text(button: UIButton) -> str:
    """A button in a list."""
    return plain(button.spec.text) + (" (disabled)" if button.spec.disabled else "")


class Tick(Static, can_focus=True):
    """A yes or a no, readable without colours."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "turn", show=False)]

    def __init__(self, label: str, *, value: bool) -> None:
        super().__init__(markup=False)
        self._label = label
        self.value = value

    def on_mount(self) -> None:
        """Draw what it is."""
        self._draw()

    def on_click(self) -> None:
        """The mouse turns it too."""
        self.action_turn()

    def action_turn(self) -> None:
        """From no to yes, and back."""
        self.value = not self.value
        self._draw()

    def _draw(self) -> None:
        self.update(f"[{'x' if self.value else ' '}] {self._label}")


class Pick(Select[str], inherit_bindings=False):
    """A list to choose from, which `enter` does not open: that presses the button."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "show_overlay", show=False)]


class ButtonForm(ModalScreen[Answer | None]):
    """A field for every input of a button that a person sees; enter presses the button.

    Args:
        button: whose inputs are asked for.
        title: above them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("enter", "accept", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, button: UIButton, title: str) -> None:
        super().__init__()
        self._title = title
        self._specs = button.spec.inputs
        self._initial = initial_inputs(button)
        self._fields: dict[str, Widget] = {}

    def compose(self) -> ComposeResult:
        """The fields in their frame."""
        with Vertical(classes="frame") as frame:
            frame.border_title = self._title
            frame.border_subtitle = "⏎ press · tab next · esc close"
            with VerticalScroll(can_focus=False):
                for spec, value in zip(self._specs, self._initial, strict=True):
                    yield from self._field(spec, value)

    def _field(self, spec: UIInputSpec, value: UIInputStatus) -> ComposeResult:
        label = plain(spec.label or spec.name)
        if spec.text is not None and value.text is not None:
            yield Static(label, markup=False)
            yield self._kept(spec, Input(value.text.value, placeholder=spec.text.placeholder))
        elif value.bool is not None:
            yield self._kept(spec, Tick(label, value=value.bool.value))
        elif spec.choice is not None and value.choice is not None:
            yield Static(label, markup=False)
            options = [(plain(each), each) for each in spec.choice.choices]
            yield self._kept(spec, Pick(options, value=value.choice.value, allow_blank=False))

    def _kept(self, spec: UIInputSpec, field: Widget) -> Widget:
        self._fields[spec.name] = field
        return field

    def on_input_submitted(self) -> None:
        """Enter in a text."""
        self.action_accept()

    def action_accept(self) -> None:
        """Hand back what was given."""
        self.dismiss(tuple(self._given(spec, value) for spec, value in zip(self._specs, self._initial, strict=True)))

    def _given(self, spec: UIInputSpec, value: UIInputStatus) -> UIInputStatus:
        field = self._fields.get(spec.name)
        if isinstance(field, Input):
            return UIInputStatus(name=spec.name, text=UITextInputStatus(value=field.value))
        if isinstance(field, Tick):
            return UIInputStatus(name=spec.name, bool=UIBoolInputStatus(value=field.value))
        if isinstance(field, Select):
            return UIInputStatus(name=spec.name, choice=UIChoiceInputStatus(value=str(field.value)))
        return value
