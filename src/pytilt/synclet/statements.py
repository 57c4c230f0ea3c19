"""The configuration of `synclet forward`, statement by statement, as `synclet/config.go` reads it."""

from collections.abc import Iterable


def dns(address: str, zone: str, upstream: str) -> str:
    """Answer for the names of a zone at an address; ask `upstream` for all others."""
    return f"dns {address} {zone} {upstream}"


def listen(protocol: str, address: str, targets: Iterable[str]) -> str:
    """Spread connections over targets; refuse them where there are none.

    Args:
        protocol: `tcp` or `udp`.
        address: `host:port`.
        targets: each `host:port`.
    """
    return " ".join(["listen", protocol, address, *targets])


def name(host: str, addresses: Iterable[str]) -> str:
    """A name has these addresses."""
    return " ".join(["name", host, *addresses])


def alias(host: str, other: str) -> str:
    """A name is another name for a host."""
    return f"alias {host} {other}"


def route(address: str, host: str, path: str, targets: Iterable[str], *, exact: bool) -> str:
    """HTTP requests to an address for a host and path go to the targets.

    Args:
        address: `host:port` where they come in.
        host: of the requests, `*` for any.
        path: of the requests.
        targets: each `host:port`.
        exact: must the path be the same? Else it is a prefix.
    """
    return " ".join(["route", address, host, path, "exact" if exact else "prefix", *targets])
