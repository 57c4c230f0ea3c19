"""`ToggleButton`: a button that switches a key of a ConfigMap between two values."""

from collections.abc import Container
from typing import ClassVar

import msgspec

from pytilt.model.api.buttons import UIComponentLocation
from pytilt.model.api.metadata import ApiObject
from pytilt.model.base import Value

SWITCH_KEY = "isDisabled"
"""The key of the ConfigMap that disables a resource; Tilt's."""

BUTTON_TYPE = "tilt.dev/uibutton-type"
"""The annotation of a button that displays treat in their own way; Tilt's."""

STOP_BUILD = "StopBuild"
"""The type of a button that stops a running update; Tilt's."""

_SWITCH = "-disable"


def switch_name(resource: str) -> str:
    """The name of the ConfigMap, and of the ToggleButton, that disable a resource; Tilt's."""
    return f"{resource}{_SWITCH}"


def stop_button_name(resource: str) -> str:
    """The name of the button that stops the running update of a resource; Tilt's."""
    return f"{resource}-stopbuild"


def is_switch(name: str, resources: Container[str]) -> bool:
    """Does the ConfigMap of this name disable one of these resources?"""
    return name.endswith(_SWITCH) and name.removesuffix(_SWITCH) in resources


class ToggleButtonStateSpec(Value):
    """What the button looks like in one of its states."""

    text: str = ""
    """What is written on it."""
    icon_name: str = ""
    """A symbol of the Material icons."""
    icon_svg: str = msgspec.field(default="", name="iconSVG")
    """A symbol of its own."""
    requires_confirmation: bool = False
    """Is a second click needed?"""


class ConfigMapStateSource(Value):
    """The key that is switched, and its two values."""

    name: str = ""
    """Of the ConfigMap."""
    key: str = ""
    """Of its data."""
    on_value: str = ""
    """Its value while it is on."""
    off_value: str = ""
    """Its value while it is off."""


class StateSource(Value):
    """Where the state is kept."""

    config_map: ConfigMapStateSource | None = None


class ToggleButtonSpec(Value):
    """Where the button is, and what it switches."""

    location: UIComponentLocation = UIComponentLocation()
    on: ToggleButtonStateSpec = ToggleButtonStateSpec()
    off: ToggleButtonStateSpec = ToggleButtonStateSpec()
    default_on: bool = False
    """Which state it has where the key has no value."""
    state_source: StateSource = StateSource()


class ToggleButtonStatus(Value):
    """What is wrong with its state."""

    error: str = ""
    """Why it cannot be switched."""


class ToggleButton(ApiObject):
    """A switch. The spec is written by the declarer, the status and the UIButton it owns by the session."""

    kind: ClassVar[str] = "ToggleButton"

    spec: ToggleButtonSpec = ToggleButtonSpec()
    status: ToggleButtonStatus = ToggleButtonStatus()

    def problems(self) -> tuple[str, ...]:
        """Both states have a text, and there is something to switch."""
        found = []
        for name, state in (("on", self.spec.on), ("off", self.spec.off)):
            if not state.text:
                found.append(f"spec.{name}.text: Required value: Button text cannot be empty")
        if self.spec.state_source.config_map is None:
            found.append("spec.stateSource.configMap: Required value: it names what is switched")
        return tuple(found)
