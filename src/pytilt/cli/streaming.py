"""Showing a session as a stream of log lines."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from pytilt.cli.printing import Printer
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName
from pytilt.store.logs import LogStore, Selection
from pytilt.store.objects import Store


def selection(resources: tuple[str, ...], source: str, level: str | None) -> Selection:
    """The lines that the options of the command line ask for."""
    return Selection(
        resources=frozenset(map(ResourceName, resources)),
        source=source,
        level=Level(level.upper()) if level else None,
    )


def streaming(wanted: Selection, *, color: bool) -> Callable[[Store, LogStore], Awaitable[None]]:
    """Show a session by printing lines to stdout.

    Args:
        wanted: which lines.
        color: use colours?
    """

    async def show(_: Store, logs: LogStore) -> None:
        printer = Printer(sys.stdout, color=color, prefix=len(wanted.resources) != 1)
        cursor = 0
        try:
            async for lines in logs.follow(0, wanted):
                await asyncio.to_thread(printer.lines, lines)
                cursor = lines[-1].number + 1
        finally:
            # What came last is printed too: it says how the session ended.
            while cursor < len(logs):
                lines, cursor = logs.read(cursor, wanted)
                printer.lines(lines)

    return show
