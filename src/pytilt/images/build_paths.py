"""Paths of containers and of build contexts. Pure."""

import posixpath


def covers(directory: str, path: str) -> bool:
    """Is a path at or below a directory? Both absolute or both relative; the empty one covers all."""
    prefix = directory.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/") or not prefix


def overlap(one: str, other: str) -> bool:
    """Is either path at or below the other?"""
    return covers(one, other) or covers(other, one)


def joined(directory: str, path: str) -> str:
    """A path as seen from a directory, without detours; never above the root."""
    found = posixpath.normpath(posixpath.join("/", directory, path))
    return f"/{found.lstrip('/')}"
