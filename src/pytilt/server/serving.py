"""The web server of a session, closed with it."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """Leaves signals to the session, which ends the server as it ends everything else."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _channel(**options: Any) -> asyncio.Protocol:  # noqa: ANN401 - uvicorn's, passed on
    """Speaks WebSocket with a page: what does that is imported when the first one opens its channel."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    return WebSocketsSansIOProtocol(**options)


async def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer requests without end; being cancelled closes all connections."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        lifespan="off",
        access_log=False,
        timeout_graceful_shutdown=0,
        ws=_channel,  # type: ignore[arg-type]  # uvicorn calls it with these options, and needs no class
        ws_per_message_deflate=False,  # most pages are on this machine, and to compress takes longer than to send
    )
    server = _Server(config)
    try:
        await server.serve(sockets=[listener])
    finally:
        # Cancelled, it would leave the loop listening on a socket that somebody else closes.
        if server.server_state.connections:
            await server.shutdown(sockets=[listener])
        for each in server.servers if server.started else ():  # `shutdown` takes 0.1 s, even if nobody is connected
            each.close()
