"""Waiting for an event loop to come to rest, and for what takes nothing but its turns."""

import asyncio
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 10.0
"""Far more than anything takes that is fake."""


async def idle() -> None:
    """Return when no other task of the loop can go on: each waits for a timer, a socket, a thread or the test."""
    loop: Any = asyncio.get_running_loop()
    quiet = 0
    while quiet < 2:  # the loop looks at its sockets in between
        await asyncio.sleep(0)
        quiet = 0 if loop._ready else quiet + 1


async def eventually(holds: Callable[[], object]) -> None:
    """Let the loop turn until something holds.

    Raises:
        TimeoutError: it never came to hold.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - everything is fake, and takes nothing but turns
            await asyncio.sleep(0)
