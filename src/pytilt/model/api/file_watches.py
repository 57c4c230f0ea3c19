"""`FileWatch` as a Tiltfile or a client declares it: files, and which of them changed when."""

from typing import ClassVar

from pytilt.model.api.metadata import ApiObject, DisableSource, DisableStatus, IgnoreDef, LocalPath
from pytilt.model.base import Value

MOST_EVENTS = 20
"""So many events are kept, the newest ones; as in Tilt."""

STANDS_FOR = "v1alpha1:"
"""Begins the name of the watch of this machine that stands for an object of this kind."""


class FileWatchSpec(Value):
    """Which files."""

    watched_paths: tuple[LocalPath, ...] = ()
    """Files and folders; folders with all that is below them."""
    ignores: tuple[IgnoreDef, ...] = ()
    disable_source: DisableSource | None = None


class FileEvent(Value):
    """Files that changed at one moment."""

    time: str
    """RFC 3339."""
    seen_files: tuple[str, ...] = ()
    """Their paths."""


class FileEventsStatus(Value):
    """What changed so far."""

    monitor_start_time: str = ""
    """Since when they are watched, RFC 3339."""
    last_event_time: str = ""
    """When a file changed last, RFC 3339."""
    file_events: tuple[FileEvent, ...] = ()
    """Oldest first."""
    error: str = ""
    """Why they cannot be watched."""
    disable_status: DisableStatus | None = None


class ApiFileWatch(ApiObject):
    """Watched files. The spec is written by the declarer, the status by the session."""

    kind: ClassVar[str] = "FileWatch"

    spec: FileWatchSpec = FileWatchSpec()
    status: FileEventsStatus = FileEventsStatus()

    def problems(self) -> tuple[str, ...]:
        """Some path has to be watched."""
        if not self.spec.watched_paths:
            return ("spec.watchedPaths: Required value: cannot be an empty list",)
        return tuple(
            f'spec.watchedPaths[{index}]: Invalid value: "{path}": must be absolute'
            for index, path in enumerate(self.spec.watched_paths)
            if not path.startswith("/")
        )
