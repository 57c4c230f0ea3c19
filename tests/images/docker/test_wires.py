import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pytilt.errors import EngineUnreachableError
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.images.docker.address import EngineAddress, TlsFiles
from pytilt.images.docker.api import DockerApi
from pytilt.images.docker.wires import BrokenWireError, Wire, open_wire

CERTIFICATE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj /CN=localhost"


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back in capitals what comes, until its end."""
    try:
        while data := await reader.read(100):
            writer.write(data.upper())
    finally:
        writer.close()


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the first byte, and close without reading any further."""
    await reader.readexactly(1)
    writer.write(b"NO")
    writer.close()


@asynccontextmanager
async def opened(kind: str, folder: Path, serve: Serve) -> AsyncIterator[Wire]:
    if kind == "unix":
        server: asyncio.Server = await asyncio.start_unix_server(serve, str(folder / "s"))
        address = EngineAddress(url=f"unix://{folder}/s")
    else:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = EngineAddress(url=f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        wire = await open_wire(address, None)
        try:
            yield wire
        finally:
            wire.close()
            await asyncio.sleep(0)


@pytest.fixture(params=["unix", "tcp"])
async def shouting(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Wire]:
    async with opened(request.param, tmp_path, shout) as wire:
        yield wire


@pytest.fixture(params=["unix", "tcp"])
async def refusing(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Wire]:
    async with opened(request.param, tmp_path, refuse) as wire:
        yield wire


async def flood(wire: Wire) -> None:
    """Send without end."""
    while True:
        await wire.send(b"x" * 10_000)


async def test_bytes_go_both_ways_until_sending_ends(shouting: Wire):
    await shouting.send(b"abc")
    assert await shouting.receive() == b"ABC"
    shouting.end_sending()
    assert await shouting.receive() == b""


async def test_a_wire_is_silent_until_something_comes_be_it_the_end(refusing: Wire):
    assert refusing.silent()
    await refusing.send(b"a")
    assert await refusing.receive() == b"NO"
    assert await refusing.receive() == b""
    assert not refusing.silent()


async def test_more_than_the_system_buffers_is_sent_as_it_is_read(shouting: Wire):
    sent, received = b"x" * 1_000_000, 0
    async with asyncio.TaskGroup() as group:
        group.create_task(shouting.send(sent))
        while received < len(sent):
            received += len(await shouting.receive())
    assert received == len(sent)


async def test_sending_to_one_that_is_gone_breaks_the_wire(refusing: Wire):
    with pytest.raises(BrokenWireError):
        await flood(refusing)


async def test_over_a_socket_what_was_said_before_it_was_closed_is_heard_after_a_failed_send(tmp_path: Path):
    async with opened("unix", tmp_path, refuse) as wire:
        with pytest.raises(BrokenWireError):
            await flood(wire)
        assert await wire.receive() == b"NO"


async def test_where_nobody_listens_there_is_no_wire(tmp_path: Path):
    for url in (f"unix://{tmp_path}/none", "tcp://127.0.0.1:1"):
        with pytest.raises(OSError, match=r"No such file|Connect call failed"):
            await open_wire(EngineAddress(url=url), None)


@pytest.fixture
async def certificate(tmp_path: Path) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    words = [*CERTIFICATE.split(), "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")]
    request = ProcessRequest(argv=(*words, *files), dir=str(tmp_path), env=(("PATH", "/usr/bin:/bin"),))
    async with HostRunner() as runner:
        assert (await runner.run(request, lambda _: None)).exit_status == 0
    return tmp_path


@asynccontextmanager
async def secure_engine(certificate: Path) -> AsyncIterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "ca.pem", certificate / "key.pem")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", b"HTTP/1.1 101 UP\r\nUpgrade: tcp\r\n\r\n"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        await shout(reader, writer)

    server = await asyncio.start_server(serve, "localhost", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_an_engine_behind_tls_is_asked_and_hands_a_connection_over(certificate: Path):
    async with secure_engine(certificate) as port:
        address = EngineAddress(url=f"tcp://localhost:{port}", tls=TlsFiles(ca=str(certificate / "ca.pem")))
        async with DockerApi(address) as api:
            assert (await api.request("GET", "/_ping")).body == b"OK"
            async with api.hijack("/exec/1/start") as duplex:
                duplex.close_sending()
                await duplex.send(b"abc")
                assert await duplex.receive() == b"ABC"


async def test_an_engine_that_is_not_trusted_is_unreachable(certificate: Path):
    async with secure_engine(certificate) as port:
        async with DockerApi(EngineAddress(url=f"tcp://localhost:{port}", tls=TlsFiles())) as api:
            with pytest.raises(EngineUnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
                await api.request("GET", "/_ping")
        unchecked = EngineAddress(url=f"tcp://localhost:{port}", tls=TlsFiles(verify=False))
        async with DockerApi(unchecked) as api:
            assert (await api.request("GET", "/_ping")).body == b"OK"
