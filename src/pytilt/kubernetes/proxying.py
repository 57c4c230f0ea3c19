"""Which proxy a connection goes through, by the variables that Go programs and curl read."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from pytilt.model.numbers import whole


def proxy_for(url: str, environ: Mapping[str, str]) -> str:
    """The proxy's address, empty for a direct connection.

    Args:
        url: where to.
        environ: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, also in lower case.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    name = "HTTPS_PROXY" if parts.scheme == "https" else "HTTP_PROXY"
    proxy = environ.get(name) or environ.get(name.lower()) or ""
    excepted = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if not proxy or _is_local(host) or any(_covers(rule, host, port) for rule in excepted.split(",")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _covers(rule: str, host: str, port: int) -> bool:
    rule = rule.strip().lower()
    if rule in ("", "*"):
        return rule == "*"
    if address := _address(host):
        try:
            return address in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            pass
    name, colon, only = rule.rpartition(":")
    if colon and (number := whole(only)) is not None:
        return number == port and _covers(name, host, port)
    if rule.startswith("."):
        return host.endswith(rule)
    return host == rule or host.endswith(f".{rule.removeprefix('*.')}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
