"""Tar archives, in which the engine takes and gives files."""

import io
import tarfile
from collections.abc import Iterable

from pytilt.errors import DockerApiError

Entry = tuple[tarfile.TarInfo, bytes]
"""A member of a tar archive and its content."""

DEFAULT_MODE = 0o644


def directory(name: str, mode: int, gid: int = 0) -> Entry:
    """An archive entry that makes a directory, or gives one that exists its mode and group."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.gid = tarfile.DIRTYPE, mode, gid
    return info, b""


def plain_file(name: str, content: bytes, mode: int = DEFAULT_MODE, gid: int = 0) -> Entry:
    """An archive entry that makes a file."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.gid = len(content), mode, gid
    return info, content


def symlink(name: str, target: str) -> Entry:
    """An archive entry that makes a symbolic link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    return info, b""


def packed(entries: Iterable[Entry]) -> bytes:
    """The entries as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The plain files of a tar archive.

    Raises:
        DockerApiError: the engine gave something else.
    """
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
            for info in opened:
                file = opened.extractfile(info) if info.isfile() else None
                if file is not None:
                    found[info.name] = file.read()
    except (tarfile.TarError, ValueError) as error:
        raise DockerApiError(f"the container engine's archive cannot be read: {error}", status=200) from error
    return found
