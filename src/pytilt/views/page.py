"""What the web page is sent: rows, the session and its buttons, and lines of the log, as messages of one channel.

`scripts/page_types.py` writes these types in TypeScript into `web/src/wire.ts`; a test fails where the two differ.
"""

from pytilt.model.api.buttons import UIButtonSpec
from pytilt.model.base import Value
from pytilt.model.lines import Block
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import Session, Tiltfile
from pytilt.model.resources import Link
from pytilt.store.objects import Snapshot
from pytilt.views.buttons import shown_buttons
from pytilt.views.dots import Dot
from pytilt.views.rows import Row
from pytilt.views.summaries import Summary, summary
from pytilt.views.updates import Bar, Cell


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
    snapshots: bool = True
    """May snapshots be taken? The Tiltfile can switch them off."""


class ButtonView(Value):
    """A button that the Tiltfile or an extension has made."""

    name: str
    spec: UIButtonSpec


class PageRow(Value):
    """What a page knows of a resource before it asks for its details; the fields are those of `Row`."""

    name: ResourceName
    dot: Dot
    status: Cell
    update: Cell
    labels: tuple[str, ...] = ()
    started_at: str = ""
    since: str = ""
    restarts: int = 0
    endpoints: tuple[Link, ...] = ()
    mode: str = "auto"
    pod: str = ""
    recent: tuple[Bar, ...] = ()
    waits: str = ""
    error: str = ""
    crashed: bool = False
    warnings: tuple[str, ...] = ()
    enabled: bool = True
    dependencies: tuple[ResourceName, ...] = ()
    changes: int = 0
    """Grows with every change of the row, and of what is in its details."""


def page_row(row: Row, changes: int) -> PageRow:
    """The part of a row that pages are sent."""
    return PageRow(**{name: getattr(row, name) for name in _SHARED}, changes=changes)


_SHARED = tuple(name for name in PageRow.__struct_fields__ if name != "changes")


class RowsMessage(Value, tag="rows"):
    """Rows that changed, or that the page does not know yet. A `ViewMessage` follows the last of them."""

    rows: tuple[PageRow, ...]


class ViewMessage(Value, tag="view"):
    """What has changed beside the rows since the message before; the first one has everything."""

    session: SessionView
    order: tuple[ResourceName, ...] | None = None
    """Every row that there is, in the order of the display; none at all: as before."""
    buttons: tuple[ButtonView, ...] | None = None
    """All buttons; none at all: as before."""


class BlocksMessage(Value, tag="blocks"):
    """Lines of the log that a reader follows, in blocks."""

    id: int
    """Of the `FollowMessage` that asked for them."""
    blocks: tuple[Block, ...]
    skipped: bool = False
    """Were lines left out between these and the ones before, because the page holds no more than these?"""


class FollowMessage(Value, tag="follow"):
    """Asks for lines from a cursor on, and for new ones as they come. It takes the place of one with the same id."""

    id: int
    cursor: int
    resources: tuple[ResourceName, ...] = ()
    """None: all."""
    source: str = "all"
    """`build`, `runtime` or `all`."""
    at_least: Level | None = None
    since: str = ""
    """RFC 3339: only lines at or after it."""


class UnfollowMessage(Value, tag="unfollow"):
    """Asks for no more lines."""

    id: int


ServerMessage = RowsMessage | ViewMessage | BlocksMessage
ClientMessage = FollowMessage | UnfollowMessage


class Page:
    """The messages that bring one page from state to state, rows aside."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._order: tuple[ResourceName, ...] | None = None
        self._buttons: tuple[ButtonView, ...] | None = None
        self._session: SessionView | None = None

    def update(self, state: Snapshot, found: tuple[Row, ...], *, changed: bool = False) -> ViewMessage | None:
        """What the page does not know yet; None when it knows everything.

        Args:
            state: the objects of the session.
            found: its rows.
            changed: was the page sent rows of this state?
        """
        order = tuple(row.name for row in found)
        session = _session(self._version, state, found)
        buttons = _buttons(state)
        if not changed and (order, session, buttons) == (self._order, self._session, self._buttons):
            return None
        message = ViewMessage(
            session=session,
            order=None if order == self._order else order,
            buttons=None if buttons == self._buttons else buttons,
        )
        self._order, self._session, self._buttons = order, session, buttons
        return message


def _session(version: str, state: Snapshot, found: tuple[Row, ...]) -> SessionView:
    session, tiltfile = next(iter(state.all(Session)), None), state.get(Tiltfile, TILTFILE)
    declaration = tiltfile.status.declaration if tiltfile else None
    return SessionView(
        version=version,
        started_at=session.created_at if session else "",
        tiltfile_path=session.tiltfile_path if session else "",
        summary=summary(state, found),
        done=session.status.done if session else False,
        error=session.status.error if session else "",
        snapshots=declaration is None or declaration.snapshots,
    )


def _buttons(state: Snapshot) -> tuple[ButtonView, ...]:
    return tuple(ButtonView(name=each.name, spec=each.spec) for each in shown_buttons(state))
