"""The buttons of resources and of the session, as displays offer them. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from pytilt.model.api.buttons import UIButton, UIInputSpec, UIInputStatus, default_inputs
from pytilt.model.api.toggles import BUTTON_TYPE
from pytilt.store.objects import Snapshot

SESSION = ""
"""Where the buttons are that belong to no resource: the bar on top of Tilt's page."""

Buttons = Mapping[str, tuple[UIButton, ...]]
"""Those of every resource, by its name, and of the session."""


def buttons(state: Snapshot) -> Buttons:
    """Every button that people press, by the place where it is, in the order of their texts.

    The switch of a resource and what stops its update are left out: displays have keys for them.
    """
    found: dict[str, list[UIButton]] = {}
    for each in sorted(shown_buttons(state), key=lambda one: (one.spec.text, one.name)):
        found.setdefault(_place(each), []).append(each)
    return {place: tuple(some) for place, some in found.items()}


def shown_buttons(state: Snapshot) -> Iterator[UIButton]:
    """The buttons that the Tiltfile, its extensions and clients have made."""
    return (each for each in state.all(UIButton) if BUTTON_TYPE not in each.annotations)


def initial_inputs(button: UIButton) -> tuple[UIInputStatus, ...]:
    """What a form begins with: what was given last, where it still fits, else the defaults."""
    last = {each.name: each for each in button.status.inputs}
    return tuple(
        last[spec.name] if spec.name in last and _fits(spec, last[spec.name]) else default
        for spec, default in zip(button.spec.inputs, default_inputs(button.spec.inputs), strict=True)
    )


def asked(button: UIButton) -> Sequence[UIInputSpec]:
    """The inputs that a person sees."""
    return [each for each in button.spec.inputs if each.hidden is None]


def _place(button: UIButton) -> str:
    where = button.spec.location
    return where.component_id if where.component_type.lower() == "resource" else SESSION


def _fits(spec: UIInputSpec, given: UIInputStatus) -> bool:
    if spec.hidden is not None:
        return False  # its value is always that of the button
    if spec.choice is not None:
        return given.choice is not None and given.choice.value in spec.choice.choices
    return (spec.text is None) == (given.text is None) and (spec.bool is None) == (given.bool is None)
