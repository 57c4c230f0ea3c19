"""The build context as a tar stream: filtered, in a fixed order, never whole in memory, read off the event loop."""

import asyncio
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from pytilt.errors import BuildError
from pytilt.host.ignoring import Matcher, compile_ignores
from pytilt.model.base import Value
from pytilt.model.files import Ignore
from pytilt.model.texts import to_bytes

EMPTY = "-"
"""A context without files."""

SPARE_DOCKERFILE = ".dockerfile.tilt"
"""Where the Dockerfile stands in the context when its own place is outside of it, ignored, or there is none."""

_CHUNK_BYTES = 256 * 1024
_BLOCK_BYTES = 512
_WHOLE_BYTES = 4 * 1024 * 1024
"""Smaller files are read before their size is written, so that one which changes meanwhile arrives whole."""


class Context(Value):
    """What is sent to a builder."""

    root: str
    """Absolute directory, or `-`."""
    dockerfile: str
    """Where the Dockerfile stands in the context."""
    contents: str
    """Its text."""
    ignores: tuple[Ignore, ...] = ()


def plan_context(root: str, dockerfile: str | None, contents: str, ignores: Sequence[Ignore]) -> Context:
    """Decide under which name the Dockerfile travels.

    It takes the place of the file it was read from, so that `COPY . .` copies what it copies without pytilt, unless
    that file is not part of the context.
    """
    name = "Dockerfile" if root == EMPTY else SPARE_DOCKERFILE
    if root != EMPTY and dockerfile is not None:
        inside = os.path.relpath(dockerfile, root)
        if not inside.startswith("..") and not compile_ignores(ignores).matches(dockerfile):
            name = inside
    return Context(root=root, dockerfile=name, contents=contents, ignores=tuple(ignores))


async def stream_context(context: Context) -> AsyncIterator[bytes]:
    """The tar stream, in chunks.

    Raises:
        BuildError: the directory or a file in it cannot be read.
    """
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
    if context.root == EMPTY:
        return
    try:
        yield from _directory(context.root, "", compile_ignores(context.ignores), context.dockerfile)
    except OSError as error:
        raise BuildError(
            f"cannot read the build context: {error.strerror or error}",
            where=str(error.filename or context.root),
            hint="make it readable, or leave it out with `.dockerignore` or `ignore=`",
        ) from error


def _directory(path: str, name: str, ignored: Matcher, dockerfile: str) -> Iterator[bytes]:
    with os.scandir(path) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        inner = f"{name}/{entry.name}" if name else entry.name
        if inner == dockerfile:
            continue
        try:
            info = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # deleted since the directory was read
            continue
        hidden = ignored.matches(entry.path)
        if stat.S_ISDIR(info.st_mode):
            if hidden and ignored.may_skip_dir(entry.path):
                continue
            if not hidden:
                yield _header(inner, info.st_mode, mtime=info.st_mtime)
            yield from _directory(entry.path, inner, ignored, dockerfile)
        elif not hidden:
            yield from _file(entry.path, inner, info)


def _file(path: str, name: str, info: os.stat_result) -> Iterator[bytes]:
    if stat.S_ISLNK(info.st_mode):
        yield _header(name, info.st_mode, mtime=info.st_mtime, link=os.readlink(path))  # noqa: PTH115 - keeps a "./"
    elif stat.S_ISREG(info.st_mode):
        try:
            content = Path(path).open("rb")  # noqa: SIM115 - closed below
        except FileNotFoundError:
            return
        with content:
            if info.st_size <= _WHOLE_BYTES:
                data = content.read()
                yield _header(name, info.st_mode, mtime=info.st_mtime, size=len(data))
                yield _padded(data)
                return
            yield _header(name, info.st_mode, mtime=info.st_mtime, size=info.st_size)
            missing = info.st_size
            while missing:
                # A file that shrinks meanwhile is filled up: its next change makes the image stale anyway.
                data = content.read(min(_CHUNK_BYTES, missing)) or bytes(min(_CHUNK_BYTES, missing))
                missing -= len(data)
                yield data
            yield bytes(-info.st_size % _BLOCK_BYTES)


def _header(name: str, mode: int, *, mtime: float = 0, size: int = 0, link: str = "") -> bytes:
    """A tar header without owner, so that an image does not depend on who builds it."""
    info = tarfile.TarInfo(f"{name}/" if stat.S_ISDIR(mode) else name)
    info.mode, info.mtime, info.size = stat.S_IMODE(mode), int(mtime), size
    if stat.S_ISDIR(mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(mode):
        info.type, info.linkname = tarfile.SYMTYPE, link
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK_BYTES)
