"""Which user of this machine is at the other end of a connection over loopback."""

import os
import platform
import socket
import sys
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Linux: all connections of this network namespace, with the user who made each end."""

ROOT = 0

Endpoint = tuple[str, int]


def is_own(peer: Endpoint, here: Endpoint, tables: Iterable[Path] = TABLES) -> bool:
    """Was this connection made by the user of this process, or by root, who may do everything anyway?

    A connection that is in no table is a stranger's. Where there are no tables (macOS), nobody can say, and everybody
    counts as the user; so it is in WSL, whose browser is a program of Windows.

    Args:
        peer: address and port of who connected, on this machine.
        here: address and port that it connected to.
        tables: files in the format of `/proc/net/tcp`.
    """
    if "microsoft" in platform.release().lower():
        return True
    try:
        rows = [row for table in tables if table.exists() for row in table.read_text().splitlines()[1:]]
    except OSError:
        return True
    return not rows or owner(peer, here, rows) in (ROOT, os.geteuid())


def owner(peer: Endpoint, here: Endpoint, rows: Iterable[str]) -> int | None:
    """The number of the user who made the end `peer` of a connection; None if it is in none of these rows."""
    wanted = (_normal(peer), _normal(here))
    ports = (f"{peer[1]:04X}", f"{here[1]:04X}")
    for _, local, remote, *_, user in (row.split()[:8] for row in rows):
        if (local[-4:], remote[-4:]) == ports and (_endpoint(local), _endpoint(remote)) == wanted:
            return int(user)
    return None


def _endpoint(text: str) -> tuple[IPv4Address | IPv6Address, int]:
    """Read `0100007F:286E`: an address in words of 32 bits as the processor holds them, and a port."""
    address, _, port = text.partition(":")
    words = (int(address[at : at + 8], 16) for at in range(0, len(address), 8))
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    family = socket.AF_INET if len(packed) == len(IPv4Address(0).packed) else socket.AF_INET6
    return _normal((socket.inet_ntop(family, packed), int(port, 16)))


def _normal(endpoint: Endpoint) -> tuple[IPv4Address | IPv6Address, int]:
    """A listener for both kinds of addresses calls 127.0.0.1 `::ffff:127.0.0.1`."""
    address = ip_address(endpoint[0])
    return getattr(address, "ipv4_mapped", None) or address, endpoint[1]
