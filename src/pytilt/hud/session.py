"""What the display needs of a running session, as a seam: the objects, the log, and a way to ask for something."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from pytilt.model.api.buttons import UIInputStatus
from pytilt.model.base import Value
from pytilt.model.lines import Line
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName
from pytilt.store.objects import Snapshot


class LogQuery(Value):
    """Which lines of the log."""

    resource: ResourceName | None = None
    """Only of this resource; None: of all."""
    source: str = "all"
    """`build`, `runtime` or `all`."""
    level: Level | None = None
    """Only lines of this level and louder ones."""


class TriggerRequest(Value):
    """Start an update of a resource, or an evaluation of the Tiltfile."""

    name: ResourceName


class Enable(Value):
    """Switch resources on or off."""

    names: tuple[ResourceName, ...]
    enabled: bool


class Arguments(Value):
    """Evaluate the Tiltfile with other arguments."""

    args: tuple[str, ...]


class Click(Value):
    """Press a button."""

    button: str
    """Its name."""
    at: str
    """RFC 3339: the time of the click."""
    inputs: tuple[UIInputStatus, ...] = ()


Request = TriggerRequest | Enable | Arguments | Click


class SessionSource(Protocol):
    """A running session. Everything that asks raises `SessionUnreachableError` when it does not answer."""

    async def objects(self, take: Callable[[Snapshot], None]) -> None:
        """Yield the state: at once, then whenever it changed, without end.

        Args:
            take: is handed the state; changes that come within a frame are one.
        """
        ...

    def follow(self, query: LogQuery, tail: int) -> AsyncIterator[list[Line]]:
        """The last `tail` lines, then new ones as they come, in batches, without end."""
        ...

    async def older(self, query: LogQuery, before: int | None, count: int) -> list[Line]:
        """Up to `count` lines right before the line of number `before`, in order; none at the beginning of the log.

        Args:
            query: which lines count.
            before: None for the end of the log.
            count: how many.
        """
        ...

    async def newer(self, query: LogQuery, after: int, count: int) -> list[Line]:
        """Up to `count` lines right after the line of number `after`, in order."""
        ...

    async def ask(self, request: Request) -> str:
        """Ask for something.

        Returns:
            Why it is not done; empty when it is.
        """
        ...
