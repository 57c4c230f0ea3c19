"""A program of our own that works for as long as it is spoken to: it ends when its input does.

So it needs no guardian: however this program ends, the system closes its pipes.
"""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from pytilt.host.processes.contract import Output, ProcessRequest
from pytilt.host.processes.exits import watch_exit
from pytilt.host.processes.pipes import InputPipe, OutputPipe
from pytilt.host.processes.running import cannot_start

_END_SECONDS = 1.0
"""From the end of its input until it is killed."""


class PipedProcess(Protocol):
    """A process whose output is passed on as it comes."""

    def write(self, data: bytes) -> None:
        """Have it read this; returns at once. Nothing happens when it has ended."""
        ...

    def finish(self) -> None:
        """Close its input, which ends it."""
        ...

    def kill(self) -> None:
        """End it, whatever it does."""
        ...

    async def wait(self) -> None:
        """Wait until it has ended."""
        ...


class _HostPipedProcess:
    """A `PipedProcess` of this machine."""

    def __init__(self, request: ProcessRequest, output: Output, inherited: Sequence[int]) -> None:
        loop = asyncio.get_running_loop()
        self._input, self._output = InputPipe(loop), OutputPipe(output, loop)
        try:
            self._program = subprocess.Popen(
                request.argv,
                stdin=self._input.read_end,
                stdout=self._output.write_end,
                stderr=subprocess.DEVNULL,
                cwd=request.dir,
                env=dict(request.env),
                start_new_session=True,
                pass_fds=inherited,
            )
        except (OSError, ValueError) as error:
            self._input.close()
            self._output.close()
            raise cannot_start(request, error) from error
        self._exited = watch_exit(self._program, loop)
        self._input.follow()
        self._output.follow()

    def write(self, data: bytes) -> None:
        """See `PipedProcess.write`."""
        self._input.write(data)

    def finish(self) -> None:
        """See `PipedProcess.finish`."""
        self._input.close()

    def kill(self) -> None:
        """See `PipedProcess.kill`."""
        if not self._exited.done():
            self._program.kill()

    async def wait(self) -> None:
        """See `PipedProcess.wait`."""
        await asyncio.shield(self._exited)

    async def end(self) -> None:
        """Close its input, and kill it where that does not end it."""
        self.finish()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS):
                    await self.wait()
        finally:
            self.kill()
            self._output.close()
        await self.wait()


@contextlib.asynccontextmanager
async def piped(request: ProcessRequest, output: Output, inherited: Sequence[int] = ()) -> AsyncIterator[PipedProcess]:
    """Start a program that ends when its input does; leaving the block ends it.

    Args:
        request: what to start.
        output: takes what it prints.
        inherited: descriptors that it has, too, under the same numbers.

    Raises:
        CommandError: it could not start.
    """
    process = _HostPipedProcess(request, output, inherited)
    try:
        yield process
    finally:
        await process.end()
