"""`tilt extension`: the repositories of a Tiltfile's extensions, and the lock of their commits."""

from typing import TYPE_CHECKING

from pytilt.cli.command_line.commands import group
from pytilt.cli.command_line.options import PROJECT_OPTIONS
from pytilt.cli.command_line.parsing import Argument
from pytilt.cli.running import run_in_foreground
from pytilt.cli.terminal.printing import evaluation_log
from pytilt.errors import UserError
from pytilt.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytilt.host.processes import HostRunner
    from pytilt.session.project import SessionProject
    from pytilt.tiltfile.running.request import UsedRepository


@group("extension")
def command() -> None:
    """List, lock and update the repositories of extensions (`load('ext://NAME', …)`).

    A repository is fetched once and kept in the state directory; later sessions need no network. With the file
    `tilt_extensions.lock` beside the Tiltfile everybody gets the same commits.

    \b
    Examples:
      tilt extension list
      tilt extension lock
      tilt extension update
    """


@command.subcommand(
    "list",
    Argument("args", several=True),
    *PROJECT_OPTIONS,
)
def list_command(args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None) -> int:
    """Show the repositories that the Tiltfile uses: commit, extensions, folder.

    \b
    Example:
      tilt extension list
    """
    project, found = _used(args, tiltfile, context, namespace)
    for each in found:
        print(f"{each.url}{f' at {each.ref}' if each.ref else ''}")
        print(f"  commit      {each.checkout.commit or '(unknown)'}{_locked(project, each)}")
        print(f"  extensions  {', '.join(each.extensions)}")
        print(f"  folder      {each.checkout.path}")
    return 0


@command.subcommand(
    "lock",
    Argument("args", several=True),
    *PROJECT_OPTIONS,
)
def lock_command(args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None) -> int:
    """Write `tilt_extensions.lock`: the commits that are used now, with the hash of their content.

    \b
    Example:
      tilt extension lock
    """
    project, found = _used(args, tiltfile, context, namespace)
    _write(project, found)
    return 0


@command.subcommand(
    "update",
    Argument("args", several=True),
    *PROJECT_OPTIONS,
)
def update_command(args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None) -> int:
    """Fetch the newest commit of each repository; write the lock anew where there is one.

    \b
    Example:
      tilt extension update
    """
    from pytilt.session.evaluators import lock_path

    project, found = _used(args, tiltfile, context, namespace, newest=True)
    if lock_path(project).exists():
        _write(project, found)
    for each in found:
        print(f"{each.url}: {each.checkout.commit or 'a folder, nothing to fetch'}")
    return 0


def _used(
    args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None, *, newest: bool = False
) -> tuple["SessionProject", "Sequence[UsedRepository]"]:
    """Evaluate the Tiltfile, without deploying anything, and see what it loads."""
    from pytilt.session.evaluators import evaluator
    from pytilt.session.project import find_project

    project = find_project(Settings.from_environment(), tiltfile, args, context=context, namespace=namespace)
    found: list[UsedRepository] = []

    async def run(runner: "HostRunner") -> None:
        result = await evaluator(project, "extension", runner, newest=newest).evaluate(args, evaluation_log)
        if result.declaration is None:
            raise UserError(result.error or "the Tiltfile cannot be evaluated")
        found.extend(result.repositories)

    run_in_foreground(run)
    return project, found


def _write(project: "SessionProject", found: "Sequence[UsedRepository]") -> None:
    from pytilt.extensions.lockfile import LockedRepository, write
    from pytilt.session.evaluators import lock_path

    locked = {
        (each.url, each.ref): LockedRepository(
            url=each.url, ref=each.ref, commit=each.checkout.commit, tree=each.checkout.tree
        )
        for each in found
        if each.checkout.commit
    }
    write(lock_path(project), locked.values())
    print(f"Locked {len(locked)} of {len(found)} repositories in {lock_path(project)}")


def _locked(project: "SessionProject", used: "UsedRepository") -> str:
    from pytilt.extensions.lockfile import read
    from pytilt.session.evaluators import lock_path

    lock = read(lock_path(project))
    found = lock.find(used.url, used.ref) if lock else None
    return "" if found is None else " (locked)" if found.commit == used.checkout.commit else " (not the locked one)"
