"""WebSockets to the API server, whose messages begin with the number of a channel."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from pytilt.kubernetes import failures
from pytilt.kubernetes.api import CONNECT_SECONDS, KubernetesApi, Params
from pytilt.kubernetes.authentication import Identity
from pytilt.kubernetes.connection import Connection
from pytilt.kubernetes.failures import Failure
from pytilt.kubernetes.spdy_protocol import SpdyTimeouts
from pytilt.kubernetes.transport import socket_options

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MESSAGE_BYTES = 65536
"""The longest message that is sent: long ones would keep short ones of other channels waiting."""

_PING_SECONDS = 20.0
"""Often enough for anything on the way that cuts idle connections."""

_CLOSE_SECONDS = 0.5
"""How long the server may take to say goodbye."""


class WebSocket:
    """An open WebSocket."""

    def __init__(self, socket: "ClientConnection", connection: Connection) -> None:
        self._socket = socket
        self._connection = connection

    @property
    def protocol(self) -> str:
        """The one of the offered protocols that the server has chosen."""
        return self._socket.subprotocol or ""

    async def send(self, channel: int, data: bytes) -> None:
        """Send bytes, in several messages if need be.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        head = bytes((channel,))
        with _mapped(self._connection):
            for start in range(0, len(data), MESSAGE_BYTES):
                await self._socket.send(head + data[start : start + MESSAGE_BYTES])

    async def receive(self, timeouts: SpdyTimeouts | None = None) -> tuple[int, bytes]:
        """The next message that is not empty: its channel and its bytes.

        Args:
            timeouts: how long a silent connection is believed to be open; None: as long as the system believes it.

        Raises:
            EOFError: the connection was closed, properly or not.
            ClusterUnreachableError: the other side answers no ping.
        """
        while True:
            message = await self._next(timeouts)
            if len(message) > 1:
                return message[0], message[1:]

    async def _next(self, timeouts: SpdyTimeouts | None) -> bytes:
        from websockets.exceptions import ConnectionClosed

        try:
            while timeouts is not None:
                # Only who waits for a message reads what comes, and with it the answers to pings.
                with suppress(TimeoutError):
                    return await asyncio.wait_for(self._socket.recv(decode=False), timeouts.quiet)
                answered = cast("asyncio.Future[float]", await self._socket.ping())
                with suppress(TimeoutError):
                    return await asyncio.wait_for(self._socket.recv(decode=False), timeouts.answer)
                if not answered.done():
                    raise failures.unreachable(self._connection, "no answer to a ping")
            return await self._socket.recv(decode=False)
        except ConnectionClosed as error:
            raise EOFError from error


@asynccontextmanager
async def connect(
    api: KubernetesApi, path: str, params: Params, protocols: Sequence[str]
) -> AsyncIterator[WebSocket | Failure]:
    """Open a WebSocket for as long as the block lasts; a refusal is handed out instead.

    Args:
        api: the server.
        path: below the server's address.
        params: of the query.
        protocols: the subprotocols to offer, best first.

    Raises:
        ClusterUnreachableError: no answer, or the credentials are not accepted.
    """
    async with AsyncExitStack() as closing:
        identity = await api.identity()
        opened = await _open(api, identity, path, params, protocols)
        if isinstance(opened, Failure) and opened.code == 401:
            if await api.renew(identity):
                opened = await _open(api, await api.identity(), path, params, protocols)
            if isinstance(opened, Failure) and opened.code == 401:
                raise failures.unauthorized(api.connection, opened)
        if isinstance(opened, Failure):
            yield opened
            return
        await closing.enter_async_context(opened)
        yield WebSocket(opened, api.connection)


async def _open(
    api: KubernetesApi, identity: Identity, path: str, params: Params, protocols: Sequence[str]
) -> "ClientConnection | Failure":
    await asyncio.to_thread(_load)
    from websockets.asyncio.client import connect as open_socket
    from websockets.exceptions import InvalidStatus
    from websockets.typing import Subprotocol

    connection = api.connection
    secure = connection.server.startswith("https://")
    tls = {}
    if secure:
        tls["ssl"] = await api.tls(identity)
        if connection.tls_server_name:
            tls["server_hostname"] = connection.tls_server_name  # type: ignore[assignment] # two kinds of option
    with _mapped(connection):
        try:
            socket = await open_socket(
                f"{connection.server.replace('http', 'ws', 1)}{path}?{urlencode(params, errors='surrogateescape')}",
                subprotocols=[Subprotocol(name) for name in protocols],
                additional_headers=list(identity.headers),
                user_agent_header="tilt",
                compression=None,
                proxy=connection.proxy or None,
                open_timeout=CONNECT_SECONDS,
                close_timeout=_CLOSE_SECONDS,
                ping_interval=_PING_SECONDS,
                ping_timeout=None,  # a slow reader is no reason to close; the system notices a peer that vanished
                max_size=None,
                **tls,  # type: ignore[arg-type] # as above
            )
        except InvalidStatus as error:
            return failures.parse(error.response.status_code, bytes(error.response.body or b""))
    handle = socket.transport.get_extra_info("socket")
    with suppress(OSError):  # the server may have closed it again already
        for option in socket_options() if handle is not None else ():
            handle.setsockopt(*option)
    return socket


def _load() -> None:
    """Import the library in a thread, since that takes a tenth of a second."""
    import websockets.asyncio.client  # noqa: F401 - for its side effect


@contextmanager
def _mapped(connection: Connection) -> Iterator[None]:
    from websockets.exceptions import WebSocketException

    try:
        yield
    except (WebSocketException, OSError, TimeoutError) as error:
        raise failures.unreachable(connection, str(error) or type(error).__name__) from error
