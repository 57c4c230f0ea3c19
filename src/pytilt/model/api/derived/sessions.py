"""`Session` and `UISession`: the whole session."""

from typing import ClassVar

from pytilt.model.api.derived.shared import DerivedObject, NoSpec
from pytilt.model.api.metadata import Duration
from pytilt.model.base import Value


class SessionCISpec(Value):
    """The limits of `tilt ci`."""

    k8s_grace_period: Duration = ""
    """How long a pod may be in error before that counts."""
    timeout: Duration = ""
    """How long all may take."""
    readiness_timeout: Duration = ""
    """How long a target may take to become ready."""


class SessionSpec(Value):
    """What the session is for."""

    tiltfile_path: str = ""
    """The Tiltfile."""
    exit_condition: str = ""
    """`manual` for `tilt up`, `ci` for `tilt ci`, which ends by itself."""
    ci: SessionCISpec | None = None
    """There in `tilt ci`."""


class TargetStateWaiting(Value):
    """It has not begun."""

    wait_reason: str = ""
    """For example `initial-build` or `waiting-for-pod`."""


class TargetStateActive(Value):
    """It runs."""

    start_time: str | None = None
    """RFC 3339."""
    ready: bool = False
    """Is it healthy?"""
    last_ready_time: str | None = None
    """Since when it is, RFC 3339."""


class TargetStateTerminated(Value):
    """It has ended."""

    start_time: str | None = None
    """RFC 3339."""
    finish_time: str | None = None
    """RFC 3339."""
    error: str = ""
    """Why it failed; empty for one that went well."""


class TargetStateDisabled(Value):
    """It is disabled."""


class TargetState(Value):
    """How far a target is; none of the four: it is not wanted yet."""

    waiting: TargetStateWaiting | None = None
    """It has not begun."""
    active: TargetStateActive | None = None
    """It runs."""
    terminated: TargetStateTerminated | None = None
    """It has ended."""
    disabled: TargetStateDisabled | None = None
    """It is disabled."""


class ApiTarget(Value):
    """Something that the session brings about."""

    name: str
    """For example `web:update` or `web:runtime`."""
    type: str
    """`job`: it ends; `server`: it goes on."""
    resources: tuple[str, ...] = ()
    """Whose it is."""
    state: TargetState = TargetState()
    """How far it is."""


class ApiSessionStatus(Value):
    """How far the session is."""

    pid: int = 0
    """Of the process."""
    start_time: str = ""
    """RFC 3339."""
    targets: tuple[ApiTarget, ...] = ()
    """All that it brings about, ordered by name."""
    done: bool = False
    """Is all done that it was for?"""
    error: str = ""
    """Why it failed."""


class ApiSession(DerivedObject):
    """The session; there is one, called `Tiltfile`."""

    kind: ClassVar[str] = "Session"

    spec: SessionSpec = SessionSpec()
    status: ApiSessionStatus = ApiSessionStatus()


class TiltBuild(Value):
    """A version of the program."""

    version: str = ""
    """That of the Tilt whose Tiltfiles run here."""
    date: str = ""
    """When it was built."""


class VersionSettings(Value):
    """What of versions is looked after."""

    check_updates: bool = False
    """Always false: nobody is asked for a newer version."""


class UISessionStatus(Value):
    """What a page of Tilt's asks for first."""

    running_tilt_build: TiltBuild = TiltBuild()
    """The version that runs."""
    tilt_start_time: str = ""
    """RFC 3339."""
    tiltfile_key: str = ""
    """The Tiltfile."""
    version_settings: VersionSettings = VersionSettings()
    """What of versions is looked after."""


class UISession(DerivedObject):
    """The session, as a page of Tilt's asks for it."""

    kind: ClassVar[str] = "UISession"

    spec: NoSpec = NoSpec()
    """Nothing."""
    status: UISessionStatus = UISessionStatus()
