import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from pytilt.http.wires import CHUNK_BYTES, BrokenWireError, SocketWire, Wire, open_tcp, second_address_seconds
from tests.http.certificates import Certificate

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
async def opened(kind: str, certificate: Certificate, serve: Serve) -> AsyncIterator[Wire]:
    """A wire of a kind to a server that has it."""
    socket_path = certificate.path.with_name("s")
    if kind == "unix":
        server: asyncio.Server = await asyncio.start_unix_server(serve, str(socket_path))
    else:
        tls = certificate.shown if kind == "tls" else None
        server = await asyncio.start_server(serve, "localhost", 0, ssl=tls)
    async with server:
        if kind == "unix":
            wire: Wire = await SocketWire.open(str(socket_path))
        elif kind == "address":
            wire = await SocketWire.open_address(*server.sockets[0].getsockname()[:2])
        else:
            trusted = certificate.trusted if kind == "tls" else None
            wire = await open_tcp("localhost", server.sockets[0].getsockname()[1], tls=trusted)
        try:
            yield wire
        finally:
            wire.close()
            await asyncio.sleep(0)


@pytest.fixture(params=["unix", "address", "tcp", "tls"])
async def shouting(request: pytest.FixtureRequest, certificate: Certificate) -> AsyncIterator[Wire]:
    async with opened(request.param, certificate, shout) as wire:
        yield wire


@pytest.fixture(params=["unix", "address", "tcp", "tls"])
async def refusing(request: pytest.FixtureRequest, certificate: Certificate) -> AsyncIterator[Wire]:
    async with opened(request.param, certificate, refuse) as wire:
        yield wire


async def flood(wire: Wire) -> None:
    """Send without end."""
    while True:
        await wire.send(b"x" * 10_000)


async def test_bytes_go_both_ways(shouting: Wire):
    await shouting.send(b"abc")
    assert await shouting.receive() == b"ABC"


async def test_one_may_send_again_before_anything_comes(shouting: Wire):
    for _ in range(3):
        await shouting.send(b"a")
    received = b""
    while len(received) < 3:
        received += await shouting.receive()
    assert received == b"AAA"


@pytest.mark.parametrize("kind", ["unix", "address", "tcp"])
async def test_after_the_end_of_sending_bytes_still_come(certificate: Certificate, kind: str):
    async with opened(kind, certificate, shout) as wire:
        await wire.send(b"abc")
        wire.end_sending()
        assert await wire.receive() == b"ABC"
        assert await wire.receive() == b""


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


async def test_who_receives_much_leaves_a_turn_to_others():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    wire, others = SocketWire(ours), list[str]()
    with closing(wire), theirs:
        theirs.sendall(bytes(CHUNK_BYTES))
        asyncio.get_running_loop().call_soon(others.append, "their turn")
        assert len(await wire.receive()) == CHUNK_BYTES
        assert others == ["their turn"]


async def test_sending_to_one_that_is_gone_breaks_the_wire(refusing: Wire):
    with pytest.raises(BrokenWireError):
        await flood(refusing)


async def test_over_a_socket_what_was_said_before_it_was_closed_is_received_after_a_failed_send(
    certificate: Certificate,
):
    async with opened("unix", certificate, refuse) as wire:
        with pytest.raises(BrokenWireError):
            await flood(wire)
        assert await wire.receive() == b"NO"


async def test_a_server_that_is_not_trusted_is_refused(certificate: Certificate):
    async with await asyncio.start_server(shout, "localhost", 0, ssl=certificate.shown) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            await open_tcp("localhost", port, tls=ssl.create_default_context())
        with pytest.raises(OSError, match="Hostname mismatch"):
            await open_tcp("localhost", port, tls=certificate.trusted, name="other")
        (await open_tcp("127.0.0.1", port, tls=certificate.trusted, name="localhost")).close()


async def test_options_are_set_on_the_socket():
    async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        (await open_tcp("127.0.0.1", port, options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)])).close()
        with pytest.raises(OSError, match=r"\[Errno \d+\]"):
            await open_tcp("127.0.0.1", port, options=[(socket.SOL_SOCKET, 12345, 1)])
        await asyncio.sleep(0)


async def test_where_nobody_listens_there_is_no_wire(tmp_path: Path):
    with pytest.raises(OSError, match="No such file"):
        await SocketWire.open(str(tmp_path / "none"))
    with pytest.raises(OSError, match="Connect call failed"):
        await open_tcp("127.0.0.1", 1)
    with pytest.raises(ConnectionRefusedError):
        await SocketWire.open_address("127.0.0.1", 1)


@pytest.mark.parametrize(
    ("host", "seconds"), [("127.0.0.1", None), ("::1", None), ("localhost", None), ("registry.example", 0.25)]
)
def test_only_a_name_that_may_not_answer_has_its_addresses_tried_beside_each_other(host: str, seconds: float | None):
    assert second_address_seconds(host) == seconds
