"""Packing local files for a container, and listing what an initial sync has to bring."""

import asyncio
import io
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytilt.host.ignoring import Matcher, compile_ignores
from pytilt.liveupdate.planning import SyncedFile, remote_path
from pytilt.model.base import Value
from pytilt.model.files import Ignore
from pytilt.model.images import LiveUpdate

_INLINE_FILES = 4
_INLINE_BYTES = 256 * 1024
"""Up to so much is read at once: handing it to a thread would take longer."""


class Archive(Value):
    """Packed files. It may be sent to any number of containers."""

    data: bytes = b""
    """A tar archive with paths relative to the root of the container; empty when nothing is to be copied."""
    vanished: tuple[SyncedFile, ...] = ()
    """What was to be packed and is no longer there: it is to be deleted instead."""


async def pack(files: Sequence[SyncedFile]) -> Archive:
    """Pack files, directories with all that is in them, and symbolic links as such.

    Args:
        files: what to pack; a later one wins over an earlier one with the same remote path.

    Raises:
        OSError: a file is there and cannot be read.
    """
    if not files:
        return Archive()
    if len(files) <= _INLINE_FILES and all(_is_small(file.local) for file in files):
        return _pack(files)
    return await asyncio.to_thread(_pack, files)


async def list_synced(rules: LiveUpdate, ignores: Sequence[Ignore]) -> tuple[SyncedFile, ...]:
    """Everything that an initial sync copies: all files of all syncs, each by the first rule that covers it.

    Args:
        rules: how the container may be updated.
        ignores: what is not synced.
    """
    return await asyncio.to_thread(_list_synced, rules, compile_ignores(ignores))


def _is_small(path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return True
    return not stat.S_ISDIR(found.st_mode) and found.st_size <= _INLINE_BYTES


def _pack(files: Sequence[SyncedFile]) -> Archive:
    vanished: list[SyncedFile] = []
    buffer = io.BytesIO()
    # Names of any length and of any bytes, in a form that every tar of today reads, that of busybox too.
    form, encoding = tarfile.GNU_FORMAT, "utf-8"
    with tarfile.open(fileobj=buffer, mode="w", format=form, encoding=encoding, errors="surrogateescape") as tar:
        for file in files:
            try:
                _add(tar, file.local, file.remote)
            except (FileNotFoundError, NotADirectoryError):
                vanished.append(file)
        end = tar.offset
    packed = buffer.getvalue()[:end] + bytes(2 * tarfile.BLOCKSIZE) if end else b""
    return Archive(data=packed, vanished=tuple(vanished))


def _add(tar: tarfile.TarFile, local: str, remote: str) -> None:
    if stat.S_ISDIR(os.lstat(local).st_mode):
        for found in _walk(local, Matcher(())):
            path = remote if found == local else f"{remote.rstrip('/')}/{os.path.relpath(found, local)}"
            try:
                _add_one(tar, found, path)
            except (FileNotFoundError, NotADirectoryError):
                continue  # deleted while the directory was read; its deletion is a change of its own
    else:
        _add_one(tar, local, remote)


def _add_one(tar: tarfile.TarFile, local: str, remote: str) -> None:
    found = os.lstat(local)
    info = tarfile.TarInfo(remote.lstrip("/") or ".")
    info.mode, info.mtime = stat.S_IMODE(found.st_mode), int(found.st_mtime)
    if stat.S_ISREG(found.st_mode):
        # Read as a whole first: the size in the header must be that of what follows, also if the file grows meanwhile.
        content = Path(local).read_bytes()
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    elif stat.S_ISLNK(found.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, str(Path(local).readlink())
        tar.addfile(info)
    elif stat.S_ISDIR(found.st_mode):
        info.type = tarfile.DIRTYPE
        tar.addfile(info)


def _list_synced(rules: LiveUpdate, ignored: Matcher) -> tuple[SyncedFile, ...]:
    found: dict[str, SyncedFile] = {}
    for sync in rules.syncs:
        try:
            of_file = not stat.S_ISDIR(Path(sync.local).stat().st_mode)
        except OSError:
            continue
        for path in [sync.local] if of_file else _walk(sync.local, ignored):
            if not ignored.matches(path) and (of_file or not _is_directory(path)):
                relative = "" if path == sync.local else os.path.relpath(path, sync.local)
                file = SyncedFile(local=path, remote=remote_path(sync, relative, of_file=of_file))
                found.setdefault(path, file)
    return tuple(found[path] for path in sorted(found))


def _walk(root: str, ignored: Matcher) -> Iterator[str]:
    """The directory and all that is in it, without following symbolic links."""
    yield root
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not ignored.may_skip_dir(f"{directory}/{name}"))
        yield from (f"{directory}/{name}" for name in (*names, *sorted(files)))


def _is_directory(path: str) -> bool:
    return Path(path).is_dir() and not Path(path).is_symlink()
