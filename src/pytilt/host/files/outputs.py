"""The files into which this program prints, also through others that read what it prints (`tilt up | tee up.log`)."""

import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

_PRINTED = (1, 2)
_LONGEST_PATH = 1024
"""Of macOS, in bytes."""


def own_outputs() -> tuple[str, ...]:
    """The paths of the files that standard output and standard error are, or that are written from a pipe which is one.

    Of programs behind a pipe those of the same shell pipeline are known, and only on Linux: elsewhere nobody says who
    reads a pipe.
    """
    files = [path for each in _PRINTED if (path := _path(each))]
    pipes = {pipe for each in _PRINTED if (pipe := _pipe(each))}
    return tuple(dict.fromkeys((*files, *(_written_from(pipes) if pipes else ()))))


def _path(descriptor: int) -> str:
    """The path of an open file; empty where it is none, or has no name any more."""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return ""
        if sys.platform == "darwin":
            path = os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(_LONGEST_PATH)).rstrip(b"\0"))
        else:
            path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        return path if os.path.samestat(Path(path).stat(), found) else ""
    except OSError:
        return ""


def _pipe(descriptor: int) -> str:
    """The name of a pipe in `/proc`; empty where it is none."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return ""
    return f"pipe:[{found.st_ino}]" if stat.S_ISFIFO(found.st_mode) else ""


def _written_from(pipes: set[str]) -> list[str]:
    """The files that programs of the pipeline write which read one of these pipes, or what such a program writes."""
    others = [set(_open_files(process)) for process in _pipeline()]
    files: list[str] = []
    while readers := [each for each in others if any((pipe, os.O_RDONLY) in each for pipe in pipes)]:
        others = [each for each in others if each not in readers]
        written = [path for each in readers for path, access in each if access != os.O_RDONLY]
        pipes = {path for path in written if path.startswith("pipe:")}
        files += [path for path in written if Path(path).is_file()]
    return files


def _pipeline() -> Iterator[Path]:
    """The other processes that a shell has started together with this one: they are of one process group."""
    for process in Path("/proc").glob("[0-9]*"):
        number = int(process.name)
        try:
            if number != os.getpid() and os.getpgid(number) == os.getpgrp():
                yield process
        except OSError:
            continue


def _open_files(process: Path) -> Iterator[tuple[str, int]]:
    """What a process has open, and how: O_RDONLY, O_WRONLY or O_RDWR."""
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        try:
            flags = (process / "fdinfo" / descriptor.name).read_text().partition("flags:")[2].split()[0]
            yield str(descriptor.readlink()), int(flags, 8) & os.O_ACCMODE
        except OSError:
            continue
