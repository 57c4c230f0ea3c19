"""Runs the Tiltfile in a thread, so that the session goes on meanwhile; its commands run in the session's loop."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from pytilt.errors import CommandError
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.model.commands import Command
from pytilt.model.logs import Level, Log
from pytilt.model.texts import from_bytes
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.request import EvaluationRequest, EvaluationResult, Host, LocalResult


class Evaluator:
    """Evaluates one Tiltfile again and again.

    Args:
        request: all that is known of an evaluation but its arguments.
        runner: starts the commands that the Tiltfile runs.
    """

    def __init__(self, request: EvaluationRequest, runner: Runner) -> None:
        self._request = request
        self._runner = runner

    async def evaluate(self, args: Sequence[str], log: Log) -> EvaluationResult:
        """Evaluate once; what goes wrong is part of the result."""
        loop = asyncio.get_running_loop()

        def tell(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
            loop.call_soon_threadsafe(partial(log, text, level=level, progress=progress))

        def run_local(command: Command, stdin: bytes | None, heard: Callable[[str], None]) -> LocalResult:
            return asyncio.run_coroutine_threadsafe(self._local(command, stdin, heard), loop).result()

        request = replace(self._request, args=tuple(args))
        return await asyncio.to_thread(evaluate, request, Host(log=tell, run_local=run_local))

    async def _local(self, command: Command, stdin: bytes | None, heard: Callable[[str], None]) -> LocalResult:
        said: list[bytes] = []
        complained: list[bytes] = []

        def keep(pieces: list[bytes]) -> Callable[[bytes], None]:
            def take(chunk: bytes) -> None:
                pieces.append(chunk)
                heard(chunk.decode(errors="replace"))

            return take

        request = ProcessRequest(argv=command.argv, dir=command.dir, env=command.env, stdin=stdin)
        try:
            outcome = await self._runner.run(request, keep(said), error_output=keep(complained))
        except CommandError as problem:
            return LocalResult(exit_status=-1, error=str(problem))
        return LocalResult(
            exit_status=outcome.exit_status,
            stdout=from_bytes(b"".join(said)),
            stderr=b"".join(complained).decode(errors="replace"),
        )
