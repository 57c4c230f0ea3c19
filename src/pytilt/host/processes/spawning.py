"""Starting a child: with `posix_spawn` where that can do it, which takes half the time of `subprocess`."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Protocol

from pytilt.model.base import Value

_STANDARD = range(3)
"""Input, output and errors."""


class Child(Protocol):
    """A process that this one has started."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    def wait(self) -> int:
        """Reap it; returns its exit status, minus its number for a signal."""
        ...


class _Spawned(Value):
    pid: int

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def spawn(
    argv: tuple[str, ...],
    *,
    program: str | None,
    directory: str,
    env: Mapping[bytes, bytes],
    streams: tuple[int, int, int],
) -> Child:
    """Start a process that leads a session of its own, and has nothing open but its standard streams.

    `posix_spawn` goes on when the program is found, not when it has begun, and encodes an environment in no time; but
    it cannot change the directory, nor look in the PATH of that environment.

    Args:
        argv: the words of the command.
        program: the file; None: the first word is one, or is looked up in the PATH of the environment.
        directory: its working directory.
        env: its whole environment.
        streams: what its standard input, output and errors are.

    Raises:
        OSError: it could not start.
        ValueError: a word or a variable cannot be passed on.
    """
    if program is not None and sys.platform == "linux" and min(streams) not in _STANDARD and _is_here(directory):
        _keep_inherited_files()
        pid = os.posix_spawn(
            program,
            argv,
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, stream, standard) for standard, stream in enumerate(streams)],
            setsid=True,
            setsigdef=_ignored(),
        )
        return _Spawned(pid=pid)
    standard_input, output, errors = streams
    return subprocess.Popen(
        argv,
        executable=program,
        stdin=standard_input,
        stdout=output,
        stderr=errors,
        cwd=directory,
        env=env,
        start_new_session=True,
    )


def _is_here(directory: str) -> bool:
    with suppress(OSError):  # what was the working directory is gone
        return os.getcwd() == directory  # noqa: PTH109 - pathlib would take longer than the system
    return False


@cache
def _ignored() -> tuple[signal.Signals, ...]:
    """The signals that Python ignores and others do not expect to find ignored."""
    return signal.SIGPIPE, signal.SIGXFSZ


@cache
def _keep_inherited_files() -> None:
    """Let no child inherit what this program has inherited; what Python opens, none inherits anyway."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - as above
        with suppress(OSError):  # the directory itself is closed by now
            if int(name) not in _STANDARD and os.get_inheritable(int(name)):
                os.set_inheritable(int(name), False)
