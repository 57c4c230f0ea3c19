"""Packing local files for a container, and listing what an initial sync has to bring."""

import asyncio
import errno
import io
import math
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pytilt.host.files.links import leads_to, walk
from pytilt.host.ignoring import Matcher, compile_ignores
from pytilt.liveupdate.glob_sources import matched_part
from pytilt.liveupdate.planning import ChangedFile, FileKind, SyncedFile, remote_path
from pytilt.model.base import Value
from pytilt.model.files import Ignore
from pytilt.model.images import LiveUpdate, Sync
from pytilt.model.inference import Inferred
from pytilt.model.modules import lazy
from pytilt.model.numbers import whole

if TYPE_CHECKING:
    import tarfile
else:
    tarfile = lazy("tarfile")

LARGEST_BYTES = 512 * 1024 * 1024
"""No more is synced at once: it is held in memory on its way. An image takes files of any size."""

_INLINE_FILES = 64
_INLINE_BYTES = 1024 * 1024


_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
"""How files begin that gzip, bzip2, xz and zstd made."""


KEPT_CONTENT_BYTES = 192 * 1024
"""The content of a file below this size stays in memory until a copy of it is kept."""


class PackedPath(Value):
    """A path as it was when it was packed."""

    source: SyncedFile
    """What was to be packed: the path, or a directory that it is in."""
    local: str
    remote: str
    found: os.stat_result
    content: bytes | None = None
    """Of a small file; of a link where it leads; None where it has to be read again."""


class Archive(Value):
    """Packed files. It may be sent to any number of containers."""

    data: bytes = b""
    """A tar archive with paths relative to the root of the container; empty when nothing is to be copied."""
    vanished: tuple[SyncedFile, ...] = ()
    """What was to be packed and is no longer there: it is to be deleted instead."""
    directories: tuple[str, ...] = ()
    """Where it holds directories: absolute paths in the container, each after those above it."""
    others: tuple[str, ...] = ()
    """Where it holds files and links."""
    paths: tuple[PackedPath, ...] = ()
    """All that is in it."""


def examine(paths: Iterable[str], rules: LiveUpdate | Inferred) -> list[ChangedFile]:
    """See what is at these paths now.

    Args:
        paths: absolute, each covered by a sync or not.
        rules: directories above a path are looked at below the sources of their syncs, or the build contexts, only.
    """
    kinds: dict[str, FileKind] = {}

    def kind(path: str) -> FileKind:
        if path not in kinds:
            kinds[path] = _kind(path)
        return kinds[path]

    roots = rules.roots if isinstance(rules, Inferred) else [sync.local for sync in rules.syncs]
    following = () if isinstance(rules, Inferred) else rules.followed
    missing: dict[str, tuple[ChangedFile, ...]] = {}
    """The directories above those in a directory that are none any more."""

    def above(path: str) -> tuple[ChangedFile, ...]:
        directory = posixpath.dirname(path)
        if directory not in missing:
            found = [ChangedFile(path=each, kind=kind(each)) for each in _directories_above(path, roots)]
            missing[directory] = tuple(each for each in found if each.kind is not FileKind.DIRECTORY)
        return missing[directory]

    return [
        ChangedFile(
            path=path,
            kind=(found := kind(path)),
            leads_to_directory=found is FileKind.LINK and Path(path).is_dir(),
            above=above(path),
            through=_through(path, following) if following else None,
        )
        for path in sorted(paths)
    ]


def _through(path: str, roots: Sequence[str]) -> ChangedFile | None:
    """What is at a path where links below some directories are followed; None where no such link is on the way."""
    if not roots:
        return None
    above = _directories_above(path, roots)
    if not above and not {path, posixpath.dirname(path)}.intersection(roots):
        return None
    root = posixpath.dirname(above[0] if above else path)
    found = [(each, *_followed_kind(each, root)) for each in (*above, path)]
    if not any(followed for *_, followed in found):
        return None
    *before, (_, kind, followed) = found
    missing = (ChangedFile(path=each, kind=kind) for each, kind, _ in before if kind is not FileKind.DIRECTORY)
    return ChangedFile(path=path, kind=kind, followed=followed and kind is FileKind.DIRECTORY, above=tuple(missing))


def _followed_kind(path: str, root: str) -> tuple[FileKind, bool]:
    """What is at a path, and whether it is so because a link was followed."""
    kind = _kind(path)
    if kind is not FileKind.LINK or (target := leads_to(path, root)) is None:
        return kind, False
    return _kind(target), True


