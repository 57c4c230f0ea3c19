from msgspec.structs import replace

from pytilt.loop.api.toggles import Toggles, button_name, switch, switched
from pytilt.model.api.buttons import UIButton, UIButtonStatus, UIHiddenInputStatus, UIInputStatus
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.toggles import ToggleButton
from pytilt.model.names import ResourceName
from pytilt.model.objects import Resource
from pytilt.store.objects import Store
from tests.loop.declaring import local
from tests.loop.waiting import running, until


def declare(store: Store, *, enabled: bool = True) -> None:
    store.put(Resource(name="web", spec=local("web"), enabled=enabled))
    for each in switch(ResourceName("web"), enabled=enabled):
        store.put(each)


def button(store: Store) -> UIButton:
    found = store.get(UIButton, "toggle-web-disable")
    assert found
    return found


def click(store: Store, action: str, at: str) -> None:
    given = UIInputStatus(name="action", hidden=UIHiddenInputStatus(value=action))
    store.put(replace(button(store), status=UIButtonStatus(last_clicked_at=at, inputs=(given,))))


async def nothing() -> None:
    """Take no notice."""


def test_a_toggle_has_a_button_that_says_what_a_click_does(store: Store):
    declare(store)
    toggles = Toggles(store, nothing)
    toggles.turn()
    spec = button(store).spec
    assert (spec.text, spec.requires_confirmation, spec.location.component_id) == ("Disable Resource", True, "web")
    click(store, "on", "2026-01-01T00:00:00Z")
    toggles.turn()
    config = store.get(ConfigMap, "web-disable")
    assert config
    assert (config.data, button(store).spec.text) == ({"isDisabled": "true"}, "Enable Resource")
    store.put(replace(config, data={"isDisabled": "false"}))
    toggles.turn()
    toggles.turn()  # the click counts once
    assert button(store).spec.text == "Disable Resource"


def test_the_button_goes_with_its_toggle(store: Store):
    declare(store)
    toggles = Toggles(store, nothing)
    toggles.turn()
    store.delete(ToggleButton, "web-disable")
    toggles.turn()
    assert store.get(UIButton, button_name("web-disable")) is None


def test_what_is_wrong_with_a_toggle_is_in_its_status(store: Store):
    declare(store)
    toggles = Toggles(store, nothing)
    store.put(ConfigMap(name="web-disable", data={"isDisabled": "maybe"}))
    toggles.turn()
    toggle = store.get(ToggleButton, "web-disable")
    assert toggle
    assert 'has unknown value "maybe"' in toggle.status.error
    store.delete(ConfigMap, "web-disable")
    toggles.turn()
    toggle = store.get(ToggleButton, "web-disable")
    assert toggle
    assert toggle.status.error == 'no such ConfigMap "web-disable"'


async def test_resources_follow_their_config_maps(store: Store):
    declare(store)

    async def follow() -> None:
        for name, enabled in switched(store.snapshot()).items():
            store.change(Resource, name, lambda each: replace(each, enabled=enabled))  # noqa: B023 - called at once

    async with running(Toggles(store, follow).run()):
        store.put(ConfigMap(name="web-disable", data={"isDisabled": "true"}))
        await until(store, lambda: not store.snapshot().all(Resource)[0].enabled)
