"""Evaluating a Tiltfile: running it and the files that it loads, then assembling what they declared."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from pytilt.dialect import DialectError, run_file
from pytilt.dialect.errors import Position, StaticError
from pytilt.errors import PytiltError, TiltfileError, UserError
from pytilt.model.files import Ignore
from pytilt.model.images import Image
from pytilt.model.logs import Level
from pytilt.model.regex import regex
from pytilt.model.resources import Declaration, ResourceSpec
from pytilt.model.texts import shown, to_bytes
from pytilt.tiltfile.arguments.values import placed
from pytilt.tiltfile.assembling.assembly import assemble
from pytilt.tiltfile.assembling.merging import merged
from pytilt.tiltfile.extensions import PREFIX, Extensions
from pytilt.tiltfile.running.ignore_files import TILTIGNORE, ignore_file, watch_compose_ignores, watch_ignore_files
from pytilt.tiltfile.running.request import EvaluationRequest, EvaluationResult, Host, Problem
from pytilt.tiltfile.running.script import Script, UnreadableError
from pytilt.tiltfile.topics.control import StopEvaluation
from pytilt.tiltfile.universe import universe

_TUTORIAL = "https://docs.tilt.dev/tutorial.html"
_PLACE = regex(r"(.*):(\d+):(\d+)", re.DOTALL)
_UTF16 = ("\udcff\udcfe", "\udcfe\udcff")
"""How a file of that encoding begins, in either order of its bytes."""

_MOST_NESTED = 100
"""So many files may run because the one before loads them: the stack is not endless, and what they hold needs some."""

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
        return _evaluated(script, request, host)
    finally:
        script.pending.close()


def _evaluated(script: Script, request: EvaluationRequest, host: Host) -> EvaluationResult:
    files = _Files(script)
    result = EvaluationResult()
    try:
        declaration = _declaration(script, files)
        result = _with_extensions(replace(result, declaration=declaration), files.extensions, request, host)
        _check_resources(result, request)
        watch_ignore_files(script, [image for each in declaration.resources for image in _images(each)])
        watch_compose_ignores(script, [each.deploy for each in declaration.resources])
    except PytiltError as error:
        watch_ignore_files(script, script.images)
        found = tuple(_problem(each, script) for each in _single_errors([*script.problems, error]))
        text = "\n".join(each.text for each in found)
        result = replace(result, declaration=None, error=text, problems=found)
    return _completed(result, script, files.extensions)


def _declaration(script: Script, files: "_Files") -> Declaration:
    request = script.request
    script.watch(request.path)
    tiltignore = posixpath.join(posixpath.dirname(request.path), TILTIGNORE)
    patterns = ignore_file(script, tiltignore)
    if patterns or Path(tiltignore).is_file():
        script.recorder.settings = replace(script.recorder.settings, tiltignore=patterns)
    if patterns:
        script.ignores.append(Ignore(base=posixpath.dirname(tiltignore), patterns=patterns))
    script.print(f"Loading Tiltfile at: {request.path}")
    files.run_main()
    if script.problems:
        raise script.problems.pop()
    declaration, warnings = assemble(script.result(), request)
    for warning in warnings:
        script.warn(warning)
    return declaration


def _single_errors(errors: list[PytiltError]) -> Iterator[PytiltError]:
    for error in errors:
        yield error
        if isinstance(error, TiltfileError):
            yield from error.others


def _problem(error: PytiltError, script: Script) -> Problem:
    place = _PLACE.fullmatch(error.where or "")
    file, line, column = place.groups() if place else (error.where or "", 0, 0)
    text = error.in_full if isinstance(error, TiltfileError) else str(error)
    return Problem(
        text=shown(script.without_secrets(text)),
        message=shown(script.without_secrets(error.message)),
        file=shown(file),
        line=int(line or 0),
        column=int(column or 0),
        hint=shown(error.hint or ""),
    )


def _images(resource: ResourceSpec) -> tuple[Image, ...]:
    return resource.deploy.targets or resource.images


def _check_resources(result: EvaluationResult, request: EvaluationRequest) -> None:
    idle = result.declaration is not None and not result.declaration.resources
    if idle and request.subcommand in _NEEDS_RESOURCES and not request.extension:
        raise UserError(f"No resources found. Check out {_TUTORIAL} to get started!")


def _with_extensions(
    result: EvaluationResult, extensions: Extensions, request: EvaluationRequest, host: Host
) -> EvaluationResult:
    """Run the extensions that were registered and not loaded, each as a Tiltfile of its own; take in their resources.

    Raises:
        UserError: one of them fails, or declares a resource that is there already.
    """
    for name, path, args in extensions.unloaded():
        other = evaluate(replace(request, path=path, args=args, extension=True, added=()), host)
        if other.declaration is None:
            raise UserError(f"loading extension {name}: {other.error}")
        result = merged(result, other, name)
    return _with_added(result, extensions, request, host)


def _with_added(
    result: EvaluationResult, extensions: Extensions, request: EvaluationRequest, host: Host
) -> EvaluationResult:
    """Take in what clients added beside the Tiltfile; what is wrong with one of them is said of it alone."""
    failures: dict[tuple[str, str], str] = {}
    for each in sorted(request.added, key=lambda each: each.plural):  # the repositories first
        try:
            found = extensions.add(each)
            if found is not None:
                path, args = found
                other = evaluate(replace(request, path=path, args=args, extension=True, added=()), host)
                if other.declaration is None:  # once its files have changed, it is tried again
                    result = replace(result, config_files=(*result.config_files, *other.config_files))
                    raise UserError(other.error or "its evaluation failed")
                result = merged(result, other, each.name)
        except UserError as error:
            failures[each.plural, each.name] = str(error)
            host.log(f"{each.plural.removesuffix('s')} {each.name}: {error}\n", level=Level.ERROR)
    return replace(result, failures=failures)


def _completed(result: EvaluationResult, script: Script, extensions: Extensions) -> EvaluationResult:
    """The result with what is known in any case: the files to watch, the warnings, the repositories."""
    config_files = tuple(sorted({*result.config_files, *script.config_files}))
    warnings = (*script.warnings, *result.warnings)
    declaration = result.declaration
    own = tuple(script.secrets.items()) if script.scrub_secrets else ()
    declared = declaration.secrets if declaration is not None else ()
    if declaration is not None:
        declaration = replace(declaration, config_files=config_files, warnings=warnings)
    return replace(
        result,
        declaration=declaration,
        config_files=config_files,
        warnings=warnings,
        repositories=(*extensions.used, *result.repositories),
        report=script.report(),
        secrets=(*own, *declared, *result.secrets),
    )


class _Files:
    """Runs files, each once."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.extensions = Extensions(script)
        self._universe = universe(script, self.load, self.extensions)
        self._globals: dict[str, Mapping[str, object] | PytiltError] = {}
        self._running: set[str] = set()

    def run_main(self) -> None:
        """Run the Tiltfile, and finish what it started; `exit()` ends it early."""
        path, pending = self._script.request.path, self._script.pending
        try:
            self._run(path, "__main__")
        except UnreadableError as error:
            if not error.missing:
                raise
            raise UserError(f"No Tiltfile found at paths '{path}'. Check out {_TUTORIAL}") from error
        except PytiltError:
            pending.settle()  # what was called before is the error where it failed, too
            raise
        except StopEvaluation:
            pass
        pending.settle()
        pending.close()

    def load(self, path: str) -> Mapping[str, object]:
        """The globals of another file.

        Args:
            path: as the Tiltfile has it.
        """
        if path.startswith(PREFIX):
            full = self.extensions.path(path.removeprefix(PREFIX))
        else:
            full = placed(path, self._script.directory)
        if full in self._running:
            raise DialectError(f"Circular load: {full}")
        if len(self._running) >= _MOST_NESTED:
            hint = "load from the Tiltfile itself what is needed"
            raise DialectError(f"more than {_MOST_NESTED} files load each other in a row", hint=hint)
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
        if source.startswith(_UTF16) or "\0" in source[:4]:
            hint = "save it as UTF-8, for example: `iconv -f UTF-16 -t UTF-8 OLD > NEW`"
            raise StaticError("the file is UTF-16, not UTF-8", Position(file=path, line=1, column=1), hint=hint)
        self._script.recorder.executed(to_bytes(source))
        self._running.add(path)
        try:
            with self._script.executing(path):
                return run_file(
                    path,
                    source.removeprefix("\ufeff").replace("\r\n", "\n"),
                    universe=self._universe,
                    load=self.load,
                    name=name,
                    cache=self._script.host.cache,
                )
        finally:
            self._running.discard(path)
