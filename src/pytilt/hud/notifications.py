"""Notifications: a row that was green turned red, or is green again. The bell and the desktop say so, unless muted."""

from collections.abc import Awaitable, Callable

from pytilt.model.names import ResourceName
from pytilt.views.rows import Row
from pytilt.views.summaries import Turn, settled, turns

Desktop = Callable[[str, str], Awaitable[bool]]
"""Shows a title and a text on the desktop."""


class Notifications:
    """Watches rows turn."""

    def __init__(self) -> None:
        self._before: tuple[Row, ...] = ()
        self._muted: set[ResourceName] = set()

    def take(self, rows: tuple[Row, ...]) -> tuple[Turn, ...]:
        """Look at the rows as they are now, and return those that turned and are not muted."""
        found = turns(self._before, rows)
        self._before = settled(self._before, rows)
        return tuple(turn for turn in found if turn.name not in self._muted)

    def mute(self, name: ResourceName) -> bool:
        """Mute a resource, or unmute it.

        Returns:
            Is it muted now?
        """
        (self._muted.discard if name in self._muted else self._muted.add)(name)
        return name in self._muted


def notification_text(turn: Turn) -> tuple[str, str]:
    """Title and text of a notification."""
    if turn.broken:
        return f"✖ {turn.name} is broken", turn.why
    return f"● {turn.name} is well again", ""
