"""The processes of users' commands: their environment, how they run and are probed, and how they ended."""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache

from msgspec.structs import replace

from pytilt.host.output import decoded
from pytilt.host.processes import ProcessOutcome, ProcessRequest, Runner
from pytilt.loop.commands.probing import OnChange, ReadinessProber
from pytilt.model.commands import Command, Probe


class CommandProcesses:
    """Runs users' commands, once or as processes that go on and are probed.

    Args:
        runner: starts processes.
        request: makes the process of a command.
        prober: asks a process that goes on whether it is ready.
    """

    def __init__(self, runner: Runner, request: Callable[[Command], ProcessRequest], prober: ReadinessProber) -> None:
        self._runner = runner
        self._request = request
        self._prober = prober

    async def run(
        self,
        command: Command,
        output: Callable[[str], None],
        *,
        notice: Callable[[str], None],
        started: Callable[[int], None],
    ) -> ProcessOutcome:
        """Run a command to its end.

        Args:
            command: what is to run.
            output: takes what it prints.
            notice: takes what the user should know of it.
            started: called with the id of the process.

        Raises:
            CommandError: it could not start.
        """
        return await self._runner.run(self._request(command), decoded(output), notice=notice, started=started)

    async def serve(
        self,
        command: Command,
        output: Callable[[str], None],
        *,
        started: Callable[[int], None],
        probe: Probe | None,
        on_change: OnChange,
        marked: bool = False,
    ) -> ProcessOutcome:
        """Run a process until it ends, and report whether it is ready; cancelling stops it.

        Args:
            command: what is to run.
            output: takes what it prints.
            started: called with the id of the process.
            probe: asks whether it is ready; None: nobody asks.
            on_change: called with what the probe says; see `ReadinessProber.run`.
            marked: see `ProcessRequest.marked`.

        Raises:
            CommandError: it could not start.
        """
        request = replace(self._request(command), marked=marked)
        async with self._runner.start(request, decoded(output)) as process, asyncio.TaskGroup() as probes:
            started(process.pid)
            probing = None
            if probe is not None:
                probing = probes.create_task(self._prober.run(probe, on_change), name=f"probe {command.shown}")
            outcome = await process.wait()
            if probing is not None:
                probing.cancel()
        return outcome


def command_process(command: Command, environ: Mapping[str, str]) -> ProcessRequest:
    """The process of a command, with the environment that Tilt gives it.

    Args:
        command: what is to run.
        environ: the environment that every command gets.
    """
    return command_processes(environ)(command)


def command_processes(environ: Mapping[str, str]) -> Callable[[Command], ProcessRequest]:
    """The processes of many commands, most of which have the same environment: it is put together once.

    Args:
        environ: the environment that every command gets.
    """

    @lru_cache(maxsize=32)
    def environment(own: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        env = {"LINES": "24", "COLUMNS": "80", "PYTHONUNBUFFERED": "1", **environ, **dict(own)}
        return tuple(sorted(env.items()))

    return lambda command: ProcessRequest(argv=command.argv, dir=command.dir, env=environment(command.env))


def ending(exit_status: int) -> str:
    """How a process ended, in Tilt's words."""
    return f"exit status {exit_status}" if exit_status >= 0 else f"signal {-exit_status}"
