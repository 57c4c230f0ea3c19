"""The running script: which file it is in, what it read, and what it declared so far."""

import os
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from pytilt.cluster.redaction import Redactor
from pytilt.cluster.workloads import WorkloadKind
from pytilt.dialect import call_position
from pytilt.errors import PytiltError, UserError
from pytilt.host.reading import read_file
from pytilt.model import references
from pytilt.model.api.kinds import AnyApiObject
from pytilt.model.files import Ignore
from pytilt.model.images import Image, Registry
from pytilt.model.logs import Level
from pytilt.model.names import ImageName
from pytilt.model.resources import CiSettings, ImageLocator, KubeObject, PruneSettings, UpdateSettings
from pytilt.model.texts import from_bytes
from pytilt.tiltfile.arguments.values import Mode, Step
from pytilt.tiltfile.running.declared import (
    DeclaredDeploy,
    DeclaredLocal,
    DeclaredProject,
    EnabledResources,
    ResourceOptions,
    ScriptResult,
    UnusedStep,
    WorkloadName,
)
from pytilt.tiltfile.running.env_files import env_secrets, is_env_file
from pytilt.tiltfile.running.pending import Pending
from pytilt.tiltfile.running.report import Recorder, Report
from pytilt.tiltfile.running.request import EvaluationRequest, Host


