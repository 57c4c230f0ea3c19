"""Evaluating a Tiltfile: running it and the files that it loads, then assembling what they declared."""

import posixpath
from collections.abc import Mapping

import msgspec

from pytilt.dialect import DialectError, run_file
from pytilt.errors import PytiltError, UserError
from pytilt.model.files import Ignore
from pytilt.model.resources import Declaration
from pytilt.model.texts import shown
from pytilt.tiltfile.assembly import assemble
from pytilt.tiltfile.control import StopEvaluation
from pytilt.tiltfile.ignore_files import TILTIGNORE, ignore_file
from pytilt.tiltfile.request import EvaluationRequest, EvaluationResult, Host
from pytilt.tiltfile.script import Script, UnreadableError
from pytilt.tiltfile.universe import universe
from pytilt.tiltfile.values import placed

_TUTORIAL = "https://docs.tilt.dev/tutorial.html"
_NEEDS_RESOURCES = ("up", "ci")
"""The commands that have nothing to do when the Tiltfile declares nothing."""


def evaluate(request: EvaluationRequest, host: Host) -> EvaluationResult:
    """Run a Tiltfile and assemble what it declared. To be called in a thread: it reads files and waits for commands.

    Args:
        request: which Tiltfile, and what it can ask for.
        host: takes the log, runs commands.

    Returns:
        The declaration, or what is wrong with the Tiltfile; in any case the files to watch.
    """
    script = Script(request, host)
    try:
        declaration = _declaration(script)
    except PytiltError as error:
        text = shown(str(error))
        return EvaluationResult(error=text, config_files=script.config_files, warnings=tuple(script.warnings))
    declaration = msgspec.structs.replace(
        declaration, config_files=script.config_files, warnings=tuple(script.warnings)
    )
    return EvaluationResult(declaration=declaration, config_files=script.config_files, warnings=tuple(script.warnings))


def _declaration(script: Script) -> Declaration:
    request = script.request
    script.watch(request.path)
    tiltignore = posixpath.join(posixpath.dirname(request.path), TILTIGNORE)
    patterns = ignore_file(script, tiltignore)
    if patterns:
        script.ignores.append(Ignore(base=posixpath.dirname(tiltignore), patterns=patterns))
    script.print(f"Loading Tiltfile at: {request.path}")
    _Files(script).run_main()
    declaration, warnings = assemble(script.declared(), request)
    for warning in warnings:
        script.warn(warning)
    if not declaration.resources and request.subcommand in _NEEDS_RESOURCES:
        raise UserError(f"No resources found. Check out {_TUTORIAL} to get started!")
    return declaration


class _Files:
    """Runs files, each once."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._universe = universe(script, self.load)
        self._globals: dict[str, Mapping[str, object] | PytiltError] = {}
        self._running: set[str] = set()

    def run_main(self) -> None:
        """Run the Tiltfile; `exit()` ends it early."""
        path = self._script.request.path
        try:
            self._run(path, "__main__")
        except UnreadableError as error:
            if not error.missing:
                raise
            raise UserError(f"No Tiltfile found at paths '{path}'. Check out {_TUTORIAL}") from error
        except StopEvaluation:
            return

    def load(self, path: str) -> Mapping[str, object]:
        """The globals of another file.

        Args:
            path: as the Tiltfile has it.
        """
        if path.startswith("ext://"):
            raise UserError(
                f"extensions are not supported yet: `{path}`",
                hint="copy the extension's Tiltfile into the project and `load` it from there",
            )
        full = placed(path, self._script.directory)
        if full in self._running:
            raise DialectError(f"Circular load: {full}")
        if full not in self._globals:
            try:
                self._globals[full] = self._run(full, posixpath.basename(full))
            except PytiltError as error:
                self._globals[full] = error
        known = self._globals[full]
        if isinstance(known, PytiltError):
            raise known
        return known

    def _run(self, path: str, name: str) -> Mapping[str, object]:
        try:
            source = self._script.read(path)
        except UnreadableError as error:
            if name == "__main__":
                raise
            raise UserError(f"error reading file {path}: {error.message}") from error
        self._running.add(path)
        try:
            with self._script.executing(path):
                return run_file(path, source.replace("\r\n", "\n"), universe=self._universe, load=self.load, name=name)
        finally:
            self._running.discard(path)
