"""Watched files: one watcher for all of a session's file rules, on the kernel's events, without polling.

`FileWatcher` is the watcher of this system: inotify itself on Linux, `watchfiles` elsewhere. Not here: what a change
means. A change of a known file is emitted as soon as the kernel reports it, and what comes meanwhile is merged; one
that appears or vanishes is emitted when it is clear that it stays so (see `gathering`).

Symbolic links below a watched path are files of their own: their replacement is emitted, and not followed, unless
the rule asks for it (see `following`). A watched path that is itself a link to a directory is followed.
"""

import sys

from pytilt.host.files.contents import ABSENT, is_small
from pytilt.host.files.contract import Changes, Watcher

if sys.platform == "linux":
    from pytilt.host.files.linux import InotifyWatcher as FileWatcher
else:
    from pytilt.host.files.portable import PortableWatcher as FileWatcher

__all__ = ["ABSENT", "Changes", "FileWatcher", "Watcher", "is_small"]
