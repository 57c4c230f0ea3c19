"""The build context as a tar stream: filtered, in a fixed order, never whole in memory, read off the event loop."""

import os
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pytilt.errors import BuildError
from pytilt.host.ignoring import Matcher, compile_ignores
from pytilt.model.base import Value
from pytilt.model.files import Ignore
from pytilt.model.texts import to_bytes

EMPTY = "-"
"""A context without files."""

SPARE_DIRECTORY = ".tilt-build"
"""The Dockerfile's place in the context when its own place is outside of it, ignored, or there is none."""

IGNORE_FILE = ".dockerignore"
"""Of the context."""

_CHUNK_BYTES = 256 * 1024
_BLOCK_BYTES = 512
_WHOLE_BYTES = 4 * 1024 * 1024
"""Smaller files are read before their size is written, so that one which changes meanwhile arrives whole."""


class Mount(Value):
    """A file, a link or a directory without what is in it, at a place in the context."""

    name: str
    local: str = ""
    """Absolute; empty: there is `text` instead."""
    text: str = ""


class Context(Value):
    """What is sent to a builder."""

    root: str
    """Absolute directory, or `-`."""
    dockerfile: str
    """The Dockerfile's place in the context."""
    contents: str
    """Its text."""
    ignores: tuple[Ignore, ...] = ()
    mounts: tuple[Mount, ...] = ()
    """What is in it beside the files of the directory."""
    spare: str = ""
    """The directory, of no file of the context, that the Dockerfile is in; empty: it is at its own place."""
    own_ignore_file: bool = False
    """The directory's `.dockerignore` is in it."""
    ignore_file: str = ""
    """The place of an ignore file that names `spare` and itself; empty: there is none."""
    mirrored: bool = False
    """That directory holds the context once more, at `mirror`."""

    @property
    def mirror(self) -> str:
        """Where the context is once more."""
        return f"{self.spare}/context"


def plan_context(root: str, dockerfile: str | None, contents: str, ignores: Sequence[Ignore]) -> Context:
    """Decide under which name the Dockerfile travels.

    It takes the place of the file it was read from, so that `COPY . .` copies what it copies without pytilt, unless
    that file is not part of the context. What keeps it out of the image then is `hiding.hidden`.
    """
    if root != EMPTY and dockerfile is not None:
        inside = os.path.relpath(dockerfile, root)
        if not inside.startswith("..") and not compile_ignores(ignores).matches(dockerfile):
            return Context(root=root, dockerfile=inside, contents=contents, ignores=tuple(ignores))
    spare = _unused(root, SPARE_DIRECTORY)
    dockerfile = f"{spare}/Dockerfile"
    ignore_file = os.path.join(root, IGNORE_FILE)  # noqa: PTH118 - quick
    sent = root != EMPTY and os.path.lexists(ignore_file) and not compile_ignores(ignores).matches(ignore_file)
    return Context(
        root=root,
        dockerfile=dockerfile,
        contents=contents,
        ignores=tuple(ignores),
        spare=spare,
        own_ignore_file=sent,
    )


class ContextEntry(NamedTuple):
    """A file, link or directory of a context."""

    name: str
    """Relative to the context."""
    path: str
    info: os.stat_result
    hidden: bool = False
    """A directory that is ignored itself, in which something may be that is not."""


def context_entries(context: Context) -> Iterator[ContextEntry]:
    """All that is in the context's directory, each directory before what is in it, by the bytes of the names; blocks.

    A directory that is ignored itself comes only where something in it is not.

    Raises:
        BuildError: the directory cannot be read.
    """
    if context.root == EMPTY:
        return
    waiting: list[ContextEntry] = []
    with readable(context):
        for entry in _walk(context.root, "", compile_ignores(context.ignores), context.dockerfile):
            while waiting and not entry.name.startswith(f"{waiting[-1].name}/"):
                waiting.pop()
            waiting.append(entry)
            if not entry.hidden:
                yield from waiting
                waiting.clear()


async def stream_context(context: Context) -> AsyncIterator[bytes]:
    """The tar stream, in chunks.

    Raises:
        BuildError: the directory or a file in it cannot be read.
    """
    import asyncio  # imported here: an evaluation only describes contexts

    chunks = context_chunks(context)
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


def context_chunks(context: Context) -> Iterator[bytes]:
    """The tar stream, in chunks; reads files and so blocks."""
    pending: list[bytes] = []
    size = 0
    for piece in _pieces(context):
        pending.append(piece)
        size += len(piece)
        if size >= _CHUNK_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    yield b"".join([*pending, bytes(2 * _BLOCK_BYTES)])


def _pieces(context: Context) -> Iterator[bytes]:
    contents = to_bytes(context.contents)
    yield _header(context.dockerfile, stat.S_IFREG | 0o644, size=len(contents))
    yield _padded(contents)
    if context.ignore_file:
        ignored = f"{context.spare}\n{context.ignore_file}\n".encode()
        yield _header(context.ignore_file, stat.S_IFREG | 0o644, size=len(ignored))
        yield _padded(ignored)
    sent: list[_Sent] = []
    if context.root != EMPTY:
        yield from _files(context, sent)
    if context.mounts:
        yield from _mounted(context.mounts)
    if context.mirrored:
        yield _header(context.mirror, stat.S_IFDIR | 0o755)
        for name, mode, mtime, link in sent:
            yield _header(f"{context.mirror}/{name}", mode, mtime=mtime, link=link, same=name)


