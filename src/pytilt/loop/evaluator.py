"""Runs the Tiltfile in a thread, so that the session goes on meanwhile; its commands run in the session's loop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from pytilt.errors import CommandError
from pytilt.extensions.repositories import ENVIRONMENT, GitResult, Repositories, RunGit
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.model.commands import Command
from pytilt.model.logs import Level, Log
from pytilt.model.texts import from_bytes
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.request import EvaluationRequest, EvaluationResult, Host, LocalResult, no_repositories

OpenRepositories = Callable[[RunGit, Log], Repositories]
"""Makes the repositories of extensions, given what runs git and what takes the log."""


class Evaluator:
    """Evaluates one Tiltfile again and again.

    Args:
        request: all that is known of an evaluation but its arguments.
        runner: starts the commands that the Tiltfile runs.
        repositories: opens those of extensions for one evaluation; None where there are none.
        environ: what commands get beside the environment of the request.
    """

    def __init__(
        self,
        request: EvaluationRequest,
        runner: Runner,
        repositories: OpenRepositories | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._request = request
        self._runner = runner
        self._repositories = repositories
        self._environ = dict(environ or {})

    async def evaluate(self, args: Sequence[str], log: Log) -> EvaluationResult:
        """Evaluate once; what goes wrong is part of the result."""
        loop = asyncio.get_running_loop()

        def emit(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
            loop.call_soon_threadsafe(partial(log, text, level=level, progress=progress))

        def run_local(command: Command, stdin: bytes | None, output: Callable[[str], None]) -> LocalResult:
            return asyncio.run_coroutine_threadsafe(self._local(command, stdin, output), loop).result()

        def git(words: Sequence[str], progress: Callable[[str], None]) -> GitResult:
            env = {**self._request.environ, **dict(ENVIRONMENT)}
            command = Command(argv=("git", *words), dir=str(Path(self._request.path).parent), env=tuple(env.items()))
            done = run_local(command, None, progress)
            return GitResult(exit_status=done.exit_status, output=done.stdout, complaint=done.stderr or done.error)

        def run() -> EvaluationResult:
            find = self._repositories(git, emit).checkout if self._repositories else no_repositories
            return evaluate(request, Host(log=emit, run_local=run_local, checkout=find))

        request = replace(self._request, args=tuple(args))
        return await asyncio.to_thread(run)

    async def _local(self, command: Command, stdin: bytes | None, output: Callable[[str], None]) -> LocalResult:
        said: list[bytes] = []
        complained: list[bytes] = []

        def keep(pieces: list[bytes]) -> Callable[[bytes], None]:
            def take(chunk: bytes) -> None:
                pieces.append(chunk)
                output(chunk.decode(errors="replace"))

            return take

        env = tuple({**dict(command.env), **self._environ}.items())
        request = ProcessRequest(argv=command.argv, dir=command.dir, env=env, stdin=stdin)
        try:
            outcome = await self._runner.run(request, keep(said), error_output=keep(complained))
        except CommandError as problem:
            return LocalResult(exit_status=-1, error=str(problem))
        return LocalResult(
            exit_status=outcome.exit_status,
            stdout=from_bytes(b"".join(said)),
            stderr=b"".join(complained).decode(errors="replace"),
        )