class DiskTree:
    """The files of this machine, each looked at once."""

    def __init__(self) -> None:
        self._kinds: dict[str, FileKind] = {}

    def kind(self, path: str) -> FileKind:
        """What is at an absolute path; a symbolic link is not followed."""
        if path not in self._kinds:
            self._kinds[path] = _kind(path)
        return self._kinds[path]

    def matches(self, context: str, pattern: str) -> Sequence[str]:
        """The paths, relative to a directory, that match a source with `*`."""
        found = [""]
        for name in pattern.split("/"):
            found = [
                posixpath.join(above, entry)
                for above in found
                for entry in _names(posixpath.join(context, above))
                if matched_part(name, entry) == entry
            ]
        return found

    def is_special(self, path: str) -> bool:
        """Has it permissions beside those to read, write and execute?"""
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return False
        return bool(mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX))

    def is_archive(self, path: str) -> bool:
        """Would `ADD` unpack this file?"""
        try:
            with Path(path).open("rb") as content:
                start = content.read(tarfile.BLOCKSIZE)
        except OSError:
            return False
        return start.startswith(_PACKED) or start[257:262] == b"ustar"


async def pack(files: Sequence[SyncedFile]) -> Archive:
    """Pack files, directories with all that is in them, and symbolic links as such.

    Args:
        files: what to pack; a later one wins over an earlier one with the same remote path.

    Raises:
        OSError: a file is there and cannot be read, or all are larger than `LARGEST_BYTES`.
    """
    if not files:
        return Archive()
    if is_quick(files):
        return _pack(files)
    return await asyncio.to_thread(_pack, files)


def is_quick(files: Sequence[SyncedFile]) -> bool:
    """Can these be read at once? Handing that to a thread would take longer."""
    return len(files) <= _INLINE_FILES and sum(map(_size, files)) <= _INLINE_BYTES


async def list_linked(
    rules: LiveUpdate, ignores: Sequence[Ignore], changed: AbstractSet[str] | None = None
) -> frozenset[str]:
    """Links that rules follow, with everything that they lead to.

    Args:
        rules: how the container may be updated.
        ignores: what is not synced.
        changed: only what these lead to; None: all of them, for an image has none of it.
    """
    return await asyncio.to_thread(_list_linked, rules, compile_ignores(ignores), changed)


async def list_synced(rules: LiveUpdate, ignores: Sequence[Ignore]) -> tuple[SyncedFile, ...]:
    """Everything that an initial sync copies: all files of all syncs, by every rule that covers them.

    Args:
        rules: how the container may be updated.
        ignores: what is not synced.
    """
    return await asyncio.to_thread(_list_synced, rules, compile_ignores(ignores))


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names are what is wanted
    except OSError:
        return []


def _kind(path: str) -> FileKind:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return FileKind.GONE
    if stat.S_ISLNK(mode):
        return FileKind.LINK
    return FileKind.DIRECTORY if stat.S_ISDIR(mode) else FileKind.FILE


def _directories_above(path: str, roots: Sequence[str]) -> list[str]:
    """The directories between a path and the outermost of the roots that it is below, the outermost first."""
    root = min((root for root in roots if path.startswith(f"{root.rstrip('/')}/")), key=len, default=None)
    found: list[str] = []
    directory = posixpath.dirname(path)
    while root is not None and len(directory) > len(root):
        found.append(directory)
        directory = posixpath.dirname(directory)
    return found[::-1]


def _size(file: SyncedFile) -> float:
    try:
        found = look(file.local, file)
    except OSError:
        return 0
    return math.inf if stat.S_ISDIR(found.st_mode) else found.st_size


def _pack(files: Sequence[SyncedFile]) -> Archive:
    vanished: list[SyncedFile] = []
    packed_kinds: dict[str, FileKind] = {}
    paths: list[PackedPath] = []
    seen: set[tuple[str, str]] = set()
    buffer = io.BytesIO()
    # Names of any length and of any bytes, in a form that every tar of today reads, that of busybox too.
    form, encoding = tarfile.GNU_FORMAT, "utf-8"
    with tarfile.open(fileobj=buffer, mode="w", format=form, encoding=encoding, errors="surrogateescape") as tar:
        for file in files:
            try:
                for local, remote in members(file):
                    if (local, remote) in seen:
                        continue
                    seen.add((local, remote))
                    if (added := _add(tar, local, remote, file, inner=local != file.local)) is not None:
                        packed_kinds[remote] = added[0]
                        paths.append(added[1])
            except (FileNotFoundError, NotADirectoryError):
                vanished.append(file)
        end = tar.offset
    packed = buffer.getvalue()[:end] + bytes(2 * tarfile.BLOCKSIZE) if end else b""
    return Archive(
        data=packed,
        vanished=tuple(vanished),
        directories=tuple(sorted(path for path, kind in packed_kinds.items() if kind is FileKind.DIRECTORY)),
        others=tuple(path for path, kind in packed_kinds.items() if kind is not FileKind.DIRECTORY),
        paths=tuple(paths),
    )


def look(local: str, file: SyncedFile) -> os.stat_result:
    """What is at a path of a file that is to be packed; what it leads to where links are followed.

    Raises:
        OSError: nothing.
    """
    return os.stat(local) if file.follow and local == file.local else os.lstat(local)  # noqa: PTH116 - as `lstat`


