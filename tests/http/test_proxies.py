import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

import pytest

from pytilt.http.exchange import Exchange
from pytilt.http.proxies import UnusableProxyError, open_through
from tests.http.certificates import Certificate
from tests.http.tunnels import proxy


@asynccontextmanager
async def web_server(tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("secure", [False, True])
async def test_a_tunnel_leads_through_a_proxy(certificate: Certificate, secure: bool):
    shown, trusted = (certificate.shown, certificate.trusted) if secure else (None, None)
    async with web_server(shown) as port, proxy() as tunnels:
        wire = await open_through(f"http://127.0.0.1:{tunnels.port}", "localhost", port, tls=trusted)
        exchange = Exchange(wire, "localhost")
        assert (await exchange.ask("GET", "/")).status == 200
        assert await exchange.body() == b"OK"
        wire.close()
        await asyncio.sleep(0)
    assert tunnels.asked[0].startswith(f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n")


async def test_a_proxy_may_speak_tls_itself(certificate: Certificate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    async with web_server(certificate.shown) as port, proxy(tls=certificate.shown) as tunnels:
        wire = await open_through(f"https://localhost:{tunnels.port}", "localhost", port, tls=certificate.trusted)
        assert (await Exchange(wire, "localhost").ask("GET", "/")).status == 200
        wire.close()
        await asyncio.sleep(0)


async def test_user_and_password_are_shown_to_the_proxy():
    async with web_server(None) as port, proxy() as tunnels:
        wire = await open_through(f"http://me:p%40ss@127.0.0.1:{tunnels.port}", "::1", port)
        wire.close()
        await asyncio.sleep(0)
    assert tunnels.asked[0].startswith(f"CONNECT [::1]:{port} ")
    assert f"\r\nProxy-Authorization: Basic {base64.b64encode(b'me:p@ss').decode()}\r\n" in tunnels.asked[0]


async def test_a_proxy_that_refuses_is_reported_with_its_status():
    async with proxy("407 Proxy Authentication Required") as tunnels:
        with pytest.raises(ConnectionRefusedError, match="the proxy answers with status 407"):
            await open_through(f"http://127.0.0.1:{tunnels.port}", "server", 443)


async def test_a_server_behind_a_proxy_must_be_trusted_too(certificate: Certificate):
    async with web_server(certificate.shown) as port, proxy() as tunnels:
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            await open_through(f"http://127.0.0.1:{tunnels.port}", "localhost", port, tls=ssl.create_default_context())


@pytest.mark.parametrize("address", ["ftp://proxy", "http://"])
async def test_a_proxy_that_cannot_be_used_is_reported(address: str):
    with pytest.raises(UnusableProxyError, match="begins with none of"):
        await open_through(address, "server", 443)


@pytest.mark.skipif(find_spec("python_socks") is not None, reason="what it needs is installed")
async def test_for_socks_something_must_be_installed():
    with pytest.raises(UnusableProxyError, match="install `python-socks`"):
        await open_through("socks5://127.0.0.1:1", "server", 443)
