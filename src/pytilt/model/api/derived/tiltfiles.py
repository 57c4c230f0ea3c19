"""`Tiltfile`, and the extensions that it uses."""

from typing import ClassVar

from pytilt.model.api.derived.shared import DerivedObject
from pytilt.model.api.metadata import RestartOnSpec
from pytilt.model.base import Value


class TiltfileSpec(Value):
    """What is evaluated, and when."""

    path: str = ""
    """The file."""
    args: tuple[str, ...] = ()
    """What `tilt up -- ARGS` or `tilt args` gave it."""
    restart_on: RestartOnSpec = RestartOnSpec()
    """What starts an evaluation again."""


class TiltfileStateWaiting(Value):
    """No evaluation has begun."""

    reason: str = ""
    """Why."""


class TiltfileStateRunning(Value):
    """An evaluation runs."""

    reasons: tuple[str, ...] = ()
    """Why it began."""
    started_at: str = ""
    """RFC 3339."""


class TiltfileStateTerminated(Value):
    """The last evaluation has ended."""

    reasons: tuple[str, ...] = ()
    """Why it began."""
    error: str = ""
    """Why it failed; empty for one that went well."""
    started_at: str = ""
    """RFC 3339."""
    finished_at: str = ""
    """RFC 3339."""
    warning_count: int = 0
    """How many warnings it gave."""


class ApiTiltfileStatus(Value):
    """How far its evaluation is; one of the three states is there."""

    waiting: TiltfileStateWaiting | None = None
    """No evaluation has begun."""
    running: TiltfileStateRunning | None = None
    """An evaluation runs."""
    terminated: TiltfileStateTerminated | None = None
    """The last one has ended."""


class ApiTiltfile(DerivedObject):
    """The Tiltfile, and how far its evaluation is."""

    kind: ClassVar[str] = "Tiltfile"

    spec: TiltfileSpec = TiltfileSpec()
    status: ApiTiltfileStatus = ApiTiltfileStatus()


class ExtensionSpec(Value):
    """Where an extension is, and how it is called."""

    repo_name: str = ""
    """The ExtensionRepo that has it."""
    repo_path: str = ""
    """Its folder in there."""
    args: tuple[str, ...] = ()
    """For its Tiltfile."""


class ExtensionStatus(Value):
    """What of it is on this machine."""

    path: str = ""
    """Of its Tiltfile."""
    error: str = ""
    """Why it cannot be used."""


class ApiExtension(DerivedObject):
    """An extension that the Tiltfile uses."""

    kind: ClassVar[str] = "Extension"

    spec: ExtensionSpec = ExtensionSpec()
    status: ExtensionStatus = ExtensionStatus()


class ExtensionRepoSpec(Value):
    """Where a repository of extensions is."""

    url: str = ""
    """`https://…`, or `file://` and a folder."""
    ref: str = ""
    """Branch, tag or commit."""
    load_host: str = ""
    """The host of `load('HOST://…')` that means this repository."""
    git_subpath: str = ""
    """The folder of the repository that has the extensions."""


class ExtensionRepoStatus(Value):
    """What of it is on this machine."""

    path: str = ""
    """Of the folder."""
    error: str = ""
    """Why it cannot be used."""


class ApiExtensionRepo(DerivedObject):
    """A repository of extensions."""

    kind: ClassVar[str] = "ExtensionRepo"

    spec: ExtensionRepoSpec = ExtensionRepoSpec()
    status: ExtensionRepoStatus = ExtensionRepoStatus()
