"""What is asked of an evaluation, what it needs from outside, and what comes of it."""

from collections.abc import Callable, Mapping

from pytilt.dialect.running import CodeCache
from pytilt.errors import UserError
from pytilt.extensions.repositories import Checkout
from pytilt.model.base import Value
from pytilt.model.commands import Command
from pytilt.model.extensions import UsedExtension
from pytilt.model.logs import Log
from pytilt.model.resources import Declaration, UpdateMode
from pytilt.tiltfile.running.report import Report


class EvaluationRequest(Value):
    """One evaluation of a Tiltfile."""

    path: str
    """Absolute path of the Tiltfile."""
    args: tuple[str, ...] = ()
    """The words of the command line: settings of the Tiltfile's own, or names of resources."""
    subcommand: str = "up"
    """`up`, `ci`, `down`, …: the Tiltfile may ask for it."""
    context: str | None = None
    """The current context of Kubernetes; None when there is none."""
    context_is_dev: bool = False
    """Is the context known to be a cluster for development, where deploying needs no permission?"""
    namespace: str = "default"
    """Where objects without namespace go."""
    own_namespace: bool = False
    """Does that namespace belong to the project, as if the Tiltfile declared it?"""
    environ: Mapping[str, str] = {}
    """The environment; what the Tiltfile changes in it stays within the evaluation and its commands."""
    update_mode: UpdateMode = UpdateMode.AUTO
    """What the command line says; anything but `auto` wins over the Tiltfile."""
    tilt_version: str = ""
    """For `version_settings`, for example `0.37.2`."""
    extension: bool = False
    """Is it an extension beside the project's Tiltfile? Then it may declare nothing."""
    all_errors: bool = False
    """Is the Tiltfile to go on after a wrong call that returns nothing, so that more errors are found?"""
    times_calls: bool = False
    """Are the calls of its functions to be timed?"""
    added: tuple[UsedExtension, ...] = ()
    """Extensions, and repositories of them, that clients added beside the Tiltfile."""


class LocalResult(Value):
    """How a command ended that the Tiltfile ran."""

    exit_status: int
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    """Why it could not start; empty when it did."""


RunLocal = Callable[[Command, bytes | None, Callable[[str], None]], LocalResult]
"""Runs a command to its end: the command, its standard input, and what is called with its output as it comes."""


FindRepository = Callable[[str, str], Checkout]
"""Finds the files of an extension repository: its URL, and the ref or an empty text. Called from that thread, too."""


def no_repositories(url: str, _ref: str) -> Checkout:
    """What a host without extensions answers.

    Raises:
        UserError: always.
    """
    raise UserError(f"extension repository {url} is not at hand")


class Host(Value):
    """What an evaluation needs from outside."""

    log: Log
    """Takes what the Tiltfile prints and what its commands write."""
    run_local: RunLocal
    """Called in any thread, also several times at once. The command's `env` is the whole environment."""
    checkout: FindRepository = no_repositories
    cache: CodeCache | None = None
    """Keeps what was made of files, so that the next evaluation need not make it again."""


class UsedRepository(Value):
    """An extension repository that an evaluation took files from."""

    url: str
    ref: str
    checkout: Checkout
    extensions: tuple[str, ...] = ()
    """The names by which it was loaded, in order."""


class Problem(Value):
    """One of the things that are wrong with a Tiltfile."""

    text: str
    """All of it, as people read it: the trace, the line with a caret, the message, the hint."""
    message: str
    file: str = ""
    """Empty where no place is known."""
    line: int = 0
    column: int = 0
    hint: str = ""


class EvaluationResult(Value):
    """What came of an evaluation."""

    declaration: Declaration | None = None
    """None when it failed."""
    error: str | None = None
    """With the trace of the Tiltfile's frames, in the form that Tilt prints."""
    problems: tuple[Problem, ...] = ()
    """The same, each by itself."""
    config_files: tuple[str, ...] = ()
    """Absolute paths whose change asks for another evaluation, sorted; complete even when it failed."""
    warnings: tuple[str, ...] = ()
    repositories: tuple[UsedRepository, ...] = ()
    failures: Mapping[tuple[str, str], str] = {}
    """By plural and name: what is wrong with extensions that clients added."""
    report: Report = Report()
    secrets: tuple[tuple[str, str], ...] = ()
    """What must not be shown, with what is shown in its place; also when it failed after Secrets were declared."""
