"""Git repositories that contain watched files: while git rewrites a work tree, its changes are held back."""

import os
import posixpath
from collections.abc import Callable
from pathlib import Path

from pytilt.host.reading import read_file

LOCK = "index.lock"
"""Git holds this file from before the first to after the last file of a checkout."""

STALE_SECONDS = 10.0
"""A lock without any change for so long was left behind by a git that crashed."""

_SEQUENCES = ("rebase-merge", "rebase-apply", "sequencer")
"""One of these folders is there while git applies commit after commit, each under a lock of its own."""


class Repository:
    """One repository, and the changes that wait for its lock to go."""

    def __init__(self, git_dir: str) -> None:
        self.git_dir = git_dir
        self.locked = False
        """Are its changes held?"""
        self.releasing = False
        """Is the lock gone, and only what is still being looked at waited for?"""
        self.locked_at = 0.0
        """When the first of the locks was seen that followed each other, by the clock of the loop."""
        self.active_at = 0.0
        """When it was locked or changed last, by the same clock."""
        self.held: set[tuple[str, str]] = set()
        """Keys and paths."""

    @property
    def lock(self) -> str:
        """The path of its lock."""
        return posixpath.join(self.git_dir, LOCK)

    @property
    def is_amid_commits(self) -> bool:
        """Does git apply several commits, so that another lock may follow? Also while it waits for somebody."""
        return any(os.path.lexists(posixpath.join(self.git_dir, name)) for name in _SEQUENCES)

    def take(self) -> set[tuple[str, str]]:
        """The changes that were held; none is from now on."""
        held, self.held = self.held, set()
        return held


def git_dir_of(directory: str) -> str | None:
    """Where the repository keeps its index whose work tree begins at a directory; None if none begins there."""
    entry = Path(directory, ".git")
    try:
        if entry.is_dir():
            return str(entry)
        text = os.fsdecode(read_file(str(entry))).strip()
    except OSError:
        return None
    if not text.startswith("gitdir:"):
        return None
    return posixpath.normpath(posixpath.join(directory, text.removeprefix("gitdir:").strip()))


def find_git_dir(path: str, *, look: Callable[[str], str | None] = git_dir_of) -> str | None:
    """The git directory of the innermost work tree that contains a path."""
    while True:
        found = look(path)
        if found or path == "/":
            return found
        path = posixpath.dirname(path)
