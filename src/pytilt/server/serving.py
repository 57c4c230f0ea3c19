"""The web server of a session: bound before anything else starts, closed with the session."""

import contextlib
import errno
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from pytilt.errors import UserError
from pytilt.host.ports import holder_of


async def bind(host: str, port: int) -> socket.socket:
    """Take the port of the session.

    Raises:
        UserError: another process has it, which the message names where it can be known, or there is no such host.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        if problem.errno != errno.EADDRINUSE:
            reason = problem.strerror or str(problem)
            raise UserError(
                f"Tilt cannot listen on {host}:{port}: {reason}", hint="correct `--host` or TILT_HOST"
            ) from problem
        taken = await holder_of(port)
        raise UserError(
            f"Tilt cannot start because you already have another process on port {port}"
            + (f": {taken.name} (process {taken.pid})" if taken else ""),
            hint="if it is another session, give this one a port with `--port` or TILT_PORT",
        ) from problem
    listener.set_inheritable(False)
    listener.listen()  # who comes before the server is ready waits for it
    return listener


class _Server(uvicorn.Server):
    """Leaves signals to the session, which ends the server as it ends everything else."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer requests without end; being cancelled closes all connections."""
    config = uvicorn.Config(
        app, log_config=None, log_level="critical", lifespan="off", access_log=False, timeout_graceful_shutdown=0
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
