"""One process of this machine, from its start to the end of all that it started."""

import asyncio
import errno
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from functools import cache, lru_cache
from pathlib import Path

from pytilt.errors import CommandError
from pytilt.host.processes.contract import Notice, Output, ProcessOutcome, ProcessRequest
from pytilt.host.processes.exits import watch_exit
from pytilt.host.processes.guardian import living_groups, signal_session
from pytilt.host.processes.guarding import GuardianClient
from pytilt.host.processes.pipes import InputPipe, OutputPipe
from pytilt.host.processes.spawning import Child, spawn

_LOOK_SECONDS = (0.005, 0.2)
"""When to look whether the rest of a session ended, first and at most: no event reports others' children."""
_KILLED_SECONDS = 2.0
"""A killed process ends at once, unless the kernel holds it up."""


class HostProcess:
    """A process that leads a session of its own."""

    def __init__(
        self,
        request: ProcessRequest,
        guard: GuardianClient,
        output: Output,
        *,
        error_output: Output | None = None,
        notice: Notice | None = None,
    ) -> None:
        self._request = request
        self._guard = guard
        self._notice: Notice = notice or (lambda _: None)
        self._loop = asyncio.get_running_loop()
        self._pipes = [OutputPipe(sink, self._loop) for sink in (output, error_output) if sink]
        self._input = None if request.stdin is None else InputPipe(self._loop)
        self._gone = False
        self._started = time.monotonic()
        try:
            program = self._spawn()
        except BaseException:
            self._close_pipes()
            raise
        self._pid = program.pid
        self._outcome: asyncio.Future[ProcessOutcome] = self._loop.create_future()
        watch_exit(program, self._loop).add_done_callback(self._ended)
        for pipe in self._pipes:
            pipe.follow()
        if self._input and request.stdin is not None:
            self._input.follow()
            self._input.write(request.stdin)
            self._input.finish()

    @property
    def pid(self) -> int:
        """Its id, which is that of its session and process group too."""
        return self._pid

    @property
    def gone(self) -> bool:
        """Is nothing left of its session?"""
        return self._gone

    async def wait(self) -> ProcessOutcome:
        """Wait until it ended; all its output was passed on by then."""
        return await asyncio.shield(self._outcome)

    async def stop(self) -> None:
        """SIGTERM, then after the grace time SIGKILL, to the whole session; being cancelled kills at once."""
        try:
            if not self.look():
                await self._end()
        finally:
            for pipe in self._pipes:  # what it wrote last may not have been read yet
                pipe.drain()
            self._close_pipes()

    def look(self) -> bool:
        """Look whether anything is left of its session; False if so."""
        if not self._gone and self._outcome.done() and not _group_exists(self.pid):
            self._gone = True
            self._guard.ended(self.pid)
        return self._gone

    def abandon(self) -> None:
        """Leave alone what it left running: its output is read and dropped."""
        for pipe in self._pipes:
            pipe.discard()

    def release(self) -> None:
        """Close the pipes that those hold open whom it left running."""
        self._close_pipes()

    def _spawn(self) -> Child:
        if not self._request.argv:
            raise CommandError("the command is empty", hint="name a program")
        self._guard.expect(self._pipes[0].inode)
        env = (*self._request.env, self._guard.mark()) if self._request.marked else self._request.env
        try:
            with self._guard.limit() if self._request.marked else nullcontext():
                program = self._start(_encoded(env))
        except (OSError, ValueError) as error:
            raise cannot_start(self._request, error) from error
        self._guard.started(program.pid)
        return program

    def _start(self, env: Mapping[bytes, bytes]) -> Child:
        argv, directory = self._request.argv, self._request.dir
        given = self._input.read_end if self._input else _nothing()
        streams = given, self._pipes[0].write_end, self._pipes[-1].write_end
        if found := _found(argv[0], env.get(b"PATH", b"")):
            with suppress(FileNotFoundError, PermissionError):  # it is not there any more, or another one is
                return spawn(argv, program=found, directory=directory, env=env, streams=streams)
            _found.cache_clear()
        return spawn(argv, program=None, directory=directory, env=env, streams=streams)

    def _ended(self, exited: asyncio.Future[int]) -> None:
        if exited.cancelled():
            return
        for pipe in self._pipes:
            pipe.drain()
        duration = time.monotonic() - self._started
        self._outcome.set_result(ProcessOutcome(exit_status=exited.result(), duration_seconds=duration))
        if self.look():
            self._close_pipes()

    async def _end(self) -> None:
        grace = self._request.stop_grace_seconds
        notices = [
            self._loop.call_later(seconds, self._notice, f"{text} (pid: {self.pid})")
            for seconds, text in (
                (grace / 20, f"Waiting {grace:g}s for process to exit..."),
                (grace / 3, "Still waiting on exit..."),
            )
        ]
        signal_session(self.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                await self._session_ended()
        except TimeoutError:
            self._notice(f"Time is up! Sending {self.pid} a kill signal")
        finally:
            for notice in notices:
                notice.cancel()
            await self._kill()

    async def _session_ended(self) -> None:
        await self.wait()
        seconds, at_most = _LOOK_SECONDS
        while not self.look() and living_groups(self.pid):
            await asyncio.sleep(seconds)
            seconds = min(2 * seconds, at_most)

    async def _kill(self) -> None:
        if not self.look():
            signal_session(self.pid, signal.SIGKILL)
            try:
                async with asyncio.timeout(_KILLED_SECONDS):
                    await self._session_ended()
            except TimeoutError:
                return  # the guardian will try again
        if not self._gone:  # zombies that nobody reaps are left
            self._gone = True
            self._guard.ended(self.pid)

    def _close_pipes(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        if self._input:
            self._input.close()


@lru_cache(maxsize=8)
def _encoded(env: tuple[tuple[str, str], ...]) -> dict[bytes, bytes]:
    """An environment as the system takes it: many processes have the same, and to encode it takes long."""
    return {os.fsencode(name): os.fsencode(value) for name, value in env}


@cache
def _nothing() -> int:
    """What processes without input read from, opened once."""
    return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


@lru_cache(maxsize=64)
def _found(program: str, path: bytes) -> str | None:
    """Where a program is that most commands are: looked up once, not by each new process in every directory.

    Only the shell, since where it is does not change: any other may come into an earlier directory at any time.

    Args:
        program: the first word of a command.
        path: the value of PATH.
    """
    if program != "sh" or not all(each.startswith(b"/") for each in path.split(b":")):
        return None
    return shutil.which(program, path=os.fsdecode(path))


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def cannot_start(request: ProcessRequest, error: Exception) -> CommandError:
    """Explain why a program did not start."""
    program = request.argv[0]
    for applies, message, hint in _REASONS:
        if applies(request, error):
            return CommandError(message.format(program=program, dir=request.dir), hint=hint)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return CommandError(f"`{program}` cannot be started: {reason[:1].lower()}{reason[1:]}")


_Reason = tuple[Callable[[ProcessRequest, Exception], bool], str, str]
_REASONS: tuple[_Reason, ...] = (
    (
        lambda request, _: not Path(request.dir).is_dir(),
        "the working directory `{dir}` does not exist",
        "create it, or name another directory",
    ),
    (
        lambda _, error: isinstance(error, FileNotFoundError),
        "`{program}` was not found",
        "install it, or add its directory to PATH; a script needs its interpreter, too",
    ),
    (
        lambda _, error: isinstance(error, PermissionError),
        "`{program}` may not be executed",
        "make it executable with `chmod +x`",
    ),
    (
        lambda _, error: isinstance(error, OSError) and error.strerror == "Exec format error",
        "`{program}` is not a program for this machine",
        "a script begins with a line such as `#!/bin/sh`",
    ),
    (
        lambda _, error: isinstance(error, OSError) and error.errno == errno.E2BIG,
        "`{program}` cannot be started: its arguments and its environment are too long",
        "of one of them Linux takes 128 kB, of all together 2 MB: pass what is longer in a file",
    ),
    (
        lambda _, error: isinstance(error, ValueError) and "null byte" in str(error),
        "`{program}` cannot be started: there is a NUL in its arguments or its environment",
        "no program can be given one: leave it out, or pass it in a file",
    ),
    (
        lambda _, error: isinstance(error, ValueError) and "environment variable name" in str(error),
        "`{program}` cannot be started: a variable of its environment has no name, or one with `=` in it",
        "name it with letters, digits and `_`",
    ),
)
