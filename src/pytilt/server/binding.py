"""The port of a session: taken before anything else starts. Who comes before there is a server waits for it."""

import asyncio
import errno
import socket

from pytilt.errors import UserError
from pytilt.host.ports import holder_of

OTHER_PORTS = 100
"""How many ports above a taken one are tried before the system chooses one."""


async def bind(host: str, port: int, *, others: bool = False) -> socket.socket:
    """Take the port of the session.

    Args:
        host: where to listen.
        port: the port that is wanted.
        others: take the next free one where it is taken?

    Raises:
        UserError: another process has it, which the message names where it can be known, or there is no such host.
    """
    above = range(port + 1, min(port + OTHER_PORTS, 65535) + 1)
    for each in (port, *above, 0) if others else (port,):
        try:
            return _listen(host, each)
        except OSError as problem:
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
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.set_inheritable(False)
        listener.listen()  # who comes before the server is ready waits for it
    except OSError:
        listener.close()
        raise
    return listener


async def first_client(listener: socket.socket) -> None:
    """Wait until somebody connects; the connection is left for the server."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listener.fileno(), came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(listener.fileno())
