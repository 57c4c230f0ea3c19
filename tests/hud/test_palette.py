import pytest

from pytilt.hud.session import TriggerRequest
from pytilt.model.names import ResourceName
from tests.hud.pilot import showing


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("disable", "disable: switch the resource off"),
        ("enable", "enable: switch the resource or the group on"),
        ("trigger", "trigger an update of the row now"),
        ("quit", "quit: close what is open, else leave"),
        ("filter", "filter: show all, the unhealthy"),
        ("disable car", "disable cart"),
        ("go to web", "go to web"),
    ],
)
async def test_the_palette_finds_what_people_call_it(typed, found):
    async with showing() as screen:
        await screen.press("p", *typed)
        assert await screen.until(found)


async def test_the_palette_does_what_it_found_to_the_resource_it_names():
    async with showing() as screen:
        await screen.press("p", *"trigger web")
        assert await screen.until("trigger web")
        await screen.press("enter")
        assert screen.session.asked == [TriggerRequest(name=ResourceName("web"))]
