"""Showing a session as a stream of log lines."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence

from pytilt.cli.printing import Printer, unwritable
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName
from pytilt.store.logs import Line, LogStore, Selection
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
        shown = _Shown(Printer(sys.stdout, color=color, prefix=len(wanted.resources) != 1))
        try:
            async for lines in logs.follow(0, wanted):
                await asyncio.to_thread(shown.add, lines)
        finally:
            # What came last is printed too: it says how the session ended.
            cursor = shown.cursor
            while cursor < len(logs):
                lines, cursor = logs.read(cursor, wanted)
                shown.add(lines)

    return show


class _Shown:
    """Prints every line once: the thread that prints may still be at it when the session ends."""

    def __init__(self, printer: Printer) -> None:
        self.cursor = 0
        self._failed = False
        self._printer = printer
        self._lock = threading.Lock()

    def add(self, lines: Sequence[Line]) -> None:
        with self._lock:
            new = [line for line in lines if line.number >= self.cursor]
            if new and not self._failed:
                self._print(new)
                self.cursor = new[-1].number + 1

    def _print(self, lines: Sequence[Line]) -> None:
        try:
            self._printer.lines(lines)
        except OSError as problem:
            self._failed = True
            raise unwritable(problem) from problem