class _Sent(NamedTuple):
    """What was put into the tar."""

    name: str
    mode: int
    mtime: float
    link: str = ""


def _unused(root: str, name: str) -> str:
    while root != EMPTY and os.path.lexists(os.path.join(root, name)):  # noqa: PTH118 - quick
        name += "_"
    return name


def _mounted(mounts: Sequence[Mount]) -> Iterator[bytes]:
    for mount in mounts:
        if not mount.local:
            yield _header(mount.name, stat.S_IFREG | 0o644, size=len(content := to_bytes(mount.text)))
            yield _padded(content)
            continue
        try:
            info = os.lstat(mount.local)
            if stat.S_ISDIR(info.st_mode):
                yield _entry([], mount.name, info)
            else:
                yield from _file(mount.local, mount.name, info, [])
        except FileNotFoundError:  # deleted since it was found: a change of its own
            continue
        except OSError as error:
            raise BuildError(
                f"cannot read what is added to the image: {error.strerror or error}",
                where=mount.local,
                hint="make it readable, or leave it out with `.dockerignore`",
            ) from error


def _files(context: Context, sent: list[_Sent]) -> Iterator[bytes]:
    with readable(context):
        yield from _directory(context.root, "", compile_ignores(context.ignores), context.dockerfile, sent)


@contextmanager
def readable(context: Context) -> Iterator[None]:
    """What the system says of a file that cannot be read, as what the user can do about it."""
    try:
        yield
    except OSError as error:
        raise BuildError(
            f"cannot read the build context: {error.strerror or error}",
            where=str(error.filename or context.root),
            hint="make it readable, or leave it out with `.dockerignore` or `ignore=`",
        ) from error


def _directory(path: str, name: str, ignored: Matcher, dockerfile: str, sent: list[_Sent]) -> Iterator[bytes]:
    for found in _walk(path, name, ignored, dockerfile):
        if found.hidden:
            continue
        if stat.S_ISDIR(found.info.st_mode):
            yield _entry(sent, found.name, found.info)
        else:
            yield from _file(found.path, found.name, found.info, sent)


def _walk(path: str, name: str, ignored: Matcher, dockerfile: str) -> Iterator[ContextEntry]:
    """What is in a directory, each directory before what is in it, by the bytes of the names."""
    with os.scandir(path) as found:
        entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        inner = f"{name}/{entry.name}" if name else entry.name
        if inner == dockerfile:
            continue
        try:
            info = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # deleted since the directory was read
            continue
        hidden = ignored.matches(entry.path)
        if not stat.S_ISDIR(info.st_mode):
            if not hidden:
                yield ContextEntry(inner, entry.path, info)
        elif not (hidden and ignored.may_skip_dir(entry.path)):
            yield ContextEntry(inner, entry.path, info, hidden=hidden)
            yield from _walk(entry.path, inner, ignored, dockerfile)


def _file(path: str, name: str, info: os.stat_result, sent: list[_Sent]) -> Iterator[bytes]:
    if stat.S_ISLNK(info.st_mode):
        yield _entry(sent, name, info, link=os.readlink(path))  # noqa: PTH115 - keeps a "./"
    elif stat.S_ISREG(info.st_mode):
        try:
            content = Path(path).open("rb")  # noqa: SIM115 - closed below
        except FileNotFoundError:
            return
        with content:
            if info.st_size <= _WHOLE_BYTES:
                data = content.read()
                yield _entry(sent, name, info, size=len(data))
                yield _padded(data)
                return
            yield _entry(sent, name, info, size=info.st_size)
            missing = info.st_size
            while missing:
                # A file that shrinks meanwhile is filled up: its next change makes the image stale anyway.
                data = content.read(min(_CHUNK_BYTES, missing)) or bytes(min(_CHUNK_BYTES, missing))
                missing -= len(data)
                yield data
            yield bytes(-info.st_size % _BLOCK_BYTES)


def _entry(sent: list[_Sent], name: str, info: os.stat_result, *, size: int = 0, link: str = "") -> bytes:
    sent.append(_Sent(name, info.st_mode, info.st_mtime, link))
    return _header(name, info.st_mode, mtime=info.st_mtime, size=size, link=link)


def _header(name: str, mode: int, *, mtime: float = 0, size: int = 0, link: str = "", same: str = "") -> bytes:
    """A tar header without owner, so that an image does not depend on who builds it."""
    import tarfile  # imported here, for the same reason as `asyncio`

    info = tarfile.TarInfo(f"{name}/" if stat.S_ISDIR(mode) else name)
    info.mode, info.mtime, info.size = stat.S_IMODE(mode), int(mtime), size
    if stat.S_ISDIR(mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(mode):
        info.type, info.linkname = tarfile.SYMTYPE, link
    elif same:  # a hard link to what is in the tar already
        info.type, info.linkname = tarfile.LNKTYPE, same
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK_BYTES)
