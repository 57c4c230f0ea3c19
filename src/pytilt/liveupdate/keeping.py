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
from pytilt.liveupdate.archive import PackedPath, look, members
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

    def without(self, changed: Mapping[str, int]) -> tuple[SyncPlan, tuple[str, ...]]:
        """What can be brought although files have changed, and the files of which there is no copy."""
        gone = {
            file.synced for file in self.files.values() if not file.copied and _at_or_below(file.synced.local, changed)
        }
        plan = replace(self.plan, copies=tuple(file for file in self.plan.copies if file not in gone))
        return plan, tuple(sorted(file.local for file in gone))

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


class SentBatch(Value):
    """What a batch brought."""

    plan: SyncPlan
    packed: tuple[PackedPath, ...] = ()
    """What was copied, as it was then."""
    gone: tuple[SyncedFile, ...] = ()
    """What was deleted."""


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

    async def add(self, key: Key, sent: SentBatch, sequence: int) -> KeptUpdate:
        """Add what was sent to what is kept.

        Args:
            key: whose; with nothing kept it has to be all that a new container of the image lacks.
            sent: what containers got that had all that is kept.
            sequence: changes up to this one are in it.

        Raises:
            UserError: the directory cannot be written, for example because the disk is full; nothing is kept then.
            OSError: likewise.
        """
        try:
            found, useless = await asyncio.to_thread(self._add, key, sent, sequence)
        except BaseException:
            self.drop(key)
            raise
        self._kept[key] = found
        await asyncio.to_thread(_remove, useless)
        return found

    def sequence(self, key: Key) -> int:
        """Changes up to this one are kept; -1: nothing is."""
        found = self._kept.get(key)
        return -1 if found is None else found.sequence

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

    def _add(self, key: Key, sent: SentBatch, sequence: int) -> tuple[KeptUpdate, list[str]]:
        """What is kept then, and the copies that are needed no more."""
        directory = self._make() if sent.packed else Path()
        before = self._kept.get(key)
        files = dict(before.files) if before else {}
        useless = [kept.synced.local for each in _overwritten(files, sent) if (kept := files.pop(each)).copied]
        room = self._limit - sum(kept.size for other, kept in self._kept.items() if other != key)
        room -= sum(file.size for file in files.values() if file.copied)
        added: list[str] = []
        try:
            for path in sent.packed:
                if (copy := self._copy_packed(directory, path, room)) is not None:
                    files[path.local, path.remote] = copy
                    if copy.copied:
                        added.append(copy.synced.local)
                        room -= copy.size
        except (OSError, UserError):
            _remove(added)
            raise
        old = before.plan if before else SyncPlan()
        plan = SyncPlan(
            deletions=tuple({file.remote: file for file in (*old.deletions, *sent.gone)}.values()),
            copies=tuple(file.synced for file in files.values()),
            runs=tuple(dict.fromkeys((*old.runs, *sent.plan.runs))),
            checks=tuple(dict.fromkeys((*old.checks, *sent.plan.checks))),
        )
        return KeptUpdate(sequence=sequence, plan=plan, files=files), useless

    def _copy_packed(self, directory: Path, path: PackedPath, room: int) -> KeptFile | None:
        """Copy what was packed; a large file that is another one already is not copied."""
        if path.content is not None and len(path.content) <= room:
            return self._copied(directory, path)
        try:
            kept = self._copy(directory, path.local, path.remote, path.source, room)
            same = _version(look(path.local, path.source)) == _version(path.found)
        except (FileNotFoundError, NotADirectoryError):
            kept, same = None, False
        if kept is not None and (same or not kept.copied or stat.S_ISDIR(path.found.st_mode)):
            return kept
        if kept is not None:
            _remove([kept.synced.local])
        synced = replace(path.source, local=path.local, remote=path.remote, follow=_follows(path.source, path.local))
        return KeptFile(synced=synced, size=path.found.st_size, copied=False)

    def _copied(self, directory: Path, path: PackedPath) -> KeptFile:
        """Write what was packed."""
        assert path.content is not None
        self._number += 1
        copy, found = directory / str(self._number), path.found
        with explained(copy):
            if stat.S_ISLNK(found.st_mode):
                copy.symlink_to(os.fsdecode(path.content))
            else:
                copy.write_bytes(path.content)
        os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)
        size = len(path.content) if stat.S_ISREG(found.st_mode) else 0
        return KeptFile(synced=_of_copy(copy, path.local, path.remote, path.source, found), size=size)

    def _copy(self, directory: Path, local: str, remote: str, file: SyncedFile, room: int) -> KeptFile | None:
        """Copy one path; None of what nobody can bring, and of what is gone inside of a directory."""
        try:
            found = look(local, file)
        except (FileNotFoundError, NotADirectoryError):
            if local == file.local:
                raise
            return None
        self._number += 1
        copy = directory / str(self._number)
        synced = _of_copy(copy, local, remote, file, found)
        if stat.S_ISREG(found.st_mode):
            if found.st_size > room:
                own = replace(synced, local=local, mode=file.mode, follow=_follows(file, local))
                return KeptFile(synced=own, size=found.st_size, copied=False)
            _copy_content(local, copy)
        elif stat.S_ISLNK(found.st_mode):
            copy.symlink_to(Path(local).readlink())
        elif stat.S_ISDIR(found.st_mode):
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


def _overwritten(files: Mapping[tuple[str, str], KeptFile], sent: SentBatch) -> list[tuple[str, str]]:
    """What was kept before and is no longer in a container that gets what was sent."""
    same = {path.remote for path in sent.packed}
    places = {file.remote for file in sent.gone}
    known = {remote for (_, remote), kept in files.items() if not kept.synced.alone}
    # A file or a link in place of a directory: what was in that is gone.
    places |= {path.remote for path in sent.packed if not stat.S_ISDIR(path.found.st_mode)} - known
    found = [each for each in files if each[1] in same]
    return (
        found + [each for each in files if each[1] not in same and _at_or_below(each[1], places)] if places else found
    )


def _of_copy(copy: Path, local: str, remote: str, file: SyncedFile, found: os.stat_result) -> SyncedFile:
    """The copy of a path as something to be brought."""
    return SyncedFile(
        local=str(copy),
        remote=remote,
        mode=stat.S_IMODE(found.st_mode) if file.mode is None else file.mode,
        owner=file.owner,
        alone=stat.S_ISDIR(found.st_mode),
        origin=local,
    )


def _follows(file: SyncedFile, local: str) -> bool:
    return file.follow and local == file.local


def _version(found: os.stat_result) -> tuple[int, ...]:
    """Another one says that the content may be another one."""
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode


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
