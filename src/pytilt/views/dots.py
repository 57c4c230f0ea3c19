"""The dot of a row: one word for how a resource is doing, from its two statuses."""

from enum import StrEnum

from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.status import RuntimeStatus, UpdateStatus
from pytilt.views.statuses import Statuses


class Dot(StrEnum):
    """What a dot says; in the order of how much it asks for attention."""

    ERROR = "error"
    """Red: an update failed, or what runs is broken."""
    UPDATING = "updating"
    """Yellow, turning: an update runs."""
    PENDING = "pending"
    """Yellow: an update waits, or what was deployed is not ready yet."""
    OK = "ok"
    """Green: the code on disk is what runs, and it is ready."""
    IDLE = "idle"
    """Grey: nothing was asked for yet, or a change waits for the person."""
    DISABLED = "disabled"
    """Grey: switched off."""


class Tone(StrEnum):
    """How a piece of text is meant; every front end has its own colours for it."""

    PLAIN = "plain"
    MUTED = "muted"
    STRONG = "strong"
    OK = "ok"
    BUSY = "busy"
    ERROR = "error"
    WARN = "warn"
    LINK = "link"
    ACCENT = "accent"


TONES = {
    Dot.ERROR: Tone.ERROR,
    Dot.UPDATING: Tone.BUSY,
    Dot.PENDING: Tone.BUSY,
    Dot.OK: Tone.OK,
    Dot.IDLE: Tone.MUTED,
    Dot.DISABLED: Tone.MUTED,
}


def resource_dot(resource: Resource, statuses: Statuses) -> Dot:
    """The dot of a resource; first rule that matches."""
    if not resource.enabled:
        return Dot.DISABLED
    if resource.status.current:
        return Dot.UPDATING
    if statuses.update is UpdateStatus.PENDING:
        return Dot.PENDING if resource.spec.trigger_mode.auto or resource.status.trigger is not None else Dot.IDLE
    if statuses.update == UpdateStatus.ERROR or statuses.runtime is RuntimeStatus.ERROR:
        return Dot.ERROR
    if statuses.runtime in (RuntimeStatus.PENDING, RuntimeStatus.UNKNOWN):
        return Dot.PENDING
    return Dot.OK if statuses.ready and statuses.up_to_date else Dot.IDLE


def tiltfile_dot(tiltfile: Tiltfile, statuses: Statuses) -> Dot:
    """The dot of the Tiltfile's row."""
    if tiltfile.status.current is not None:
        return Dot.UPDATING
    if statuses.update is UpdateStatus.PENDING:
        return Dot.PENDING
    return Dot.ERROR if statuses.update is UpdateStatus.ERROR else Dot.OK
