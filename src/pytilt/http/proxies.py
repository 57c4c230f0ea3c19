"""Connecting through a proxy: HTTP's own tunnels, or SOCKS."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from pytilt.http.exchange import Exchange
from pytilt.http.wires import PROTOCOLS, SocketOption, StreamWire, second_address_seconds


class UnusableProxyError(ValueError):
    """There is no way through this kind of proxy, or its address makes no sense."""


async def open_through(
    proxy: str,
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    name: str = "",
    options: Sequence[SocketOption] = (),
) -> StreamWire:
    """Connect to a server through a proxy. The other arguments are those of `wires.open_tcp`.

    Args:
        proxy: its address, `http://`, `https://`, `socks5://` or `socks4://`, perhaps with user and password.
        host: of the server; a name is looked up by the proxy.
        port: of the server.
        tls: for the server.
        name: the name that the server's certificate must have, if it is not the host's.
        options: for the socket.

    Raises:
        UnusableProxyError: the proxy is none that can be used.
        OSError: the proxy or the server does not answer, or the proxy refuses.
    """
    opened = _open_socks if urlsplit(proxy).scheme.startswith("socks") else _open_tunnel
    reader, writer = await opened(proxy, host, port)
    try:
        for option in options:
            writer.get_extra_info("socket").setsockopt(*option)
        if tls is not None:
            tls.set_alpn_protocols(PROTOCOLS)
            await writer.start_tls(tls, server_hostname=name or host)
    except BaseException:
        writer.transport.abort()
        raise
    return StreamWire(reader, writer)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _open_tunnel(proxy: str, host: str, port: int) -> Streams:
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnusableProxyError("its address begins with none of `http://`, `https://`, `socks5://`, `socks4://`")
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        parts.hostname,
        parts.port or (443 if secure else 80),
        ssl=secure,
        happy_eyeballs_delay=second_address_seconds(parts.hostname),
    )
    try:
        target = f"{f'[{host}]' if ':' in host else host}:{port}"
        headers = []
        if parts.username:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers = [("Proxy-Authorization", f"Basic {base64.b64encode(user.encode()).decode()}")]
        head = await Exchange(StreamWire(reader, writer), target).ask("CONNECT", target, headers)
        if head.status >= 300:
            raise ConnectionRefusedError(f"the proxy answers with status {head.status}")
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


async def _open_socks(proxy: str, host: str, port: int) -> Streams:
    try:
        from python_socks import ProxyError
        from python_socks.async_.asyncio import Proxy
    except ImportError as error:
        raise UnusableProxyError("for a SOCKS proxy install `python-socks` beside pytilt") from error
    try:
        opened: socket.socket = await Proxy.from_url(proxy).connect(host, port)
    except ProxyError as error:
        raise ConnectionRefusedError(str(error)) from error
    return await asyncio.open_connection(sock=opened)
