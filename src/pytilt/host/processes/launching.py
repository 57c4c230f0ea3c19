"""Starting a program that is the user's from then on: it outlives this one."""

import asyncio
import subprocess
from typing import IO

from pytilt.host.processes.contract import ProcessRequest
from pytilt.host.processes.exits import watch_exit
from pytilt.host.processes.running import cannot_start

Launched = subprocess.Popen[bytes]
"""A program that goes on by itself."""


async def launch(request: ProcessRequest) -> int:
    """Start a program in a session of its own, without input or output, and never stop it.

    Returns:
        Its exit status; being cancelled leaves it running.

    Raises:
        CommandError: it could not start.
    """
    return await asyncio.shield(watch_exit(_start(request), asyncio.get_running_loop()))


def launch_writing(request: ProcessRequest, output: IO[bytes]) -> Launched:
    """Start a program in a session of its own that goes on by itself.

    Args:
        request: what to start.
        output: takes all that it prints.

    Raises:
        CommandError: it could not start.
    """
    return _start(request, output)


def _start(request: ProcessRequest, output: IO[bytes] | int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            request.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=request.dir,
            env=dict(request.env),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise cannot_start(request, error) from error
