"""Digests of the content of many files. A file that looks as it did when it was read last is not read again."""

import hashlib
import os
import stat
import time
from collections.abc import Iterator

from pytilt.host.files.contents import ABSENT, fingerprint
from pytilt.host.ignoring import Matcher, compile_ignores
from pytilt.host.records import Records
from pytilt.model.files import FileRule

RACY_NANOSECONDS = 2_000_000_000
"""A file that was changed so short a time before it was read can change again without another time (git's rule)."""

_Seen = tuple[int, int, int, int, int, bytes]
"""Mode, size, times of change of content and inode, inode, fingerprint."""

_KIND = "files"


class FileDigests:
    """Finds out whether files are what they were, by content.

    Args:
        records: keep what was read.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def of(self, rule: FileRule) -> str:
        """The digest of all files of a rule: their names, kinds, modes and content. Reads files and so blocks.

        Raises:
            OSError: a directory cannot be read.
        """
        name = "\n".join([*rule.paths, *(f"{each.base} {each.patterns}" for each in rule.ignores)])
        known = self._records.find(_KIND, name, dict[bytes, _Seen]) or {}
        seen: dict[bytes, _Seen] = {}
        ignored, whole, now = compile_ignores(rule.ignores), hashlib.sha256(), time.time_ns()
        for top in rule.paths:
            for path in _paths(top, ignored):
                raw = os.fsencode(path)  # names of files need not be text
                found = _look(path, known.get(raw))
                whole.update(raw + b"\0" + (found[-1] if found else ABSENT) + b"\n")
                if found and now - max(found[2], found[3]) > RACY_NANOSECONDS:
                    seen[raw] = found
        if seen != known:
            self._records.keep(_KIND, name, seen)
        return whole.hexdigest()


def _look(path: str, known: _Seen | None) -> _Seen | None:
    """What is at a path now; what looks as it did before is not read."""
    try:
        info = os.lstat(path)
    except OSError:
        return None
    looks = (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)
    if stat.S_ISDIR(info.st_mode):  # its times are those of its entries, which count by themselves
        return (*looks, f"{info.st_mode:o}".encode())
    return known if known is not None and known[:-1] == looks else (*looks, fingerprint(path))


def _paths(path: str, ignored: Matcher) -> Iterator[str]:
    """A path and everything below it that is not ignored, in a fixed order."""
    hidden = ignored.matches(path)
    if not hidden:
        yield path
    if not os.path.isdir(path) or os.path.islink(path) or (hidden and ignored.may_skip_dir(path)):  # noqa: PTH112, PTH114 - quick
        return
    with os.scandir(path) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _paths(entry.path, ignored)
        elif not ignored.matches(entry.path):
            yield entry.path
