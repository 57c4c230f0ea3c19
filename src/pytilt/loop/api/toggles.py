"""`ToggleButton`s: each owns a UIButton, whose clicks switch a key of a ConfigMap; and the ConfigMaps of resources."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from operator import attrgetter

from msgspec.structs import replace

from pytilt.model.api.buttons import UIButton, UIButtonSpec, UIComponentLocation, UIHiddenInputSpec, UIInputSpec
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.metadata import ApiObject
from pytilt.model.api.toggles import (
    BUTTON_TYPE,
    SWITCH_KEY,
    ConfigMapStateSource,
    StateSource,
    ToggleButton,
    ToggleButtonSpec,
    ToggleButtonStateSpec,
    switch_name,
)
from pytilt.model.names import ResourceName
from pytilt.model.objects import Resource
from pytilt.model.stored import Owner
from pytilt.store.objects import Snapshot, Store

DISABLE_TOGGLE = "DisableToggle"

ACTION = "action"
"""The hidden input that says what a click does: `on` or `off`."""


def switch(resource: ResourceName, *, enabled: bool) -> tuple[ApiObject, ...]:
    """The ConfigMap and the ToggleButton by which a resource is disabled and enabled."""
    name = switch_name(resource)
    source = ConfigMapStateSource(name=name, key=SWITCH_KEY, on_value="true", off_value="false")
    spec = ToggleButtonSpec(
        location=UIComponentLocation(component_id=resource, component_type="Resource"),
        on=ToggleButtonStateSpec(text="Enable Resource"),
        off=ToggleButtonStateSpec(text="Disable Resource", requires_confirmation=True),
        state_source=StateSource(config_map=source),
    )
    return (
        ConfigMap(name=name, data={SWITCH_KEY: "false" if enabled else "true"}),
        ToggleButton(name=name, annotations={BUTTON_TYPE: DISABLE_TOGGLE}, spec=spec),
    )


class Toggles:
    """Writes the UIButton and the status of every ToggleButton, and enables and disables resources.

    Args:
        store: the session's objects.
        follow: enables and disables resources as their ConfigMaps say.
    """

    def __init__(self, store: Store, follow: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._follow = follow
        self._clicks: dict[str, str | None] = {}

    async def run(self) -> None:
        """Follow the clicks and the ConfigMaps, without end."""
        async for changed in self._store.watch(
            ToggleButton, UIButton, ConfigMap, Resource, aspects={Resource: attrgetter("enabled")}
        ):
            if changed.kinds != {Resource}:
                self.turn()
            names = {name for kind, name in changed.names if kind is Resource}
            if switched(self._store.snapshot(), names if changed.kinds == {Resource} else None):
                await self._follow()

    def turn(self) -> None:
        """One turn: take the clicks, then make every button what it has to be."""
        state = self._store.snapshot()
        toggles = state.named(ToggleButton)
        for button in state.all(UIButton):
            if button.owner is not None and button.owner.kind == ToggleButton.kind and button.owner.name not in toggles:
                self._store.delete(UIButton, button.name)
        for toggle in toggles.values():
            error = self._click(toggle)
            on, problem = self._state(toggle)
            self._store.put(replace(toggle, status=replace(toggle.status, error=error or problem)))
            self._put_button(toggle, on=on)

    def _click(self, toggle: ToggleButton) -> str:
        button = self._store.get(UIButton, button_name(toggle.name))
        clicked = button.status.last_clicked_at if button else None
        if button is None or clicked is None or self._clicks.get(toggle.name) == clicked:
            return ""
        self._clicks[toggle.name] = clicked
        given = next((each for each in button.status.inputs if each.name == ACTION), None)
        if given is None or given.hidden is None:
            return f'UIButton "{button.name}" does not have an input named "{ACTION}"'
        if given.hidden.value not in ("on", "off"):
            return f'button "{button.name}" input "{ACTION}" had unexpected value "{given.hidden.value}"'
        source = toggle.spec.state_source.config_map or ConfigMapStateSource()
        value = source.on_value if given.hidden.value == "on" else source.off_value
        self._store.change(ConfigMap, source.name, lambda each: replace(each, data={**each.data, source.key: value}))
        return ""

    def _state(self, toggle: ToggleButton) -> tuple[bool, str]:
        """Is it on, and what is wrong with its state."""
        source, fallback = toggle.spec.state_source.config_map, toggle.spec.default_on
        if source is None:
            return fallback, "Spec.StateSource.ConfigMap is nil"
        found = self._store.get(ConfigMap, source.name)
        if found is None:
            return fallback, f'no such ConfigMap "{source.name}"'
        value = found.data.get(source.key)
        if value is None or value in (source.on_value, source.off_value):
            return (fallback if value is None else value == source.on_value), ""
        return fallback, (
            f'ConfigMap "{source.name}" key "{source.key}" has unknown value "{value}". '
            f'expected "{source.on_value}" or "{source.off_value}"'
        )

    def _put_button(self, toggle: ToggleButton, *, on: bool) -> None:
        look = toggle.spec.on if on else toggle.spec.off
        name = button_name(toggle.name)
        before = self._store.get(UIButton, name)
        spec = UIButtonSpec(
            location=toggle.spec.location,
            text=look.text,
            icon_name=look.icon_name,
            icon_svg=look.icon_svg,
            requires_confirmation=look.requires_confirmation,
            inputs=(UIInputSpec(name=ACTION, hidden=UIHiddenInputSpec(value="off" if on else "on")),),
        )
        kinds = {BUTTON_TYPE: toggle.annotations[BUTTON_TYPE]} if BUTTON_TYPE in toggle.annotations else {}
        owner = Owner(kind=ToggleButton.kind, name=toggle.name)
        if before is None:
            self._store.put(UIButton(name=name, owner=owner, annotations=kinds, spec=spec))
        else:
            generation = before.generation + (before.spec != spec)
            self._store.put(replace(before, owner=owner, annotations=kinds, spec=spec, generation=generation))


def switched(state: Snapshot, names: Iterable[str] | None = None) -> Mapping[ResourceName, bool]:
    """The resources whose ConfigMap says something else than they are, and whether it enables them.

    Args:
        state: the objects of the session.
        names: only these resources; None: all.
    """
    found = {}
    for name in state.named(Resource) if names is None else names:
        resource = state.get(Resource, name)
        if resource is None:
            continue
        config = state.get(ConfigMap, switch_name(resource.name))
        value = config.data.get(SWITCH_KEY) if config is not None else None
        if value in ("true", "false") and resource.enabled is (value == "true"):
            found[ResourceName(resource.name)] = value == "false"
    return found


def button_name(toggle: str) -> str:
    """The name of the UIButton of a ToggleButton; Tilt's."""
    return f"toggle-{toggle}"
