"""What evaluates a project's Tiltfile, with the repositories of extensions that it may load."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from pytilt.extensions import lockfile
from pytilt.extensions.repositories import DEFAULT_URL, GitResult, Repositories, RunGit
from pytilt.host.processes import Runner
from pytilt.host.state import StateDirectory
from pytilt.loop.evaluation.evaluator import Evaluator
from pytilt.model.logs import Log
from pytilt.session.code_cache import DiskCodeCache
from pytilt.session.project import SessionProject
from pytilt.settings import Settings

SUBCOMMAND_WITHOUT_FETCHING = "down"
"""What is to be removed was deployed from here, so its extensions are here too; and it must work without network."""


def evaluator(
    project: SessionProject,
    subcommand: str,
    runner: Runner,
    kubeconfig: str = "",
    *,
    newest: bool = False,
) -> Evaluator:
    """Make what evaluates a Tiltfile again and again.

    Args:
        project: the Tiltfile, and the cluster that it is for.
        subcommand: for example `up`; the Tiltfile may ask for it.
        runner: starts its commands, git too.
        kubeconfig: path of the one that commands get; empty: what the environment says.
        newest: fetch the newest commit of every extension repository that it uses, whatever is locked.
    """

    def opened(git: RunGit, log: Log) -> Repositories:
        return repositories(project, subcommand, git, log, newest=newest)

    environ = {"KUBECONFIG": kubeconfig} if kubeconfig else {}
    return Evaluator(project.request(subcommand), runner, opened, environ, DiskCodeCache(project.settings))


def repositories(
    project: SessionProject, subcommand: str, git: RunGit, log: Log, *, newest: bool = False
) -> Repositories:
    """Open the repositories of extensions for one evaluation.

    Args:
        project: whose lock file counts.
        subcommand: some never fetch anything.
        git: runs git.
        log: gets the progress.
        newest: fetch the newest commit of each, whatever is locked.
    """
    return Repositories(
        extensions_directory(project.settings),
        git,
        log,
        lock=None if newest else lock_path(project),
        fetches=subcommand != SUBCOMMAND_WITHOUT_FETCHING,
        newest=newest,
        foreign=_tilts_copies(project.settings),
    )


def extension_on_this_machine(settings: Settings, name: str) -> str | None:
    """The Tiltfile of an extension of the default repository, if a copy is here; nothing is fetched."""

    def no_git(_words: Sequence[str], _progress: Callable[[str], None]) -> GitResult:
        return GitResult(exit_status=1)

    state, foreign = extensions_directory(settings), _tilts_copies(settings)
    known = Repositories(state, no_git, lambda *_, **__: None, fetches=False, foreign=foreign)
    with suppress(OSError):  # the name is none that a folder can have, or nobody may look there
        files = (folder / name / "Tiltfile" for folder in known.copies(DEFAULT_URL))
        return next((str(file) for file in files if file.is_file()), None)
    return None


def extensions_directory(settings: Settings) -> StateDirectory:
    """Where extension repositories are kept, under Tilt's name: `helm_remote` and `git_resource` look for it."""
    return StateDirectory(settings.state_dir).below("tilt_modules")


def lock_path(project: SessionProject) -> Path:
    """The lock file of a project's extensions, beside its Tiltfile."""
    return Path(project.root, lockfile.NAME)


def _tilts_copies(settings: Settings) -> Path:
    """Where Tilt itself keeps what it has fetched, by the XDG base directory specification."""
    data = settings.environ.get("XDG_DATA_HOME") or str(Path(settings.home, ".local", "share"))
    return Path(data, "tilt-dev", "tilt_modules")
