"""TCP ports of this machine: whether one is free, and who has it if not."""

import asyncio
import contextlib
import errno
import random
import socket
from collections.abc import Iterator, Sequence

from pytilt.model.base import Value

OWN_PORTS = range(20_000, 30_000)
"""Below the ports of outgoing connections on every system, and below the node ports of Kubernetes."""
TRIES = 100
"""If none of so many is free, the system chooses one."""


class PortHolder(Value):
    """A process that listens on a port."""

    pid: int
    name: str


def is_free(port: int, host: str = "localhost") -> bool:
    """Can a server listen on this port? An unknown host has no free ports."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    return all(_can_bind(family, address) for family, _, _, _, address in addresses)


def free_port(host: str = "localhost") -> int:
    """A port on which nothing listens at this moment.

    It is none of those that systems give to whoever asks for any, so that no connection has it before it is used.
    """
    for port in random.SystemRandom().sample(OWN_PORTS, TRIES):
        if is_free(port, host):
            return port
    with socket.create_server((host, 0)) as server:
        given: int = server.getsockname()[1]
    return given


async def holder_of(port: int) -> PortHolder | None:
    """The process that listens on a port, for hints in messages; None where the system does not say."""
    return await asyncio.to_thread(_find_holder, port)


def _can_bind(family: int, address: object) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is closing does not count
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)  # type: ignore[arg-type]  # as getaddrinfo made it
    except OSError as error:
        # a machine without IPv6 names ::1 for localhost all the same
        return error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    return True


def _find_holder(port: int) -> PortHolder | None:
    import psutil

    for pid in _listeners(port):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            return PortHolder(pid=pid, name=psutil.Process(pid).name())
    return None


def _listeners(port: int) -> Iterator[int]:
    """The processes that listen on a port, of those about which this one may know."""
    import psutil  # imported here: it takes 20 ms, and most ports are free

    def listens(status: str, address: Sequence[object]) -> bool:
        return status == psutil.CONN_LISTEN and address[1:2] == (port,)

    try:
        yield from (one.pid for one in psutil.net_connections("tcp") if one.pid and listens(one.status, one.laddr))
    except psutil.AccessDenied:  # macOS shows all processes to root alone
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(listens(one.status, one.laddr) for one in process.net_connections("tcp")):
                    yield process.pid
