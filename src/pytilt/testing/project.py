"""A project in a dict: its files are written, its Tiltfile is evaluated."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent

from pytilt.errors import CommandError
from pytilt.extensions.repositories import Checkout
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.model.commands import Command
from pytilt.model.extensions import UsedExtension
from pytilt.model.logs import Level
from pytilt.model.resources import Declaration, ResourceSpec
from pytilt.model.texts import from_bytes
from pytilt.settings import Settings
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.running.request import EvaluationRequest, EvaluationResult, Host, LocalResult, no_repositories


def folder_repository(url: str, ref: str) -> Checkout:
    """The seam to extension repositories, of folders only.

    Raises:
        UserError: it is none of this machine.
    """
    if not url.startswith("file://"):
        return no_repositories(url, ref)
    return Checkout(path=url.removeprefix("file://"))


class Project:
    """The files of a project below a directory.

    Args:
        root: where they are written; made if need be.
        files: text by path. Texts may be indented as a whole, and begin on a new line.
    """

    def __init__(self, root: Path, files: Mapping[str, str]) -> None:
        self.root = root.resolve()
        self.log = ""
        """What the last evaluation logged."""
        for path, text in files.items():
            self.write(path, text)

    @property
    def tiltfile(self) -> Path:
        """The main Tiltfile."""
        return self.root / "Tiltfile"

    def path(self, name: str) -> str:
        """The absolute path of a file."""
        return str(self.root / name)

    def write(self, name: str, text: str) -> Path:
        """Write a file; see `files`.

        Returns:
            Its path.
        """
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).removeprefix("\n"))
        return path

    def remove(self, name: str) -> None:
        """Delete a file."""
        (self.root / name).unlink()

    def evaluate(
        self,
        *args: str,
        context: str | None = "kind-test",
        context_is_dev: bool = True,
        subcommand: str = "up",
        environ: Mapping[str, str] | None = None,
        tilt_version: str = "0.37.2",
        added: Sequence[UsedExtension] = (),
    ) -> EvaluationResult:
        """Evaluate the Tiltfile, with a cluster for development unless settings say otherwise.

        Args:
            args: words of the command line.
            context: the current context.
            context_is_dev: is it for development?
            subcommand: the command.
            environ: added to the environment.
            tilt_version: the version that the Tiltfile sees.
            added: extensions that clients added beside it.
        """
        self.log = ""
        request = EvaluationRequest(
            path=str(self.tiltfile),
            args=args,
            subcommand=subcommand,
            context=context,
            context_is_dev=context_is_dev,
            environ={**Settings.from_environment().environ, **(environ or {})},
            tilt_version=tilt_version,
            added=tuple(added),
        )
        return evaluate(request, Host(log=self._log, run_local=run_local, checkout=folder_repository))

    def declare(self, *args: str, environ: Mapping[str, str] | None = None) -> Declaration:
        """What the Tiltfile declares; it must not fail."""
        result = self.evaluate(*args, environ=environ)
        if result.declaration is None:
            raise AssertionError(f"the Tiltfile failed: {result.error}")
        return result.declaration

    def resource(self, name: str) -> ResourceSpec:
        """One of the resources that the Tiltfile declares; it must be there."""
        resources = {str(resource.name): resource for resource in self.declare().resources}
        if name not in resources:
            raise AssertionError(f"there is no resource `{name}`, only {', '.join(resources)}")
        return resources[name]

    def error(self, *args: str) -> str:
        """Why the Tiltfile fails; it must fail. The root of the project is written as `ROOT`."""
        result = self.evaluate(*args)
        if result.error is None:
            raise AssertionError("the Tiltfile did not fail")
        return result.error.replace(str(self.root), "ROOT")

    def _log(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:  # noqa: ARG002 - as in `Log`
        self.log += text


def run_local(command: Command, stdin: bytes | None, output: Callable[[str], None]) -> LocalResult:
    """Run a command of a Tiltfile to its end, in the thread that calls."""
    return asyncio.run(_run_local(command, stdin, output))


async def _run_local(command: Command, stdin: bytes | None, output: Callable[[str], None]) -> LocalResult:
    texts = {"out": "", "error": ""}

    def take(stream: str, data: bytes) -> None:
        texts[stream] += from_bytes(data)
        output(data.decode(errors="replace"))

    request = ProcessRequest(argv=command.argv, dir=command.dir, env=command.env, stdin=stdin)
    async with HostRunner() as runner:
        try:
            outcome = await runner.run(
                request, lambda data: take("out", data), error_output=lambda data: take("error", data)
            )
        except CommandError as error:
            return LocalResult(exit_status=error.exit_status or 127, error=error.message)
    return LocalResult(exit_status=outcome.exit_status, stdout=texts["out"], stderr=texts["error"])