def members(file: SyncedFile) -> Iterator[tuple[str, str]]:
    """The path itself, and if it is a directory all that is in it, each with its place in the container."""
    if file.alone or not stat.S_ISDIR(look(file.local, file).st_mode):
        yield file.local, file.remote
        return
    for found in _walk(file.local, Matcher(())):
        if file.follow and Path(found).is_symlink() and leads_to(found, file.local) is not None:
            continue  # the watcher emits it, and what it leads to
        relative = os.path.relpath(found, file.local)
        yield found, file.remote if found == file.local else f"{file.remote.rstrip('/')}/{relative}"


def _add(
    tar: "tarfile.TarFile", local: str, remote: str, file: SyncedFile, *, inner: bool
) -> tuple[FileKind, PackedPath] | None:
    """Add one path of a file, without what is below it; return what it is, None when that cannot be packed."""
    try:
        return _add_one(tar, local, remote, file)
    except (FileNotFoundError, NotADirectoryError):
        if not inner:
            raise
        return None  # deleted while the directory was read; its deletion is a change of its own


def _add_one(tar: "tarfile.TarFile", local: str, remote: str, file: SyncedFile) -> tuple[FileKind, PackedPath] | None:
    found = look(local, file)
    packed = PackedPath(source=file, local=local, remote=remote, found=found)
    info = tarfile.TarInfo(remote.lstrip("/") or ".")
    info.mode = stat.S_IMODE(found.st_mode) if file.mode is None else file.mode
    info.mtime = int(found.st_mtime)
    _own(info, file.owner)
    if stat.S_ISREG(found.st_mode):
        # Read as a whole first: the size in the header must be that of what follows, also if the file grows meanwhile.
        if tar.offset + found.st_size > LARGEST_BYTES:
            what = "with the files before it, " if tar.offset else ""
            raise OSError(errno.EFBIG, f"{what}it is larger than {LARGEST_BYTES >> 20} megabytes", local)
        content = Path(local).read_bytes()
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
        return FileKind.FILE, replace(packed, content=content) if len(content) < KEPT_CONTENT_BYTES else packed
    if stat.S_ISLNK(found.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, str(Path(local).readlink())
        tar.addfile(info)
        return FileKind.LINK, replace(packed, content=os.fsencode(info.linkname))
    if stat.S_ISDIR(found.st_mode):
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
        return FileKind.DIRECTORY, packed
    return None


def _own(info: "tarfile.TarInfo", owner: str) -> None:
    """Name the owner; a name is looked up by the tar that unpacks, a user without a group has the one of its number."""
    user, _, group = owner.partition(":")
    if (number := whole(user)) is not None:
        info.uid = info.gid = number
    else:
        info.uname = user
    if (number := whole(group)) is not None:
        info.gid = number
    else:
        info.gname = group or info.uname


def _list_synced(rules: LiveUpdate, ignored: Matcher) -> tuple[SyncedFile, ...]:
    found: set[SyncedFile] = set()
    for sync in rules.syncs:
        try:
            of_file = not stat.S_ISDIR(Path(sync.local).stat().st_mode)
        except OSError:
            continue
        for path, linked in _synced_paths(sync, ignored, of_file=of_file):
            if not ignored.matches(path) and (of_file or not _is_directory(path)):
                relative = "" if path == sync.local else os.path.relpath(path, sync.local)
                remote = remote_path(sync, relative, of_file=of_file)
                follow = linked and Path(path).is_symlink() and leads_to(path, sync.local) is not None
                found.add(SyncedFile(local=path, remote=remote, follow=follow, alone=follow and Path(path).is_dir()))
    return tuple(sorted(found, key=lambda each: (each.local, each.remote)))


def _synced_paths(sync: Sync, ignored: Matcher, *, of_file: bool) -> Iterator[tuple[str, bool]]:
    if of_file:
        yield sync.local, sync.follow
    elif sync.follow:
        yield from ((each.path, each.linked) for each in walk(sync.local, ignored))
    else:
        yield from ((path, False) for path in _walk(sync.local, ignored))


def _list_linked(rules: LiveUpdate, ignored: Matcher, changed: AbstractSet[str] | None) -> frozenset[str]:
    found: set[str] = set()
    for root in rules.followed:
        for each in walk(root, ignored) if changed is None else ():
            found |= {each.path} if each.linked else set()
        for path in changed or ():
            seen = _through(path, (root,))
            found |= {each.path for each in walk(path, ignored)} if seen is not None and seen.followed else set()
    stops = tuple(f"{stop.rstrip('/')}/" for stop in rules.fall_back_on)
    return frozenset(path for path in found if not f"{path}/".startswith(stops))


def _walk(root: str, ignored: Matcher) -> Iterator[str]:
    """The directory and all that is in it, without following symbolic links."""
    yield root
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not ignored.may_skip_dir(f"{directory}/{name}"))
        yield from (f"{directory}/{name}" for name in (*names, *sorted(files)))


def _is_directory(path: str) -> bool:
    return Path(path).is_dir() and not Path(path).is_symlink()
