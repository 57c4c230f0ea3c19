"""Runs the Tiltfile in a thread, so that the session goes on meanwhile; its commands run in the session's loop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from pathlib import Path
from threading import Event

from msgspec.structs import replace

from pytilt.dialect.running import CodeCache
from pytilt.errors import CommandError
from pytilt.extensions.repositories import ENVIRONMENT, GitResult, Repositories, RunGit
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.loop.evaluation.interruptible import ThreadInterruptedError, run_interruptibly
from pytilt.model.commands import Command
from pytilt.model.extensions import UsedExtension
from pytilt.model.logs import Level, Log
from pytilt.model.texts import from_bytes
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.running.request import EvaluationRequest, EvaluationResult, Host, LocalResult, no_repositories

OpenRepositories = Callable[[RunGit, Log], Repositories]
"""Makes the repositories of extensions, given what runs git and what takes the log."""


class Evaluator:
    """Evaluates one Tiltfile again and again.

    Args:
        request: all that is known of an evaluation but its arguments.
        runner: starts the commands that the Tiltfile runs.
        repositories: opens those of extensions for one evaluation; None where there are none.
        environ: what commands get beside the environment of the request.
        cache: keeps what was made of files.
    """

    def __init__(
        self,
        request: EvaluationRequest,
        runner: Runner,
        repositories: OpenRepositories | None = None,
        environ: Mapping[str, str] | None = None,
        cache: CodeCache | None = None,
    ) -> None:
        self._request = request
        self._runner = runner
        self._repositories = repositories
        self._environ = dict(environ or {})
        self._cache = cache

    async def evaluate(self, args: Sequence[str], log: Log, added: Sequence[UsedExtension] = ()) -> EvaluationResult:
        """Evaluate once; what goes wrong is part of the result. Being cancelled stops its commands, too.

        Args:
            args: the words of the command line.
            log: takes what the Tiltfile says.
            added: extensions that clients added beside it.
        """
        loop, commands, stopped = asyncio.get_running_loop(), set[Future[LocalResult]](), Event()

        def emit(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
            loop.call_soon_threadsafe(partial(log, text, level=level, progress=progress))

        def run(command: Command, stdin: bytes | None, output: Callable[[str], None]) -> LocalResult:
            given = replace(command, env=tuple({**dict(command.env), **self._environ}.items()))
            running = asyncio.run_coroutine_threadsafe(run_local(self._runner, given, stdin, output), loop)
            commands.add(running)
            if stopped.is_set():  # charts are rendered in threads, which go on to the next one
                running.cancel()
            try:
                return running.result()
            except CancelledError:
                raise ThreadInterruptedError from None
            finally:
                commands.discard(running)

        def git(words: Sequence[str], progress: Callable[[str], None]) -> GitResult:
            directory = str(Path(self._request.path).parent)
            return git_result(run(git_command(words, directory, self._request.environ), None, progress))

        def evaluation() -> EvaluationResult:
            find = self._repositories(git, emit).checkout if self._repositories else no_repositories
            return evaluate(request, Host(log=emit, run_local=run, checkout=find, cache=self._cache))

        request = replace(self._request, args=tuple(args), added=tuple(added))
        try:
            return await run_interruptibly(evaluation)
        finally:
            stopped.set()
            for each in tuple(commands):  # none are left of one that was not cancelled
                each.cancel()


async def run_local(
    runner: Runner, command: Command, stdin: bytes | None, output: Callable[[str], None]
) -> LocalResult:
    """Run a command of a Tiltfile to its end; how it ends is the result.

    Args:
        runner: starts it.
        command: with its whole environment.
        stdin: what it reads.
        output: called with its output, both streams, as it comes.
    """
    said: list[bytes] = []
    complained: list[bytes] = []

    def keep(pieces: list[bytes]) -> Callable[[bytes], None]:
        def take(chunk: bytes) -> None:
            pieces.append(chunk)
            output(chunk.decode(errors="replace"))

        return take

    request = ProcessRequest(argv=command.argv, dir=command.dir, env=command.env, stdin=stdin)
    try:
        outcome = await runner.run(request, keep(said), error_output=keep(complained))
    except CommandError as problem:
        return LocalResult(exit_status=-1, error=str(problem))
    return LocalResult(
        exit_status=outcome.exit_status,
        stdout=from_bytes(b"".join(said)),
        stderr=b"".join(complained).decode(errors="replace"),
    )


def git_command(words: Sequence[str], directory: str, environ: Mapping[str, str]) -> Command:
    """A command of git's that asks nobody anything."""
    env = {**environ, **dict(ENVIRONMENT)}
    return Command(argv=("git", *words), dir=directory, env=tuple(env.items()))


def git_result(done: LocalResult) -> GitResult:
    """How a command of git's ended."""
    return GitResult(exit_status=done.exit_status, output=done.stdout, complaint=done.stderr or done.error)
