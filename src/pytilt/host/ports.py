"""TCP ports of this machine: whether one is free, and who has it if not."""

import asyncio
import contextlib
import errno
import socket
from pathlib import Path

from pytilt.model.base import Value

_LISTEN = "0A"
"""The state of a listening socket in `/proc/net/tcp`, as in the kernel's `tcp_states.h`."""


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
    """A port on which nothing listens at this moment."""
    while True:
        with socket.create_server((host, 0)) as server:
            port: int = server.getsockname()[1]
        if is_free(port, host):
            return port


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
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*") if wanted else ():
        with contextlib.suppress(OSError):
            if any(str(file.readlink()) in wanted for file in (process / "fd").iterdir()):
                return PortHolder(pid=int(process.name), name=(process / "comm").read_text(errors="replace").strip())
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found
