"""Alerts: what asks for attention now, the same for the command `tilt alerts` and whoever reads the API."""

from enum import StrEnum

from pytilt.model.base import Value
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import ClusterState, Session
from pytilt.store.objects import Snapshot
from pytilt.views.dots import Dot
from pytilt.views.rows import Row, rows


class AlertKind(StrEnum):
    """What went wrong."""

    CLUSTER = "cluster"
    """The cluster does not answer."""
    SESSION = "session"
    TILTFILE = "tiltfile"
    UPDATE = "update"
    """An update failed; what ran before goes on."""
    RUNTIME = "runtime"
    """What runs is broken: a crash, a pod that does not come up, a port forward."""
    RESTARTS = "restarts"
    """It runs, but was started again."""
    WARNING = "warning"


class Alert(Value):
    """One thing that asks for attention."""

    kind: AlertKind
    resource: ResourceName
    """Empty for the session itself."""
    message: str
    """As many lines as there are."""
    error: bool
    """Is it broken? Else it is a warning."""
    since: str = ""
    """RFC 3339: when it was deployed or ran last, as far as that is known."""


def alerts(state: Snapshot) -> tuple[Alert, ...]:
    """Everything that asks for attention: errors first, each in the order of the display.

    Args:
        state: the objects of the session.
    """
    found = [*_of_session(state)]
    for row in rows(state):
        found += _of(row)
    return tuple(sorted(found, key=lambda alert: not alert.error))


def _of_session(state: Snapshot) -> list[Alert]:
    found = []
    cluster = state.get(ClusterState, "default")
    if cluster and cluster.error:
        found.append(Alert(kind=AlertKind.CLUSTER, resource=ResourceName(""), message=cluster.error, error=True))
    found += (
        Alert(kind=AlertKind.SESSION, resource=ResourceName(""), message=session.status.error, error=True)
        for session in state.all(Session)
        if session.status.error
    )
    return found


def _of(row: Row) -> list[Alert]:
    found = []
    if row.dot is Dot.ERROR:
        own = AlertKind.RUNTIME if row.crashed or row.status.text == FORWARD else AlertKind.UPDATE
        kind = AlertKind.TILTFILE if row.name == TILTFILE else own
        message = row.error or row.status.text
        found.append(Alert(kind=kind, resource=row.name, message=message, error=True, since=row.since))
    elif row.restarts:
        message = f"its pod was restarted {row.restarts} time{'s' * (row.restarts != 1)}"
        found.append(Alert(kind=AlertKind.RESTARTS, resource=row.name, message=message, error=False, since=row.since))
    found += (
        Alert(kind=AlertKind.WARNING, resource=row.name, message=text, error=False, since=row.since)
        for text in row.warnings
    )
    return found


FORWARD = "forward broken"
"""What a row says whose port forward leads nowhere."""
