"""What the palette finds beyond the commands of the key bar: what can be done to each resource, by its name."""

from collections.abc import Iterable, Sequence
from typing import Protocol, cast

from textual.app import SystemCommand
from textual.command import Hit, Hits, Provider

from pytilt.hud.commands import COMMANDS, DisplayCommand
from pytilt.hud.form import button_text
from pytilt.model.api.buttons import UIButton
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.views.rows import Row


class PaletteTarget(Protocol):
    """What the palette acts on: the display."""

    @property
    def rows(self) -> Sequence[Row]:
        """All rows."""
        ...

    def run_soon(self, action: str) -> None:
        """Run an action of a key."""
        ...

    def action_go_to(self, name: str) -> None:
        """Select a resource."""
        ...

    def press(self, button: UIButton) -> None:
        """Press a button of a resource or of the session."""
        ...

    def act_on(self, word: str, name: ResourceName) -> None:
        """Trigger, enable or disable a resource."""
        ...


def title(command: DisplayCommand) -> str:
    """A command as the palette lists it: by its word, and by what it does."""
    return f"{command.label}: {command.help}" if command.label else command.help


def of_session(hud: PaletteTarget) -> Iterable[SystemCommand]:
    """What is listed before anything is typed: all commands, and a way to each resource."""
    for each in COMMANDS:
        if each.palette:
            yield SystemCommand(title(each), f"key {each.shown}", lambda each=each: hud.run_soon(each.action))
    for row in hud.rows:
        shown = row.status.text or row.update.text
        yield SystemCommand(f"go to {row.name}", shown, lambda name=row.name: hud.action_go_to(name))


class OfResources(Provider):
    """Finds what can be done to a resource, once something is typed: `disable web`, `trigger web`."""

    async def search(self, query: str) -> Hits:
        """See `Provider`."""
        matcher, hud = self.matcher(query), cast("PaletteTarget", self.app)
        for row in hud.rows:
            words = ["trigger"] if row.enabled else []
            words += [] if row.name == TILTFILE else ["disable"] if row.enabled else ["enable"]
            for button in row.buttons:
                text = f"press {button_text(button)} at {row.name}"
                if (score := matcher.match(text)) > 0:
                    yield Hit(score, matcher.highlight(text), lambda button=button: hud.press(button), help="button")
            for word in words:
                text = f"{word} {row.name}"
                if (score := matcher.match(text)) > 0:
                    shown = row.status.text or row.update.text
                    yield Hit(
                        score,
                        matcher.highlight(text),
                        lambda word=word, name=row.name: hud.act_on(word, name),
                        help=shown,
                    )
