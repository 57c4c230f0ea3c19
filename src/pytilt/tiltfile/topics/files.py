"""The functions that read files and directories."""

import os
import posixpath
from pathlib import Path

from pytilt.dialect import Builtin, builtin, type_name
from pytilt.errors import UserError
from pytilt.tiltfile.arguments.conversions import Flag, LocalPath, Text
from pytilt.tiltfile.arguments.values import Blob, GitRepo, placed
from pytilt.tiltfile.running.dead_patterns import warn_of_path
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.script import Script, UnreadableError


class FilesBuiltins:
    """`read_file`, `watch_file`, `listdir`, `blob`, `local_git_repo`."""

    def __init__(self, script: Script) -> None:
        self._script = script

    @function("read_file")
    def read_file(self, paths: LocalPath, default: object = None) -> Blob:
        """The text of a file."""
        if default is not None and not isinstance(default, str):
            raise UserError(f'read_file: for parameter "default": expected string or None, got {type_name(default)}')
        try:
            text = self._script.read(paths)
        except UnreadableError as error:
            if default is None or not error.missing:
                raise
            text = default
        return Blob(text, f"file: {paths}")

    @function("watch_file")
    def watch_file(self, paths: LocalPath) -> None:
        """Evaluate the Tiltfile again when a file, or anything below a directory, changes."""
        warn_of_path(self._script, "watch_file", paths, "watch_file('{}')")
        self._script.watch(paths, recursive=True)

    @function("listdir")
    def listdir(self, dir: LocalPath, recursive: Flag = False) -> list[str]:  # noqa: A002 - the Tiltfile's signature
        """The absolute paths of the files in a directory."""
        if recursive:
            self._script.watch(dir, recursive=True)
        return _files_in(dir, recursive=recursive)

    @function("blob")
    def blob(self, input: Text) -> Blob:  # noqa: A002 - the Tiltfile's signature
        """A text that can take the place of a file's."""
        return Blob(input, "Tiltfile blob() call")

    @function("local_git_repo")
    def local_git_repo(self, paths: Text) -> GitRepo:
        """A repository whose files can be named by paths in it."""
        root = placed(paths, self._script.directory)
        if not Path(root).exists():
            raise UserError(f"Reading paths {root}: stat {root}: no such file or directory")
        if not Path(root, ".git").exists():
            raise UserError(f"{root} isn't a valid git repo: it doesn't have a .git/ directory")
        return GitRepo(root, _paths_in(root))


def _files_in(directory: str, *, recursive: bool) -> list[str]:
    """Sorted as Go walks: each directory's entries by name."""
    found: list[str] = []
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return []
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            found.append(entry.path)
        elif recursive:
            found += _files_in(entry.path, recursive=True)
    return found


def _paths_in(root: str) -> Builtin:
    @builtin("paths")
    def paths(path: object) -> str:
        if not isinstance(path, str):
            raise UserError(f"paths: for parameter path: got {type_name(path)}, want string")
        return posixpath.normpath(f"{root}/{path}")

    return paths
