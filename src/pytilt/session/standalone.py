"""One evaluation for a command that ends with it: nothing is started before the Tiltfile runs a command."""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from pytilt.model.commands import Command
from pytilt.model.logs import Log
from pytilt.session.code_cache import DiskCodeCache
from pytilt.session.project import SessionProject
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.running.request import EvaluationResult, Host, LocalResult

if TYPE_CHECKING:
    from pytilt.extensions.repositories import Checkout, GitResult, Repositories


def evaluate_once(
    project: SessionProject, subcommand: str, log: Log, *, times_calls: bool = False, all_errors: bool = False
) -> EvaluationResult:
    """Evaluate a Tiltfile.

    Args:
        project: the Tiltfile, and the cluster that it is for.
        subcommand: the Tiltfile may ask for it.
        log: takes what the Tiltfile prints.
        times_calls: report how long each call of a function took.
        all_errors: go on after a wrong call, where more errors can be found.
    """
    request = replace(project.request(subcommand), times_calls=times_calls, all_errors=all_errors)
    with _CommandThread() as commands:
        repositories = _LazyRepositories(project, subcommand, commands, log)
        cache = DiskCodeCache(project.settings)
        return evaluate(request, Host(log=log, run_local=commands.run, checkout=repositories.checkout, cache=cache))


class _CommandThread:
    """Runs commands in the event loop of a thread of its own, which starts with the first one."""

    def __init__(self) -> None:
        self._starting = Lock()
        self._background: _Background | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._background is not None:
            self._background.close()

    def run(self, command: Command, stdin: bytes | None, output: Callable[[str], None]) -> LocalResult:
        """Run a command to its end; to be called in any thread."""
        with self._starting:
            self._background = background = self._background or _Background()
        return background.run(command, stdin, output)


class _Background:
    def __init__(self) -> None:
        import asyncio
        import threading

        from pytilt.host.processes import HostRunner

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="commands", daemon=True)
        self._thread.start()
        self._runner = HostRunner()

    def run(self, command: Command, stdin: bytes | None, output: Callable[[str], None]) -> LocalResult:
        import asyncio

        from pytilt.loop.evaluation.evaluator import run_local

        running = run_local(self._runner, command, stdin, output)
        return asyncio.run_coroutine_threadsafe(running, self._loop).result()

    def close(self) -> None:
        import asyncio

        asyncio.run_coroutine_threadsafe(self._runner.__aexit__(None, None, None), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _LazyRepositories:
    """The repositories of extensions, which are opened when the Tiltfile names one."""

    def __init__(self, project: SessionProject, subcommand: str, commands: _CommandThread, log: Log) -> None:
        self._project = project
        self._subcommand = subcommand
        self._commands = commands
        self._log = log
        self._opened: Repositories | None = None

    def checkout(self, url: str, ref: str) -> "Checkout":
        """The files of a repository."""
        if self._opened is None:
            from pytilt.session.evaluators import repositories

            self._opened = repositories(self._project, self._subcommand, self._git, self._log)
        return self._opened.checkout(url, ref)

    def _git(self, words: Sequence[str], progress: Callable[[str], None]) -> "GitResult":
        from pytilt.loop.evaluation.evaluator import git_command, git_result

        environ, directory = self._project.settings.environ, str(Path(self._project.tiltfile).parent)
        return git_result(self._commands.run(git_command(words, directory, environ), None, progress))
