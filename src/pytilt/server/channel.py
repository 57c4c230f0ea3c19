"""The channel of a page: one WebSocket with everything that it shows, as it changes, and the lines that it follows.

One connection instead of a request for each part: a browser opens six requests to a host at most, over all of its tabs.
"""

import asyncio
import time
from collections.abc import Callable

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from pytilt import __version__
from pytilt.model.api.buttons import UIButton
from pytilt.model.lines import Selection
from pytilt.model.live_updates import LiveUpdateState
from pytilt.model.objects import ClusterState, FileWatch, PortForward, Resource, Runtime, Session, Tiltfile
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.views.page import ClientMessage, FollowMessage, LinesMessage, Page, ServerMessage, UnfollowMessage
from pytilt.views.rows import Rows

SOURCES = (Session, Tiltfile, Resource, Runtime, FileWatch, PortForward, ClusterState, LiveUpdateState, UIButton)
"""What a page is made of."""

FRAME_SECONDS = 1 / 60
"""A screen shows no more pictures in a second than 60: changes that come faster are sent together."""

TURN_SECONDS = 0.004
"""So long a page may keep the session from other work."""

MALFORMED = 1007
"""The code of RFC 6455 for a message that cannot be read."""

Encode = Callable[[object], bytes]
Report = Callable[[BaseException], None]


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
        self._rows = Rows()

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
        page = Page(__version__)
        async for _ in self._store.watch(*SOURCES):
            await self._prepare()
            state = self._store.snapshot()
            message = page.update(state, self._rows.of(state))
            if message is not None:
                await self._send(socket, message)
                await asyncio.sleep(FRAME_SECONDS)

    async def _prepare(self) -> None:
        """Make the rows without holding up the session: those of 500 resources take longer than a save may."""
        began = time.perf_counter()
        for _ in self._rows.prepare(self._store.snapshot()):
            if time.perf_counter() - began > TURN_SECONDS:
                await asyncio.sleep(0)
                began = time.perf_counter()

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
        selection = Selection(resources=frozenset(wanted.resources), source=wanted.source, at_least=wanted.at_least)
        async for lines in self._logs.follow(max(0, wanted.cursor), selection):
            await self._send(socket, LinesMessage(id=wanted.id, lines=tuple(lines)))

    async def _send(self, socket: WebSocket, message: ServerMessage) -> None:
        await socket.send_text(self._encode(message).decode())


async def _message(socket: WebSocket) -> FollowMessage | UnfollowMessage | None:
    """What the page says next; a page that cannot be understood is let go."""
    text = await socket.receive_text()
    try:
        return msgspec.json.decode(text, type=ClientMessage)
    except msgspec.DecodeError as problem:
        await socket.close(MALFORMED, str(problem)[:100])
        return None
