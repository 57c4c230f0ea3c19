"""Learning that a child process ended, without polling."""

import asyncio
import os
import sys
import threading

from pytilt.host.processes.spawning import Child


def watch_exit(program: Child, loop: asyncio.AbstractEventLoop) -> asyncio.Future[int]:
    """Reap a child when it ends.

    asyncio's own watcher takes a thread for each child up to Python 3.11; Linux reports it through a file descriptor.

    Returns:
        Its exit status; wait for it shielded, since others wait too.
    """
    exited: asyncio.Future[int] = loop.create_future()
    if sys.platform == "linux":
        try:
            descriptor = os.pidfd_open(program.pid)
        except OSError:  # a kernel older than 5.3, or a sandbox
            pass
        else:
            loop.add_reader(descriptor, _reap, program, descriptor, loop, exited)
            return exited
    threading.Thread(target=_wait, args=(program, loop, exited), daemon=True).start()
    return exited


def _reap(program: Child, descriptor: int, loop: asyncio.AbstractEventLoop, exited: asyncio.Future[int]) -> None:
    loop.remove_reader(descriptor)
    os.close(descriptor)
    _settle(exited, program.wait())


def _wait(program: Child, loop: asyncio.AbstractEventLoop, exited: asyncio.Future[int]) -> None:
    status = program.wait()
    loop.call_soon_threadsafe(_settle, exited, status)


def _settle(exited: asyncio.Future[int], status: int) -> None:
    if not exited.done():
        exited.set_result(status)
