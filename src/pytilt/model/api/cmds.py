"""`Cmd`: a command on this machine, run at once or when a button is clicked, and again when files change."""

from typing import ClassVar

from pytilt.model.api.metadata import ApiObject, DisableSource, DisableStatus, LocalPath, RestartOnSpec, StartOnSpec
from pytilt.model.base import Value
from pytilt.model.commands import Probe

LOCAL_RESOURCE = "local_resource"
"""Manages the Cmd of an update of a local resource; served processes are managed so, too."""

OWNER_KIND = "tilt.dev/owner-kind"
"""The annotation of the Cmd of a served process; Tilt's."""


class CmdSpec(Value):
    """What runs, and when."""

    args: tuple[str, ...] = ()
    """Its words; the first one is a program, not a shell script."""
    dir: LocalPath = ""
    """Where it runs; empty: in the folder of the Tiltfile."""
    env: tuple[str, ...] = ()
    """`NAME=value`, added to the session's environment."""
    readiness_probe: Probe | None = None
    restart_on: RestartOnSpec | None = None
    start_on: StartOnSpec | None = None
    disable_source: DisableSource | None = None


class CmdStateWaiting(Value):
    """It does not run yet."""

    reason: str = ""
    """Why."""


class CmdStateRunning(Value):
    """It runs."""

    pid: int
    """Of the process."""
    started_at: str = ""
    """RFC 3339."""


class CmdStateTerminated(Value):
    """It has ended."""

    pid: int
    """Of the process."""
    exit_code: int
    """0: it went well."""
    started_at: str = ""
    """RFC 3339."""
    finished_at: str = ""
    """RFC 3339."""
    reason: str = ""
    """Why it did not."""


class CmdStatus(Value):
    """How it is doing; at most one of the three states is there."""

    waiting: CmdStateWaiting | None = None
    running: CmdStateRunning | None = None
    terminated: CmdStateTerminated | None = None
    ready: bool = False
    """Does its probe say so? Without one: does it run?"""
    disable_status: DisableStatus | None = None


class Cmd(ApiObject):
    """A command. Its spec is written by its declarer, its status by the session, or by whom it is left to."""

    kind: ClassVar[str] = "Cmd"

    spec: CmdSpec = CmdSpec()
    status: CmdStatus = CmdStatus()
