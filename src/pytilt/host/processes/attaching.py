"""Starting a program of this program's own that shares its terminal: it reads the keys and draws the screen."""

import asyncio
import subprocess

from pytilt.host.processes.contract import ProcessRequest
from pytilt.host.processes.exits import watch_exit
from pytilt.host.processes.running import cannot_start

LEAVE_SECONDS = 0.3
"""How long it may take to give the terminal back after SIGTERM before it is killed."""


async def attached(request: ProcessRequest) -> int:
    """Run a program in the foreground of this terminal until it ends; being cancelled stops it.

    It stays in this process's session and group, since only those may use the terminal.

    Returns:
        Its exit status.

    Raises:
        CommandError: it could not start.
    """
    program = _start(request)
    exited = watch_exit(program, asyncio.get_running_loop())
    try:
        return await asyncio.shield(exited)
    finally:
        if not exited.done():
            program.terminate()
            await asyncio.wait([exited], timeout=LEAVE_SECONDS)
        if not exited.done():
            program.kill()
            await asyncio.wait([exited])


def _start(request: ProcessRequest) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(request.argv, cwd=request.dir, env=dict(request.env))
    except (OSError, ValueError) as error:
        raise cannot_start(request, error) from error
