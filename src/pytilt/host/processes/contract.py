"""What is asked for, what runs, what came of it, and who runs it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pytilt.model.base import Value

STOP_GRACE_SECONDS = 30.0
"""From SIGTERM to SIGKILL, as in Tilt and Kubernetes."""

Output = Callable[[bytes], None]
"""Is handed output in pieces, as it comes; it must not raise."""

Notice = Callable[[str], None]
"""Called, with a sentence for people, when a process takes long to stop."""

Started = Callable[[int], None]
"""Called with the id of a process that started."""


class ProcessRequest(Value):
    """A process to start."""

    argv: tuple[str, ...]
    """Program and words; a program without `/` is looked up in the PATH of `env`."""
    dir: str
    """Absolute working directory."""
    env: tuple[tuple[str, str], ...] = ()
    """The whole environment; nothing is inherited."""
    stdin: bytes | None = None
    """What it reads from standard input; None: nothing."""
    stop_grace_seconds: float = STOP_GRACE_SECONDS
    """How long it may take to end after SIGTERM before it is killed."""
    marked: bool = False
    """Does what it leaves running in sessions of its own (`setsid`, daemons) end with the runner, too?"""


class ProcessOutcome(Value):
    """How a process ended."""

    exit_status: int
    """Negative for a process that a signal ended: minus its number."""
    duration_seconds: float


class RunningProcess(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int:
        """Its id, which is that of its session and process group too."""
        ...

    async def wait(self) -> ProcessOutcome:
        """Wait until it ended by itself or was stopped; all its output was passed on by then."""
        ...

    async def stop(self) -> None:
        """Ask it and everything in its session to end (SIGTERM), and kill what is left after the grace time.

        Being cancelled meanwhile kills at once.
        """
        ...


class Runner(Protocol):
    """Runs processes."""

    async def run(
        self,
        request: ProcessRequest,
        output: Output,
        *,
        error_output: Output | None = None,
        notice: Notice | None = None,
        started: Started | None = None,
    ) -> ProcessOutcome:
        """Run a process until it ends; being cancelled stops it.

        What it left running in its session stays until the runner is closed; its output is dropped.

        Args:
            request: what to start.
            output: takes standard output and standard error, in the order in which they were written.
            error_output: takes standard error apart from standard output.
            notice: called when it takes long to stop.
            started: called with the id of the process.

        Raises:
            CommandError: it could not start.
        """
        ...

    def start(
        self,
        request: ProcessRequest,
        output: Output,
        *,
        error_output: Output | None = None,
        notice: Notice | None = None,
    ) -> AbstractAsyncContextManager[RunningProcess]:
        """Start a process that lives as long as the block: leaving it stops the process and what it left running.

        Args and errors are those of `run`.
        """
        ...
