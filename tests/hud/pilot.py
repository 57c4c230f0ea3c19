"""The display over a fake session at a fixed time, driven by keys; what it shows as text and as picture."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.events import Key
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.strip import Strip

from pytilt.hud.app import Hud
from pytilt.hud.options import DARK, Notify, Options
from pytilt.model.lines import Line
from pytilt.model.stored import Object
from tests import samples
from tests.hud.fake_session import FakeSession

PATIENCE_SECONDS = 10.0
"""A test that waits so long has failed."""

PICTURES = Path(__file__).parent / "pictures"


class Screen:
    """A display that runs, and the hands of a person at it."""

    def __init__(self, hud: Hud, session: FakeSession, pilot: Pilot[None]) -> None:
        self.hud = hud
        self.session = session
        self.pilot = pilot
        self.opened: list[str] = []
        self.seen: list[tuple[str, str]] = []

    async def press(self, *keys: str) -> None:
        """Press keys, and wait after each until the screen has settled.

        Textual's own pilot waits for an idle processor instead, 40 ms a key on a machine that has nothing else to do.
        """
        for key in keys:
            await self.hit(key)
            await self.settle()

    async def hit(self, key: str) -> None:
        """Press a key without waiting."""
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        try:
            character: str | None = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
        except KeyError:
            character = key if len(key) == 1 else None
        event = Key(name, character)
        event.set_sender(self.hud)
        assert self.hud._driver is not None
        self.hud._driver.send_message(event)
        await asyncio.sleep(0)

    async def settle(self) -> None:
        """Wait until everything that is under way is drawn."""
        # Each returns when no message is left; what is then drawn may send the next one: key, filter, table, layout.
        for _ in range(4):
            await self.pilot.pause(0)

    async def until(self, text: str) -> bool:
        """Wait until a text is seen."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.text:
                await self.pilot.pause(0)
        return True

    async def put(self, *objects: Object) -> None:
        """Change the session."""
        self.session.put(*objects)
        await self.settle()

    @property
    def selected(self) -> str:
        """Name of the selected row; empty while a group is selected."""
        row = self.hud.table.selected
        return row.name if row else ""

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        return ["".join(segment.text for segment in strip).rstrip() for strip in self._strips()]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def row(self, name: str) -> str:
        """The line of a resource."""
        return next((line for line in self.lines if re.match(rf"..\S {re.escape(name)}( |$)", line)), "")

    def picture(self) -> str:
        """The screen as SVG."""
        return self.hud.export_screenshot(title="tilt")

    def _strips(self) -> Iterable[Strip]:
        return self.hud.screen._compositor.render_strips()


@asynccontextmanager
async def showing(
    objects: Iterable[Object] = samples.shop(),
    lines: Iterable[Line] = (),
    *,
    size: tuple[int, int] = (100, 30),
    theme: str = DARK,
    notify: Notify = Notify.OFF,
    owns_session: bool = False,
    has_ended: bool = False,
) -> AsyncIterator[Screen]:
    """Run the display over a session."""
    session = FakeSession(objects, lines)
    opened: list[str] = []
    seen: list[tuple[str, str]] = []

    async def open_page(url: str) -> bool:
        opened.append(url)
        return True

    async def desktop(title: str, text: str) -> bool:
        seen.append((title, text))
        return True

    options = Options(url="http://localhost:10350/", theme=theme, notify=notify, owns_session=owns_session)
    hud = Hud(
        session,
        options,
        open_page=open_page,
        desktop=desktop,
        clock=lambda: samples.NOON,
        has_ended=lambda: has_ended,
    )
    async with hud.run_test(size=size, notifications=True) as pilot:
        screen = Screen(hud, session, pilot)
        screen.opened, screen.seen = opened, seen
        await screen.settle()
        yield screen


def compare(name: str, picture: str) -> None:
    """Compare a picture with the one that is kept; one that is not kept yet is written, for a person to look at.

    After a change of how the display looks, delete the folder `pictures`, run the tests and look at what they wrote.
    """
    kept = PICTURES / f"{name}.svg"
    if not kept.exists():
        PICTURES.mkdir(exist_ok=True)
        kept.write_text(picture)
        msg = f"{kept} is new: look at it, then run again"
        raise AssertionError(msg)
    if _drawn(kept.read_text()) != _drawn(picture):
        other = kept.with_suffix(".new.svg")
        other.write_text(picture)
        msg = f"{kept} is not what the display shows now: see {other}"
        raise AssertionError(msg)


def _drawn(picture: str) -> list[str]:
    """What a picture shows: its texts, colours and places, without the names that the library made up."""
    identity = re.search(r"(terminal-\d+)-", picture)
    named = picture.replace(identity[1], "terminal") if identity else picture
    styles = re.findall(r"\.terminal-r\d+ \{[^}]*\}", named)
    return [*styles, *re.findall(r"<(?:text|rect) [^>]*>[^<]*", named)]
