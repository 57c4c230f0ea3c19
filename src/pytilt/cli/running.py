"""Running a session in the foreground: signals end it in order, and soon."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from pytilt.host.processes import HostRunner
from pytilt.loop.verdict import Verdict

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

HURRY_SECONDS = 0.25
"""After a signal; then what has not ended yet is left to the guardian of processes, who kills it a second later."""

FORCE_SECONDS = 2.0
"""After a signal; then this process ends whatever happens. Tilt's number."""

Begin = Callable[[HostRunner], Coroutine[Any, Any, Verdict]]


def run_in_foreground(begin: Begin) -> Verdict | None:
    """Run a session.

    Args:
        begin: makes the session, given what starts processes.

    Returns:
        Its verdict; None when a signal ended it.
    """
    return asyncio.run(_run(begin))


async def _run(begin: Begin) -> Verdict | None:
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()

    def heard() -> None:
        if signalled.is_set():
            _force()
        signalled.set()
        loop.call_later(FORCE_SECONDS, _force)

    for each in SIGNALS:
        loop.add_signal_handler(each, heard)
    async with HostRunner() as runner, asyncio.TaskGroup() as group:
        session = group.create_task(begin(runner), name="session")
        waiting = group.create_task(signalled.wait(), name="signal")
        await asyncio.wait([session, waiting], return_when=asyncio.FIRST_COMPLETED)
        if session.done():
            waiting.cancel()
            return session.result() if session.exception() is None else None
        session.cancel()
        _, slow = await asyncio.wait([session], timeout=HURRY_SECONDS)
        if slow:
            await runner.end()
            await asyncio.wait([session])
    return None


def _force() -> None:
    """End at once; what was started is ended by its guardian."""
    sys.stdout.flush()
    os._exit(1)
