"""The channel of a page: one WebSocket with everything that it shows, as it changes, and the lines that it follows.

One connection instead of a request for each part: a browser opens six requests to a host at most, over all of its tabs.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from pytilt import __version__
from pytilt.cluster.redaction import Redactor
from pytilt.model.api.buttons import UIButton
from pytilt.model.base import Value
from pytilt.model.cluster_events import ResourceEvents
from pytilt.model.lines import Selection
from pytilt.model.live_updates import LiveUpdateState
from pytilt.model.names import ResourceName
from pytilt.model.objects import ClusterState, FileWatch, PortForward, Resource, Runtime, Session, Tiltfile
from pytilt.store.logs import LogStore
from pytilt.store.objects import Snapshot, Store
from pytilt.views.page import BlocksMessage, ClientMessage, FollowMessage, Page, UnfollowMessage, page_row
from pytilt.views.rows import Row, Rows

SOURCES = (
    Session,
    Tiltfile,
    Resource,
    Runtime,
    ResourceEvents,
    FileWatch,
    PortForward,
    ClusterState,
    LiveUpdateState,
    UIButton,
)
"""What a page is made of."""

FRAME_SECONDS = 1 / 60
"""A screen shows no more pictures in a second than 60: changes that come faster are sent together."""

TURN_SECONDS = 0.004
"""So long a page may keep the session from other work."""

ROWS_AT_ONCE = 60
"""So many rows fill a screen."""

MOST_BEHIND = 20_000
"""Lines that a page holds at most: one that was away for longer needs none before them."""

MALFORMED = 1007
"""The code of RFC 6455 for a message that cannot be read."""

Encode = Callable[[object], bytes]
Report = Callable[[BaseException], None]


class EncodedRow(Value):
    """A row, and what pages are sent of it."""

    row: Row
    changes: int
    """Grows over all rows: pages remember it, to know which rows are news."""
    secrets: int
    """So many secrets were known when it was encoded."""
    encoded: bytes


class EncodedRows:
    """The rows of a session as its pages get them; each is encoded once, however many pages there are.

    Args:
        encode: makes the JSON of a value without what is secret.
        redactor: knows the secrets.
    """

    def __init__(self, encode: Encode, redactor: Redactor) -> None:
        self._encode = encode
        self._redactor = redactor
        self._rows = Rows()
        self._kept: dict[ResourceName, EncodedRow] = {}
        self._changes = 0

    def each(self, state: Snapshot) -> Iterator[EncodedRow]:
        """The rows of a state one by one, in the order of the display."""
        for row in self._rows.each(state):
            kept, secrets = self._kept.get(row.name), self._redactor.count
            # To compare two rows field by field takes longer than to draw one.
            same = kept is not None and (kept.row is row or kept.row == row)
            if kept is None or not same or kept.secrets != secrets:
                self._changes += 1
                encoded = self._encode(page_row(row, self._changes))
                kept = EncodedRow(row=row, changes=self._changes, secrets=secrets, encoded=encoded)
                self._kept[row.name] = kept
            yield kept


class Channels:
    """The pages of a session, which share the rows that were made for one of them.

    Args:
        store: the session's objects.
        logs: the session's log.
        encode: makes the JSON of a value without what is secret.
        report: takes what is a bug of the program.
    """

    def __init__(self, store: Store, logs: LogStore, encode: Encode, report: Report) -> None:
        self._store = store
        self._logs = logs
        self._encode = encode
        self._report = report
        self._rows = EncodedRows(encode, logs.redactor)

    async def serve(self, socket: WebSocket) -> None:
        """Send what there is to send until the page goes away."""
        await socket.accept()
        try:
            async with asyncio.TaskGroup() as group:
                view = group.create_task(self._send_view(socket), name="page: view")
                await self._receive(socket, group)
                view.cancel()
        except* WebSocketDisconnect:
            pass
        except* Exception as problems:  # noqa: BLE001 - it belongs into the log, and the page connects again
            self._report(problems)

    async def _send_view(self, socket: WebSocket) -> None:
        page, known = Page(__version__), dict[ResourceName, int]()
        async for _ in self._store.watch(*SOURCES):
            state = self._store.snapshot()
            found, changed = await self._send_rows(socket, state, known)
            message = page.update(state, found, changed=changed)
            if message is not None:
                await socket.send_text(self._encode(message).decode())
                await asyncio.sleep(FRAME_SECONDS)

    async def _send_rows(
        self, socket: WebSocket, state: Snapshot, known: dict[ResourceName, int]
    ) -> tuple[tuple[Row, ...], bool]:
        """Send the rows that a page does not know, some at a time, so that it draws the first before the last are made.

        Returns:
            Every row, and whether some were sent.
        """
        found: list[Row] = []
        news: list[bytes] = []
        sent, began = False, time.perf_counter()
        for each in self._rows.each(state):
            found.append(each.row)
            if known.get(each.row.name) != each.changes:
                known[each.row.name] = each.changes
                news.append(each.encoded)
            if len(news) == ROWS_AT_ONCE:
                await socket.send_text(_rows_message(news))
                news, sent = [], True
            if time.perf_counter() - began > TURN_SECONDS:
                await asyncio.sleep(0)
                began = time.perf_counter()
        if news:
            await socket.send_text(_rows_message(news))
        return tuple(found), sent or bool(news)

    async def _receive(self, socket: WebSocket, group: asyncio.TaskGroup) -> None:
        """Do what the page asks for; ends when it goes away."""
        followed: dict[int, asyncio.Task[None]] = {}
        try:
            while True:
                message = await _message(socket)
                if message is None:
                    return
                task = followed.pop(message.id, None)
                if task is not None:
                    task.cancel()
                if isinstance(message, FollowMessage):
                    name = f"page: log {message.id}"
                    followed[message.id] = group.create_task(self._follow(socket, message), name=name)
        except WebSocketDisconnect:
            return
        finally:
            for task in followed.values():
                task.cancel()

    async def _follow(self, socket: WebSocket, wanted: FollowMessage) -> None:
        selection = Selection(
            resources=frozenset(wanted.resources),
            source=wanted.source,
            at_least=wanted.at_least,
            since=wanted.since,
        )
        cursor, skipped = max(0, wanted.cursor), False
        if len(self._logs) - cursor > MOST_BEHIND:
            first = await self._logs.find_tail(MOST_BEHIND, selection)
            cursor, skipped = max(cursor, first), first > cursor
        async for blocks in self._logs.follow_blocks(cursor, selection):
            found = tuple(block.since(cursor) for block in blocks)
            message, skipped = BlocksMessage(id=wanted.id, blocks=found, skipped=skipped), False
            # Secrets were taken out when the lines came.
            await socket.send_text(msgspec.json.encode(message).decode())


def _rows_message(rows: Sequence[bytes]) -> str:
    """The JSON of a `RowsMessage` whose rows are encoded already."""
    return (b'{"type":"rows","rows":[' + b",".join(rows) + b"]}").decode()


async def _message(socket: WebSocket) -> FollowMessage | UnfollowMessage | None:
    """What the page says next; a page that cannot be understood is let go."""
    text = await socket.receive_text()
    try:
        return msgspec.json.decode(text, type=ClientMessage)
    except msgspec.DecodeError as problem:
        await socket.close(MALFORMED, str(problem)[:100])
        return None
