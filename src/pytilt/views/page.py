"""What the web page is sent: the session, its rows and its buttons, and lines of the log, as messages of one channel.

`scripts/page_types.py` writes these types in TypeScript into `web/src/wire.ts`; a test fails where the two differ.
"""

from pytilt.model.api.buttons import UIButton, UIButtonSpec
from pytilt.model.base import Value
from pytilt.model.lines import Line
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName
from pytilt.model.objects import Session
from pytilt.store.objects import Snapshot
from pytilt.views.rows import Row
from pytilt.views.summaries import Summary, summary


class SessionView(Value):
    """The session: what every part of the page shows."""

    version: str
    """Of the program."""
    started_at: str
    """RFC 3339: which session this is, as two never start in the same microsecond."""
    tiltfile_path: str
    summary: Summary
    done: bool = False
    error: str = ""


class ButtonView(Value):
    """A button that the Tiltfile or an extension has made."""

    name: str
    spec: UIButtonSpec


class ViewMessage(Value, tag="view"):
    """What has changed since the message before; the first one has everything."""

    session: SessionView
    order: tuple[ResourceName, ...]
    """Every row that there is, in the order of the display."""
    rows: tuple[Row, ...] = ()
    """Those that changed."""
    buttons: tuple[ButtonView, ...] | None = None
    """All buttons; none at all: they have not changed."""


class LinesMessage(Value, tag="lines"):
    """Lines of the log that a reader follows."""

    id: int
    """Of the `FollowMessage` that asked for them."""
    lines: tuple[Line, ...]


class FollowMessage(Value, tag="follow"):
    """Asks for lines from a cursor on, and for new ones as they come. It takes the place of one with the same id."""

    id: int
    cursor: int
    resources: tuple[ResourceName, ...] = ()
    """None: all."""
    source: str = "all"
    """`build`, `runtime` or `all`."""
    at_least: Level | None = None


class UnfollowMessage(Value, tag="unfollow"):
    """Asks for no more lines."""

    id: int


ServerMessage = ViewMessage | LinesMessage
ClientMessage = FollowMessage | UnfollowMessage


class Page:
    """The messages that bring one page from state to state."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._rows: dict[ResourceName, Row] = {}
        self._order: tuple[ResourceName, ...] = ()
        self._buttons: tuple[ButtonView, ...] | None = None
        self._session: SessionView | None = None

    def update(self, state: Snapshot, found: tuple[Row, ...]) -> ViewMessage | None:
        """What the page does not know yet; None when it knows everything.

        Args:
            state: the objects of the session.
            found: its rows.
        """
        changed = tuple(row for row in found if _differs(self._rows.get(row.name), row))
        order = tuple(row.name for row in found)
        session = _session(self._version, state, found)
        buttons = _buttons(state)
        if not changed and (order, session, buttons) == (self._order, self._session, self._buttons):
            return None
        message = ViewMessage(
            session=session,
            order=order,
            rows=changed,
            buttons=None if buttons == self._buttons else buttons,
        )
        self._rows = {row.name: row for row in found}
        self._order, self._session, self._buttons = order, session, buttons
        return message


def _differs(before: Row | None, row: Row) -> bool:
    return before is not row and before != row  # to compare two rows field by field takes longer than to draw one


def _session(version: str, state: Snapshot, found: tuple[Row, ...]) -> SessionView:
    session = next(iter(state.all(Session)), None)
    return SessionView(
        version=version,
        started_at=session.created_at if session else "",
        tiltfile_path=session.tiltfile_path if session else "",
        summary=summary(state, found),
        done=session.status.done if session else False,
        error=session.status.error if session else "",
    )


def _buttons(state: Snapshot) -> tuple[ButtonView, ...]:
    return tuple(ButtonView(name=each.name, spec=each.spec) for each in state.all(UIButton))
