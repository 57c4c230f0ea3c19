"""Which changed files go where in a container and which commands follow; or why that cannot be done in place."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from pytilt.host.ignoring import compile_ignores
from pytilt.model.base import Value
from pytilt.model.images import LiveUpdate, Run, Sync

_SHOWN_FILES = 5

_UNMATCHED = "a `sync` that covers them would bring them in place, `ignore=` would leave them out of the image"
_STOPPED = "`fall_back_on` names it; without that it would be brought in place"


class FileKind(StrEnum):
    """What is at a path at this moment."""

    GONE = "gone"
    FILE = "file"
    """Or something as rare as a pipe."""
    LINK = "link"
    """A symbolic link, whatever it leads to."""
    DIRECTORY = "directory"


class ChangedFile(Value):
    """A path that changed since a container got its last files."""

    path: str
    """Absolute."""
    kind: FileKind = FileKind.FILE
    leads_to_directory: bool = False
    """It is a link to a directory."""
    above: tuple["ChangedFile", ...] = ()
    """Those directories above it that are none any more but a link, a file or gone; the outermost first."""
    through: "ChangedFile | None" = None
    """The same where links are followed; None where no rule asks for that."""
    followed: bool = False
    """It is a link to a directory, seen as that; what is in it has changed too."""


class SyncedFile(Value):
    """A local path and where it belongs in the container."""

    local: str
    remote: str
    """Absolute."""
    mode: int | None = None
    """The permissions that it gets; None: those of the local file."""
    owner: str = ""
    """`USER` or `USER:GROUP`, by name or number; empty: whoever receives it."""
    alone: bool = False
    """Of a directory: without what is in it."""
    follow: bool = False
    """A link is what it leads to. Of a directory: links in it that are followed come by themselves."""
    origin: str = ""
    """Where `local` is a copy: what it was copied from."""


class SyncPlan(Value):
    """What is to be done in every container: delete, then copy, then run. No place is named twice for one file."""

    deletions: tuple[SyncedFile, ...] = ()
    copies: tuple[SyncedFile, ...] = ()
    runs: tuple[Run, ...] = ()
    checks: tuple[Run, ...] = ()
    """Commands that must succeed before anything is done; else a full update is needed."""


class FallBack(Value):
    """The containers cannot be updated in place; a full update is needed."""

    reason: str
    """For people, in the words of Tilt."""
    advice: str = ""
    """What to change so that it can be done in place."""

    @property
    def explained(self) -> str:
        """The reason, and what to change."""
        return f"{self.reason}; {self.advice}" if self.advice else self.reason


def plan_sync(changed: Sequence[ChangedFile], rules: LiveUpdate) -> SyncPlan | FallBack:
    """Decide what to do with changed files.

    Args:
        changed: the files that changed, each once.
        rules: how the containers may be updated.
    """
    if not changed:
        return SyncPlan()
    files = sorted(changed, key=lambda file: file.path)
    mapped = [(file, tuple(_synced(file, rules.syncs))) for file in files]
    stopping = bool(rules.stop_patterns or rules.fall_back_on)
    stops = dict.fromkeys(file.path for file in files if _stops(file.path, rules)) if stopping else {}
    unmatched = [
        file.path
        for file, synced in mapped
        if not synced and file.path not in stops and not (rules.mounted and _named(file.path, rules))
    ]
    if unmatched:
        return FallBack(reason=f"Found file(s) not matching any sync (files: {_shown(unmatched)})", advice=_UNMATCHED)
    if stops:
        return FallBack(reason=f'Detected change to stop file "{next(iter(stops))}"', advice=_STOPPED)
    placed = dict(pair for _, synced in mapped for pair in synced)
    deletions = tuple(file for file, kind in placed.items() if kind is FileKind.GONE)
    roots = [file.local for file in deletions if file.remote == "/"]
    if roots:
        return FallBack(reason=f"`{roots[0]}` was deleted, which stands for the root of the container")
    return SyncPlan(
        deletions=deletions,
        copies=tuple(file for file, kind in placed.items() if kind is not FileKind.GONE),
        runs=triggered_runs([file.path for file in files], rules),
    )


def plan_initial(files: Sequence[SyncedFile], rules: LiveUpdate) -> SyncPlan:
    """Decide what a new container gets when its rules ask for an initial sync.

    Args:
        files: everything that is synced, see `archive.list_synced`.
        rules: how the container may be updated.
    """
    return SyncPlan(copies=tuple(files), runs=triggered_runs([file.local for file in files], rules))


def triggered_runs(paths: Sequence[str], rules: LiveUpdate) -> tuple[Run, ...]:
    """The commands to run after these local files were synced, in their order."""
    runs = []
    for run in rules.runs:
        matcher = compile_ignores(run.triggers)
        if not run.triggers or any(matcher.matches(path) for path in paths):
            runs.append(run)
    return tuple(runs)


def _named(path: str, rules: LiveUpdate) -> bool:
    """Does a trigger name it?"""
    return any(run.triggers and compile_ignores(run.triggers).matches(path) for run in rules.runs)


def _stops(path: str, rules: LiveUpdate) -> bool:
    """Does `fall_back_on` name it, or a directory above it?"""
    if rules.stop_patterns and compile_ignores(rules.stop_patterns).matches(path):
        return True
    return any(_relative(path, stop) is not None for stop in rules.fall_back_on)


def remote_path(sync: Sync, relative: str, *, of_file: bool) -> str:
    """Where a path goes.

    Args:
        sync: the rule that covers it.
        relative: the path relative to the rule's source, empty for the source itself.
        of_file: the source is a file; a remote path with a final `/` is the directory for it then.
    """
    return sync.place(relative, of_file=of_file)


def _synced(file: ChangedFile, syncs: Sequence[Sync]) -> Iterator[tuple[SyncedFile, FileKind]]:
    """Where each rule that covers a file brings it.

    A rule whose source is a link to a directory means that directory. Below the source links are brought as such,
    unless the rule follows them: what is below a link is none of the rule's files, and what is below a file or nothing
    is gone with it: then the link, the file or the nothing is brought instead.
    """
    for sync in syncs:
        relative = _relative(file.path, sync.local)
        if relative is None:
            continue
        present = file.through if sync.follow and file.through else file
        if present.above:
            present = next((each for each in present.above if _relative(each.path, sync.local)), present)
            relative = _relative(present.path, sync.local) or ""
        if not relative and present.leads_to_directory:
            local = f"{present.path}/."
            yield SyncedFile(local=local, remote=remote_path(sync, "", of_file=False)), FileKind.DIRECTORY
            continue
        remote = remote_path(sync, relative, of_file=present.kind is not FileKind.DIRECTORY)
        follow = sync.follow and present.kind in (FileKind.FILE, FileKind.DIRECTORY)
        if present.followed:  # what was there before led elsewhere
            yield SyncedFile(local=present.path, remote=remote), FileKind.GONE
        yield SyncedFile(local=present.path, remote=remote, follow=follow, alone=present.followed), present.kind


def _relative(path: str, base: str) -> str | None:
    """The path relative to a file or directory, empty for that itself, None for what is outside of it."""
    if path == base:
        return ""
    prefix = base if base.endswith("/") else f"{base}/"
    return path[len(prefix) :] if path.startswith(prefix) else None


def _shown(paths: Sequence[str]) -> str:
    return f"[{' '.join(paths[:_SHOWN_FILES])}{' ...' if len(paths) > _SHOWN_FILES else ''}]"
