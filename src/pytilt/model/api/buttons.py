"""`UIButton`: a button of the page and of the display; a click is an update of its status."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from pytilt.model.api.metadata import ApiObject
from pytilt.model.base import Value
from pytilt.model.times import EPOCH, moment


class UIComponentLocation(Value):
    """Where a button is: at a resource, or in the bar on top (`Global`, `nav`)."""

    component_id: str = msgspec.field(default="", name="componentID")
    """The name of the resource, or `nav` for the bar on top."""
    component_type: str = ""
    """`Resource` or `Global`."""


class UITextInputSpec(Value):
    """Asks for a text."""

    default_value: str = ""
    """What it has at first."""
    placeholder: str = ""
    """What is shown while it is empty."""


class UIBoolInputSpec(Value):
    """Asks for yes or no."""

    default_value: bool = False
    """What it is at first."""
    true_string: str | None = None
    """What yes becomes; without: `true`."""
    false_string: str | None = None
    """What no becomes; without: `false`."""


class UIHiddenInputSpec(Value):
    """Asks for nothing: a value that is always given."""

    value: str = ""
    """Which one."""


class UIChoiceInputSpec(Value):
    """Asks for one of several texts."""

    choices: tuple[str, ...] = ()
    """The texts; the first one is chosen at first."""


class UIInputSpec(Value):
    """Something that is asked for before a click."""

    name: str = ""
    """The environment variable that it becomes."""
    label: str = ""
    """What is written beside it."""
    text: UITextInputSpec | None = None
    bool: UIBoolInputSpec | None = None
    hidden: UIHiddenInputSpec | None = None
    choice: UIChoiceInputSpec | None = None


class UITextInputStatus(Value):
    """The text that was given."""

    value: str = ""
    """Which one."""


class UIBoolInputStatus(Value):
    """Yes or no."""

    value: bool = False
    """Which one."""


class UIHiddenInputStatus(Value):
    """The value that is always given."""

    value: str = ""
    """Which one."""


class UIChoiceInputStatus(Value):
    """The text that was chosen."""

    value: str = ""
    """Which one."""


class UIInputStatus(Value):
    """What was given for an input."""

    name: str = ""
    """Of the input."""
    text: UITextInputStatus | None = None
    bool: UIBoolInputStatus | None = None
    hidden: UIHiddenInputStatus | None = None
    choice: UIChoiceInputStatus | None = None


class UIButtonSpec(Value):
    """What a button looks like, and what it asks for."""

    location: UIComponentLocation = UIComponentLocation()
    text: str = ""
    """What is written on it."""
    icon_name: str = ""
    """A symbol of the Material icons."""
    icon_svg: str = msgspec.field(default="", name="iconSVG")
    """A symbol of its own."""
    disabled: bool = False
    """Can it not be clicked?"""
    requires_confirmation: bool = False
    """Is a second click needed?"""
    inputs: tuple[UIInputSpec, ...] = ()


class UIButtonStatus(Value, omit_defaults=False):
    """When it was clicked last, and what was given then."""

    last_clicked_at: str | None = None
    """RFC 3339, with microseconds: setting it is a click."""
    inputs: tuple[UIInputStatus, ...] = ()


class UIButton(ApiObject):
    """A button. Its spec is written by its declarer, its status by whoever clicks it."""

    kind: ClassVar[str] = "UIButton"

    spec: UIButtonSpec = UIButtonSpec()
    status: UIButtonStatus = UIButtonStatus()

    def problems(self) -> tuple[str, ...]:
        """A button has a text and a place, and every input one type."""
        spec, found = self.spec, []
        if not spec.text:
            found.append("spec.text: Required value: Button text cannot be empty")
        if not spec.location.component_id:
            found.append("spec.location.componentID: Required value: Parent component ID is required")
        if not spec.location.component_type:
            found.append("spec.location.componentType: Required value: Parent component type is required")
        names: set[str] = set()
        for index, each in enumerate(spec.inputs):
            if each.name in names:
                found.append(f'spec.inputs[{index}].id: Duplicate value: "{each.name}"')
            names.add(each.name)
            if each.choice is not None and not each.choice.choices:
                found.append(
                    f'spec.inputs[{index}]: Invalid value: "{each.name}": must specify choices if input type is choice'
                )
            if sum(part is not None for part in (each.text, each.bool, each.hidden, each.choice)) != 1:
                found.append(f'spec.inputs[{index}]: Invalid value: "{each.name}": must specify exactly one input type')
        return tuple(found)

    def status_problems(self) -> tuple[str, ...]:
        """A click has a time, else nobody would see that it is one."""
        at = self.status.last_clicked_at
        if not at or moment(at) != EPOCH:
            return ()
        return (f'status.lastClickedAt: Invalid value: "{at}": must be a time such as 2026-01-31T12:00:00.000000Z',)


def input_values(button: UIButton) -> tuple[tuple[str, str], ...]:
    """The environment variables that a click gives to what it starts."""
    given = {each.name: each for each in button.status.inputs}
    return tuple((spec.name, _text(spec, given.get(spec.name, UIInputStatus()))) for spec in button.spec.inputs)


def _text(spec: UIInputSpec, given: UIInputStatus) -> str:
    if given.text is not None:
        return given.text.value
    if given.bool is not None:
        asked = spec.bool or UIBoolInputSpec()
        if given.bool.value:
            return "true" if asked.true_string is None else asked.true_string
        return "false" if asked.false_string is None else asked.false_string
    if given.hidden is not None:
        return given.hidden.value
    if given.choice is not None:
        choices = spec.choice.choices if spec.choice else ()
        return given.choice.value if given.choice.value in choices else next(iter(choices), "")
    return ""


def default_inputs(inputs: Sequence[UIInputSpec]) -> tuple[UIInputStatus, ...]:
    """What is given for inputs that nobody has changed."""
    return tuple(_default(each) for each in inputs)


def _default(spec: UIInputSpec) -> UIInputStatus:
    if spec.text is not None:
        return UIInputStatus(name=spec.name, text=UITextInputStatus(value=spec.text.default_value))
    if spec.bool is not None:
        return UIInputStatus(name=spec.name, bool=UIBoolInputStatus(value=spec.bool.default_value))
    if spec.hidden is not None:
        return UIInputStatus(name=spec.name, hidden=UIHiddenInputStatus(value=spec.hidden.value))
    choices = spec.choice.choices if spec.choice else ()
    return UIInputStatus(name=spec.name, choice=UIChoiceInputStatus(value=next(iter(choices), "")))
