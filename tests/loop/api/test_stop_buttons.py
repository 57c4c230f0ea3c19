from msgspec.structs import replace

from pytilt.loop.api.stop_buttons import StopButtons, stop_button
from pytilt.model.api.buttons import UIButton, UIButtonStatus
from pytilt.model.names import ResourceName
from pytilt.store.objects import Store
from tests.idle import idle
from tests.loop.waiting import running


async def test_every_click_stops_its_resource_once(store: Store):
    stopped: list[ResourceName] = []
    store.put(stop_button("web"))
    store.put(UIButton(name="other", status=UIButtonStatus(last_clicked_at="2026-01-01T00:00:00Z")))

    async def click(at: str) -> None:
        button = store.get(UIButton, "web-stopbuild")
        assert button
        store.put(replace(button, status=UIButtonStatus(last_clicked_at=at)))
        await idle()

    async with running(StopButtons(store, stopped.append).run()):
        await idle()
        assert stopped == []
        await click("2026-01-01T00:00:01Z")
        await click("2026-01-01T00:00:01Z")
        assert stopped == ["web"]
        await click("2026-01-01T00:00:02Z")
    assert stopped == ["web", "web"]
