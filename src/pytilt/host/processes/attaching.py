"""Starting a program of this program's own that shares its terminal: it reads the keys and draws the screen."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator

from pytilt.host.processes.contract import ProcessRequest
from pytilt.host.processes.exits import watch_exit
from pytilt.host.processes.running import cannot_start

LEAVE_SECONDS = 0.3
"""How long it may take to give the terminal back after SIGTERM before it is killed."""


LEAVE_SCREEN = b"\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?25h"
"""Ends what a full-screen program may have begun: the other screen, mouse and focus reports, a hidden cursor."""


async def attached(request: ProcessRequest, *, gets_interrupts: bool = False) -> int:
    """Run a program in the foreground of this terminal until it ends; being cancelled stops it.

    It stays in this process's session and group, since only those may use the terminal. A terminal that it could not
    give back is mended here.

    Args:
        request: what to start.
        gets_interrupts: is ctrl-C for the program from the start? Else it begins with SIGINT blocked: ctrl-C while it
            starts is for this process alone.

    Returns:
        Its exit status.

    Raises:
        CommandError: it could not start.
    """
    with _same_terminal():
        program = _start(request, blocked=set() if gets_interrupts else {signal.SIGINT})
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


def _start(request: ProcessRequest, *, blocked: set[signal.Signals]) -> "subprocess.Popen[bytes]":
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        return subprocess.Popen(request.argv, cwd=request.dir, env=dict(request.env))
    except (OSError, ValueError) as error:
        raise cannot_start(request, error) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _same_terminal() -> Iterator[None]:
    """Leave the terminal as it was: a program that was killed has not put it back."""
    try:
        before = termios.tcgetattr(sys.stdin.fileno())
    except (OSError, ValueError, termios.error):
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):
            if not _in_background() and termios.tcgetattr(sys.stdin.fileno()) != before:
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)
                os.write(sys.stdin.fileno(), LEAVE_SCREEN)


def _in_background() -> bool:
    """Does another job of the shell have the terminal? To change it then would stop this process."""
    with contextlib.suppress(OSError):  # it is no terminal that jobs share
        return os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp()
    return False
