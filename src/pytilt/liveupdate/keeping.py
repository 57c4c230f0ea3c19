"""Copies of what live updates brought, for containers that start when the files themselves have changed already."""

import asyncio
import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, suppress
from pathlib import Path

from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.host.state import LockedError, StateDirectory, explained
from pytilt.liveupdate.archive import look, members
from pytilt.liveupdate.planning import SyncedFile, SyncPlan
from pytilt.model.base import Value
from pytilt.model.names import ImageName, ResourceName

KEPT_BYTES = 256 * 1024 * 1024
"""So much a session keeps; a file that does not fit any more is not kept."""

_READ_BYTES = 1024 * 1024

Key = tuple[ResourceName, ImageName]


class KeptFile(Value):
    """One path as it was."""

    synced: SyncedFile
    """It may be sent; `local` is the copy, or the path itself where there is none."""
    size: int = 0
    copied: bool = True


class KeptUpdate(Value):
    """What a container of an image lacks that starts now, as it was at the last update."""

    sequence: int
    """Every change up to this one is in it."""
    plan: SyncPlan
    files: Mapping[tuple[str, str], KeptFile]
    """By path and place in the container."""

    def part(self, plan: SyncPlan) -> SyncPlan:
        """The same as a plan that is part of it, with what was kept in place of what is on disk now."""
        places = {file.remote for file in plan.copies}
        copies = tuple(file for file in self.plan.copies if _at_or_below(file.remote, places))
        vanished = (file for file in self.plan.deletions if file.remote in places)
        return replace(plan, copies=copies, deletions=tuple(dict.fromkeys((*plan.deletions, *vanished))))

    def without(self, changed: Mapping[str, int]) -> SyncPlan:
        """What can be brought although files have changed: without those of which there is no copy."""
        gone = {
            file.synced for file in self.files.values() if not file.copied and _at_or_below(file.synced.local, changed)
        }
        return replace(self.plan, copies=tuple(file for file in self.plan.copies if file not in gone))

    @property
    def size(self) -> int:
        """Bytes of all copies."""
        return sum(file.size for file in self.files.values() if file.copied)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The files that were too large to be kept."""
        return tuple(file.synced.local for file in self.files.values() if not file.copied)

    @property
    def copies(self) -> Iterator[str]:
        """Where the copies are."""
        return (file.synced.local for file in self.files.values() if file.copied)


class KeptFiles:
    """Keeps what was brought into containers, one state for each image of a resource.

    Args:
        directory: gets a directory of this session's own when something is kept; those of sessions that are over go.
        limit: so many bytes all copies may have.
    """

    def __init__(self, directory: StateDirectory, *, limit: int = KEPT_BYTES) -> None:
        self._directory = directory
        self._limit = limit
        self._own: StateDirectory | None = None
        self._stack = ExitStack()
        self._kept: dict[Key, KeptUpdate] = {}
        self._number = 0

    async def keep(self, key: Key, plan: SyncPlan, changes: Mapping[str, int], sequence: int) -> KeptUpdate:
        """Copy what a plan brings, but what was copied before and has not changed since.

        Args:
            key: whose; what was kept before is replaced.
            plan: all that a new container of the image lacks.
            changes: when each file changed that has changed since the image was built.
            sequence: changes up to this one are in the plan.

        Raises:
            UserError: the directory cannot be written, for example because the disk is full; nothing is kept then.
            OSError: a file is there and cannot be read; nothing is kept then.
        """
        try:
            found = await asyncio.to_thread(self._keep, key, plan, changes, sequence)
        except BaseException:
            self.drop(key)
            raise
        before, self._kept[key] = self._kept.get(key), found
        _remove(set(before.copies if before else ()) - set(found.copies))
        return found

    def get(self, key: Key) -> KeptUpdate | None:
        """What is kept; None for nothing, also where somebody has removed it."""
        found = self._kept.get(key)
        if found is not None and not all(map(os.path.lexists, found.copies)):
            self.drop(key)
            return None
        return found

    def drop(self, key: Key) -> None:
        """Keep nothing of an image any more."""
        if (found := self._kept.pop(key, None)) is not None:
            _remove(found.copies)

    def close(self) -> None:
        """Remove everything."""
        if self._own is not None:
            shutil.rmtree(self._own.path, ignore_errors=True)
        self._stack.close()

    def _keep(self, key: Key, plan: SyncPlan, changes: Mapping[str, int], sequence: int) -> KeptUpdate:
        directory = self._make() if plan.copies else Path()
        before = self._kept.get(key)
        newer = {path: number for path, number in changes.items() if before is None or number > before.sequence}
        room = self._limit - sum(kept.size for other, kept in self._kept.items() if other != key)
        files: dict[tuple[str, str], KeptFile] = {}
        deletions = list(plan.deletions)
        try:
            for file in plan.copies:
                try:
                    for local, remote in members(file):
                        same = before.files.get((local, remote)) if before else None
                        if same is None or not same.copied or _at_or_below(local, newer):
                            same = self._copy(directory, local, remote, file, room)
                        if same is not None:
                            files[local, remote] = same
                            room -= same.size if same.copied else 0
                except (FileNotFoundError, NotADirectoryError):
                    deletions.append(file)
        except (OSError, UserError):
            _remove(each.synced.local for each in files.values() if each.copied)
            raise
        copies = tuple(file.synced for file in files.values())
        return KeptUpdate(sequence=sequence, plan=replace(plan, copies=copies, deletions=tuple(deletions)), files=files)

    def _copy(self, directory: Path, local: str, remote: str, file: SyncedFile, room: int) -> KeptFile | None:
        """Copy one path; None of what nobody can bring, and of what is gone inside of a directory."""
        try:
            found = look(local, file)
        except (FileNotFoundError, NotADirectoryError):
            if local == file.local:
                raise
            return None
        self._number += 1
        copy, is_directory = directory / str(self._number), stat.S_ISDIR(found.st_mode)
        synced = SyncedFile(
            local=str(copy),
            remote=remote,
            mode=stat.S_IMODE(found.st_mode) if file.mode is None else file.mode,
            owner=file.owner,
            alone=is_directory,
            origin=local,
        )
        if stat.S_ISREG(found.st_mode):
            if found.st_size > room:
                own = replace(synced, local=local, mode=file.mode, follow=file.follow and local == file.local)
                return KeptFile(synced=own, size=found.st_size, copied=False)
            _copy_content(local, copy)
        elif stat.S_ISLNK(found.st_mode):
            copy.symlink_to(Path(local).readlink())
        elif is_directory:
            copy.mkdir()
        else:
            return None
        os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)
        return KeptFile(synced=synced, size=found.st_size if stat.S_ISREG(found.st_mode) else 0)

    def _make(self) -> Path:
        if self._own is None:
            for path in self._directory.path.iterdir() if self._directory.path.is_dir() else ():
                _sweep(path)
            own = self._directory.below(uuid.uuid4().hex)
            self._stack.enter_context(own.lock())
            self._own = own
        return self._own.path


def _at_or_below(path: str, places: Mapping[str, int] | AbstractSet[str]) -> bool:
    """Is it one of some paths, or in a directory that is?"""
    return path in places or any(above in places for above in map(str, Path(path).parents))


def _copy_content(local: str, copy: Path) -> None:
    with Path(local).open("rb") as source, explained(copy):
        try:
            with copy.open("xb") as target:
                shutil.copyfileobj(source, target, _READ_BYTES)
        except OSError:
            copy.unlink(missing_ok=True)
            raise


def _remove(copies: Iterable[str]) -> None:
    for copy in sorted(copies, reverse=True):
        with suppress(OSError):
            path = Path(copy)
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()


def _sweep(path: Path) -> None:
    """Remove what a session has left behind that was killed."""
    with suppress(LockedError, UserError), StateDirectory(path).lock():
        shutil.rmtree(path, ignore_errors=True)
