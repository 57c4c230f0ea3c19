"""The buttons that stop a running update: `NAME-stopbuild`, one for every row, as in Tilt."""

from collections.abc import Callable

from pytilt.model.api.buttons import UIButton, UIButtonSpec, UIComponentLocation
from pytilt.model.api.toggles import BUTTON_TYPE, STOP_BUILD, stop_button_name
from pytilt.model.names import ResourceName
from pytilt.store.objects import Store


def stop_button(name: str) -> UIButton:
    """The button that stops the running update of a resource, or the evaluation of the Tiltfile."""
    location = UIComponentLocation(component_id=name, component_type="Resource")
    spec = UIButtonSpec(location=location, text="Stop Build", icon_name="cancel")
    return UIButton(name=stop_button_name(name), annotations={BUTTON_TYPE: STOP_BUILD}, spec=spec)


class StopButtons:
    """Stops what their clicks mean; a click while nothing runs means nothing.

    Args:
        store: the session's objects.
        stop: stops the running update of a row.
    """

    def __init__(self, store: Store, stop: Callable[[ResourceName], None]) -> None:
        self._store = store
        self._stop = stop
        self._clicks: dict[str, str] = {}

    async def run(self) -> None:
        """Follow the clicks, without end."""
        async for changed in self._store.watch(UIButton):
            for _, name in changed.names:
                button = self._store.get(UIButton, name)
                if button is not None and button.annotations.get(BUTTON_TYPE) == STOP_BUILD:
                    self._click(button)

    def _click(self, button: UIButton) -> None:
        clicked = button.status.last_clicked_at
        if clicked and clicked != self._clicks.get(button.name):
            self._clicks[button.name] = clicked
            self._stop(ResourceName(button.spec.location.component_id))