class Script:
    """What the functions of one evaluation share. They add to its lists; `declared` takes the sum."""

    def __init__(self, request: EvaluationRequest, host: Host) -> None:
        self.request = request
        self.host = host
        self.environ = dict(request.environ)
        """Changed by `os.putenv` and its like."""
        self.warnings: list[str] = []
        self.problems: list[PytiltError] = []
        """Errors after which the Tiltfile went on, where all of them are asked for."""
        self.images: list[Image] = []
        self.objects: list[KubeObject] = []
        self.options: list[ResourceOptions] = []
        self.locals: list[DeclaredLocal] = []
        self.composes: dict[str, DeclaredProject] = {}
        self.deploys: list[DeclaredDeploy] = []
        self.kinds: list[WorkloadKind] = []
        self.locators: list[ImageLocator] = []
        self.api_objects: dict[tuple[str, str], AnyApiObject] = {}
        """By kind and name."""
        self.workload_name: WorkloadName | None = None
        self.workload_name_place = ""
        self.trigger_mode = Mode.AUTO
        self.default_registry: Registry | None = None
        self.allowed_contexts: list[str] = []
        self.enabled = EnabledResources()
        self.settings_parsed = False
        self.ignores: list[Ignore] = []
        self.updates = UpdateSettings()
        self.suppressed_warnings: list[str] = []
        self.ci = CiSettings()
        self.prune = PruneSettings()
        self.scrub_secrets = True
        self.secrets: dict[str, str] = {}
        """What must not be shown, as far as it is known, and what is shown instead."""
        self._redactor = Redactor()
        self.shown_secrets: set[str] = set()
        """Values that are no secrets, whatever declares them."""
        self.recorder = Recorder()
        self.pending = Pending(overlaps=not (request.all_errors or request.times_calls))
        self._image_references: set[str] = set()
        self._unused_steps: dict[str, Step] = {}
        self._executing: list[tuple[str, str]] = [(request.path, posixpath.dirname(request.path))]
        self._read: dict[str, bool] = {}
        """Is it reported, too?"""
        self._texts: dict[str, str] = {}
        self.known_ignores: dict[tuple[object, ...], tuple[Ignore, ...]] = {}
        """What `ignore_files` found out, as long as no command has changed files."""

    def claim_image(self, name: ImageName) -> None:
        """Note that an image of this name is declared.

        Raises:
            UserError: another one is.
        """
        canonical = references.parse(name).canonical
        if canonical in self._image_references:
            raise UserError(f'Image for ref "{name}" has already been defined')
        self._image_references.add(canonical)

    def result(self) -> ScriptResult:
        """All that was declared so far."""
        return ScriptResult(
            images=tuple(self.images),
            objects=tuple(self.objects),
            options=tuple(self.options),
            locals=tuple(self.locals),
            composes=tuple(self.composes.values()),
            deploys=tuple(self.deploys),
            kinds=tuple(self.kinds),
            locators=tuple(self.locators),
            api_objects=tuple(self.api_objects.values()),
            workload_name=self.workload_name,
            workload_name_place=self.workload_name_place,
            trigger_mode=self.trigger_mode,
            unused_steps=tuple(
                UnusedStep(position=step.position, shown=str(step), type_name=step.type_name)
                for step in self._unused_steps.values()
            ),
            default_registry=self.default_registry,
            allowed_contexts=tuple(self.allowed_contexts),
            enabled=self.enabled,
            settings_parsed=self.settings_parsed,
            ignores=tuple(self.ignores),
            updates=self.updates,
            suppressed_warnings=tuple(self.suppressed_warnings),
            ci=self.ci,
            prune=self.prune,
            snapshots=self.recorder.features["snapshots"],
            scrub_secrets=self.scrub_secrets,
            shown_secrets=frozenset(self.shown_secrets),
            environ=self.changed_environ,
        )

    @property
    def changed_environ(self) -> tuple[tuple[str, str], ...]:
        """The variables that the Tiltfile set, sorted by name."""
        return tuple(sorted(self.environ.items() - self.request.environ.items()))

    def report(self) -> Report:
        """What is only reported of all that was said so far."""
        tiltfile, files = self.recorder.digests()
        return replace(
            self.recorder.settings,
            features=tuple(self.recorder.features.items()),
            suppressed_images=tuple(self.suppressed_warnings),
            environ=self.changed_environ,
            tiltfile_digest=tiltfile,
            files_digest=files,
            objects=tuple(self.recorder.objects.values()),
            calls=tuple(self.recorder.calls),
            in_repository=os.path.isdir(".git"),  # noqa: PTH112 - quick
            unreported_files=frozenset(path for path, reported in self._read.items() if not reported),
        )

    @property
    def file(self) -> str:
        """The file that is being executed. A function of a loaded file works for the file that calls it."""
        return self._executing[-1][0]

    @property
    def directory(self) -> str:
        """The directory of that file, to which paths are relative."""
        return self._executing[-1][1]

    @contextmanager
    def executing(self, file: str) -> Iterator[None]:
        """Run another file."""
        self._executing.append((file, posixpath.dirname(file)))
        try:
            yield
        finally:
            self._executing.pop()

    @staticmethod
    def position() -> str:
        """Where the running call stands in a Tiltfile, as `file:line:column`."""
        return str(call_position() or "")

    def learn(self, secrets: Iterable[tuple[str, str]]) -> None:
        """Show these values no more, from this moment of the evaluation on.

        Args:
            secrets: pairs of a value and what is shown in its place.
        """
        self.secrets.update(pair for pair in secrets if pair[0].strip() not in self.shown_secrets)
        self._redactor.learn(self.secrets.items())

    def show_values(self, values: Iterable[str]) -> None:
        """Show these values of Secrets: they are mere words."""
        self.shown_secrets.update(values)
        known, self.secrets, self._redactor = self.secrets, {}, Redactor()
        self.learn(known.items())

    def without_secrets(self, text: str) -> str:
        """The text as it may be shown."""
        return self._redactor(text) if self.scrub_secrets else text

    def print(self, text: str) -> None:
        """Write a line to the log of the evaluation."""
        self.pending.in_turn(lambda: self.host.log(f"{self.without_secrets(text)}\n"))

    def warn(self, text: str) -> None:
        """Write a warning, and remember it."""
        self.pending.in_turn(lambda: self._warn(text))

    def warn_once(self, text: str) -> None:
        """Write a warning that has not been written yet: many images may share one file."""
        self.pending.in_turn(lambda: None if self.without_secrets(text) in self.warnings else self._warn(text))

    def _warn(self, text: str) -> None:
        self.warnings.append(self.without_secrets(text))
        self.host.log(f"{self.warnings[-1]}\n", level=Level.WARN)

    @property
    def config_files(self) -> tuple[str, ...]:
        """Every path whose change asks for another evaluation, sorted."""
        return tuple(sorted(self._read))

    def watch(self, path: str, *, recursive: bool = False, reported: bool = True) -> None:
        """Ask for another evaluation when a path changes.

        Args:
            path: absolute; it need not exist.
            recursive: watch all that is below a directory; else a directory is not watched at all.
            reported: Tilt watches it, too.
        """
        if path in self._read:
            self._read[path] = reported or self._read[path]
        elif recursive or not os.path.isdir(path) or os.path.islink(path):  # noqa: PTH112, PTH114 - much quicker
            self._read[path] = reported

    def read(self, path: str, *, watch: bool = True) -> str:
        """The text of a file.

        Args:
            path: absolute.
            watch: ask for another evaluation when it changes.

        Raises:
            UnreadableError: it cannot be read.
        """
        if watch:
            self.watch(path)
        if path not in self._texts:
            try:
                self._texts[path] = from_bytes(read_file(path))
            except OSError as error:
                raise UnreadableError(path, error) from error
            if is_env_file(path):
                self.learn(env_secrets(path, self._texts[path]))
        return self._texts[path]

    def forget_texts(self) -> None:
        """Read files once more: a command was run, and may have written some."""
        self._texts.clear()
        self.known_ignores.clear()

    def made(self, step: Step) -> Step:
        """Remember a step of a live update until a live update takes it."""
        self._unused_steps[step.position] = step
        return step

    def used(self, step: Step) -> None:
        """A live update took the step."""
        self._unused_steps.pop(step.position, None)


class UnreadableError(UserError):
    """A file cannot be read.

    Args:
        path: of the file.
        error: of the operating system.
    """

    def __init__(self, path: str, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        action = "read" if isinstance(error, IsADirectoryError) else "open"
        super().__init__(f"{action} {path}: {reason}")
        self.missing = isinstance(error, FileNotFoundError)
