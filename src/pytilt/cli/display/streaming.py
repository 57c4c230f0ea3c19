"""Showing a session as a stream of log lines."""

import asyncio
import os
import select
import stat
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TextIO

from pytilt.cli.terminal.printing import LogPrinter, row_width, unwritable
from pytilt.errors import OutputClosedError
from pytilt.model.lines import Block, Selection
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

GATHER_SECONDS = 0.016
"""New lines are printed together after so long, about one picture of a screen: the work they speak of goes first."""

_COLUMN_BYTES = 128
"""What is printed with each line at most: the column with the name, colours, a word for the level."""


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
        prefix, width = len(wanted.resources) != 1, row_width(sys.stdout, color=color)
        shown = _PrintOnce(LogPrinter(sys.stdout, color=color, prefix=prefix, width=width))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_reader_gone(sys.stdout), name="reader of the output")
                async for blocks in logs.follow_blocks(0, wanted, gather=GATHER_SECONDS):
                    if _takes_at_once(sys.stdout, blocks):
                        shown.add(blocks)
                    else:
                        await asyncio.to_thread(shown.add, blocks)
        finally:
            # What came last is printed too: it says how the session ended.
            cursor = shown.cursor
            while cursor < len(logs):
                blocks, cursor = logs.read_blocks(cursor, wanted)
                shown.add(blocks)

    return show


def _takes_at_once(out: TextIO, blocks: Sequence[Block]) -> bool:
    """Can these be printed without waiting for whoever reads? A thread for a few lines takes longer than they do."""
    texts = [block.text for block in blocks]
    most = sum(4 * len(text) + _COLUMN_BYTES * (text.count("\n") + 2) for text in texts)
    try:
        return most <= select.PIPE_BUF and bool(select.select([], [out.fileno()], [], 0)[1])
    except (OSError, ValueError):  # it is closed, no file at all, or has too high a number
        return False


async def _reader_gone(out: TextIO) -> None:
    """Wait until nobody reads a pipe any more, also while there is nothing to print.

    Raises:
        OutputClosedError: nobody does.
    """
    try:
        descriptor = out.fileno()
        waitable = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, ValueError):  # it is closed, or no file at all
        waitable = False
    if not waitable:
        return
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    # The end of a pipe that is written to never becomes readable: it is reported when the other end is closed.
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
    raise OutputClosedError("nobody reads the output any more")


class _PrintOnce:
    """Prints every block once: the thread that prints may still be at it when the session ends."""

    def __init__(self, printer: LogPrinter) -> None:
        self.cursor = 0
        self._failed = False
        self._printer = printer
        self._lock = threading.Lock()

    def add(self, blocks: Sequence[Block]) -> None:
        with self._lock:
            new = [block for block in blocks if block.number >= self.cursor]
            if new and not self._failed:
                self._print(new)
                self.cursor = new[-1].number + 1

    def _print(self, blocks: Sequence[Block]) -> None:
        try:
            self._printer.blocks(blocks)
        except OSError as problem:
            self._failed = True
            raise unwritable(problem) from problem
