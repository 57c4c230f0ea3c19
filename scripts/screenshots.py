#!/usr/bin/env python3
"""Makes the pictures of the display in `docs/images`: the real display over a sample session, at a fixed time.

Run it after a change of how the display looks: `PYTHONPATH=. .venv/bin/python scripts/screenshots.py`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from pytilt.hud.app import Hud
from pytilt.hud.options import DARK, LIGHT, Options
from pytilt.model.objects import Object
from tests import samples
from tests.hud.fake_session import FakeSession

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"

Act = Callable[[Pilot[None]], Awaitable[None]]


def keys(*pressed: str) -> Act:
    """Press keys."""

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press(*pressed)

    return act


PICTURES: dict[str, tuple[tuple[Object, ...], Act, tuple[int, int], str]] = {
    "hud": (samples.crashing(), keys("u"), (112, 36), DARK),
    "hud-well": (samples.shop(), keys(*["down"] * 7, "right"), (112, 30), DARK),
    "hud-building": (samples.building(), keys(), (112, 32), DARK),
    "hud-light": (samples.crashing(), keys(), (112, 32), LIGHT),
    "hud-small": (samples.crashing(), keys(), (80, 24), DARK),
    "hud-wide": (samples.crashing(), keys(), (200, 40), DARK),
    "hud-log": (samples.crashing(), keys("slash", *"frut", "enter", "T", "x", "x"), (112, 26), DARK),
    "hud-graph": (samples.crashing(), keys("g"), (112, 30), DARK),
    "hud-help": (samples.shop(), keys("question_mark"), (112, 68), DARK),
    "hud-palette": (samples.shop(), keys("p"), (112, 30), DARK),
    "hud-open": (samples.shop(), keys(*["down"] * 7, "b"), (112, 30), DARK),
}


async def picture(objects: tuple[Object, ...], act: Act, size: tuple[int, int], theme: str) -> str:
    """The display as SVG.

    Args:
        objects: of the session.
        act: what the person does.
        size: columns and rows of the terminal.
        theme: name of the theme.
    """

    async def nothing(*_: Any) -> bool:  # noqa: ANN401 - takes whatever is to be opened or shown
        return True

    hud = Hud(
        FakeSession(objects, samples.log()),
        Options(url="http://localhost:10350/", theme=theme),
        open_page=nothing,
        desktop=nothing,
        clock=lambda: samples.NOON,
    )
    async with hud.run_test(size=size) as pilot:
        await pilot.pause()
        await act(pilot)
        await pilot.pause()
        await pilot.pause()
        return hud.export_screenshot(title="tilt up")


def main() -> None:
    """Write all pictures, or those named."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        (IMAGES / f"{name}.svg").write_text(asyncio.run(picture(*PICTURES[name])))
        print(f"docs/images/{name}.svg")


if __name__ == "__main__":
    main()
