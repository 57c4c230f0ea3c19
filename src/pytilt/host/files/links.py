"""Symbolic links that are followed: what they lead to, and which are not, because they lead nowhere or back."""

import os
import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from pytilt.host.ignoring import Matcher

MOST_LINKS = 10_000
"""So many links below one directory are followed; the others stay links."""

_MOST_STEPS = 40
"""Links on the way to one file, as Linux counts them."""


class FollowedLink(NamedTuple):
    """A link whose content is wanted in its place."""

    path: str
    target: str
    """The real path of what it leads to; where nothing is, what it would lead to."""
    passed: frozenset[str] = frozenset()
    """Links on the way: itself not, and each as the one before it writes it."""


def leads_to(path: str, root: str) -> str | None:
    """The real path of what a link leads to, if it is to be followed.

    Args:
        path: absolute, of a link.
        root: the directory from which it was found, above it or itself.

    Returns:
        None where nothing is, and for a link to a directory that the link itself is in: that has no end.
    """
    try:
        real = os.path.realpath(path, strict=True)
    except OSError:
        return None
    if os.path.isdir(real):  # noqa: PTH112 - quick
        inside = f"{real.rstrip('/')}/"
        above = posixpath.dirname(path)
        while len(above) >= len(root):
            found = os.path.realpath(above)
            if found == real or found.startswith(inside):
                return None
            if above == "/":
                break
            above = posixpath.dirname(above)
    return real


class LinkedEntry(NamedTuple):
    """Something below a directory, as it looks through links."""

    path: str
    link: FollowedLink | None = None
    """It is one that is followed."""
    linked: bool = False
    """It is a link that is followed, or was found through one."""


def walk(root: str, ignored: Matcher) -> Iterator[LinkedEntry]:
    """Everything below a directory as it looks through its links.

    What leads nowhere is a link too, so that it is known what to wait for; one that leads back is none.

    Args:
        root: the directory, or a link to one or to a file; then that is the first entry.
        ignored: what does not matter.
    """
    top = _followed(root) if os.path.islink(root) else None  # noqa: PTH114 - quick
    if top is not None:
        yield LinkedEntry(root, top, linked=True)
    count = 0
    waiting = [(root, top is not None)]
    while waiting:
        directory, linked = waiting.pop()
        for name, is_link, is_directory in _entries(directory):
            path = f"{directory.rstrip('/')}/{name}"
            link = None
            if is_link and count < MOST_LINKS and not ignored.matches(path):
                count += 1
                target = leads_to(path, root)
                is_directory = target is not None and os.path.isdir(target)  # noqa: PTH112, PLW2901 - quick
                if target is not None or not os.path.exists(path):  # noqa: PTH110 - quick
                    link = _followed(path)
            if is_directory and not ignored.may_skip_dir(path):
                waiting.append((path, linked or link is not None))
            if not ignored.matches(path):
                yield LinkedEntry(path, link, linked=linked or link is not None)


def _entries(directory: str) -> list[tuple[str, bool, bool]]:
    """The names in a directory: is each a link, is it a directory?"""
    try:
        with os.scandir(directory) as entries:
            return sorted((each.name, each.is_symlink(), each.is_dir(follow_symlinks=False)) for each in entries)
    except OSError:
        return []


def _followed(path: str) -> FollowedLink:
    """Resolve a link part by part, and note every other link on the way."""
    passed: set[str] = set()
    first, *parts = _parts(os.readlink(path))  # noqa: PTH115 - as it is written
    at = "/" if first == "/" else os.path.realpath(posixpath.dirname(path))
    waiting = parts if first == "/" else [first, *parts]
    steps = 0
    while waiting:
        part = waiting.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            at = posixpath.dirname(at)
            continue
        here = posixpath.join(at, part)
        if steps < _MOST_STEPS and os.path.islink(here):  # noqa: PTH114 - quick
            steps += 1
            passed.add(here)
            first, *parts = _parts(os.readlink(here))  # noqa: PTH115 - as it is written
            at, waiting = ("/", [*parts, *waiting]) if first == "/" else (at, [first, *parts, *waiting])
        else:
            at = here
    return FollowedLink(path, at, frozenset(passed - {path}))


def _parts(text: str) -> list[str]:
    return ["/", *text.strip("/").split("/")] if text.startswith("/") else text.split("/")
