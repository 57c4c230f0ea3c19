"""Noticing that a container takes nothing of what is sent: it was stopped, its disk is stuck, or its link is dead."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

from pytilt.errors import SyncError
from pytilt.model.base import Value
from pytilt.model.logs import Level, Log


class StallLimits(Value):
    """How long a container may take nothing."""

    warn_seconds: float = 5.0
    """After that the log says so."""
    fail_seconds: float = 60.0
    """After that the stream is given up."""


class StallClock:
    """Knows for how long it has been waited for the container; what is done on this side does not count."""

    def __init__(self) -> None:
        self._since: float | None = None

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for the container inside of the block."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._since = None

    def moved(self) -> None:
        """Note that the container did something, if not yet what is waited for."""
        if self._since is not None:
            self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        """For how long the container has done nothing of what is waited for."""
        return 0.0 if self._since is None else time.monotonic() - self._since


@contextlib.asynccontextmanager
async def stalls_watched(waits: StallClock, log: Log, limits: StallLimits) -> AsyncIterator[None]:
    """Say when the container takes nothing, and give up after a while.

    Args:
        waits: what is waited for inside of the block.
        log: gets a warning when it stalls, and a line when it goes on.
        limits: after how long.

    Raises:
        SyncError: it was given up.
    """
    loop = asyncio.get_running_loop()
    warned = False
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal warned, timer
        stalled = waits.seconds
        if stalled >= limits.fail_seconds:
            limit.reschedule(loop.time())
            return
        if stalled >= limits.warn_seconds and not warned:
            warned = True
            log(
                f"  → The container has taken nothing for {limits.warn_seconds:g} s; it waits for a disk or its node, "
                f"or was stopped. Given up after {limits.fail_seconds:g} s\n",
                level=Level.WARN,
            )
        elif warned and stalled < limits.warn_seconds:
            warned = False
            log("  → The container goes on\n")
        next_limit = limits.fail_seconds if warned else limits.warn_seconds
        timer = loop.call_later(min(limits.warn_seconds, max(next_limit - stalled, 0.01)), look)

    timer = loop.call_later(limits.warn_seconds, look)
    try:
        async with asyncio.timeout(None) as limit:
            yield
        if warned:
            log("  → The container goes on\n")
    except TimeoutError:
        raise SyncError(f"the container took nothing of what was sent to it for {limits.fail_seconds:g} s") from None
    finally:
        timer.cancel()
