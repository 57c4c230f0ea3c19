"""Which way this machine takes to an address: into a network that it knows, or to wherever all else goes."""

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator

_SHORTEST_PREFIX = 8
"""A route for more addresses than these leads anywhere: `0.0.0.0/0`, `0.0.0.0/1` of many a VPN, `2000::/3`."""

# The constants are those of Linux's linux/netlink.h and linux/rtnetlink.h.
_ROUTE = 0
_GET_ROUTE, _NEW_ROUTE = 26, 24
_REQUEST = 1
_FIND_ENTRY = 0x2000
_UNICAST = 1
_DESTINATION = 1
_HEAD = struct.Struct("=IHHII")
_MESSAGE = struct.Struct("=BBBBBBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_WAIT_SECONDS = 0.2


def has_own_route(address: str) -> bool:
    """Does this machine reach an address by a route of its own, and not the one of all other addresses?

    Such a route leads into a network that this machine is part of, or that somebody made known to it: a bridge of
    containers, a VPN. False for its own addresses, and where the system does not say.
    """
    try:
        prefix = _prefix(ipaddress.ip_address(address))
    except (OSError, ValueError, struct.error, AttributeError):  # a system that is no Linux, or a sandbox
        return False
    return prefix is not None and prefix >= _SHORTEST_PREFIX


def _prefix(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int | None:
    """How many bits of an address decide the way to it; None where there is none out of this machine."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(address.packed), _DESTINATION) + address.packed
    message = _MESSAGE.pack(family, address.max_prefixlen, 0, 0, 0, 0, 0, 0, _FIND_ENTRY) + attribute
    head = _HEAD.pack(_HEAD.size + len(message), _GET_ROUTE, _REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _ROUTE) as kernel:
        kernel.settimeout(_WAIT_SECONDS)
        kernel.send(head + message)
        answer = kernel.recv(os.sysconf("SC_PAGESIZE"))
    for kind, content in _messages(answer):
        if kind == _NEW_ROUTE:
            _, prefix, _, _, _, _, _, of_type, _ = _MESSAGE.unpack_from(content)
            return int(prefix) if of_type == _UNICAST else None
    return None


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    while len(answer) >= _HEAD.size:
        size, kind, _, _, _ = _HEAD.unpack_from(answer)
        if not _HEAD.size <= size <= len(answer):
            return
        yield kind, answer[_HEAD.size : size]
        answer = answer[(size + 3) & ~3 :]
