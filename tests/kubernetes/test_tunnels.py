import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from pytilt.errors import ClusterUnreachableError, PortClosedError
from pytilt.host.processes import HostRunner
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.forwarding import PROTOCOLS
from pytilt.kubernetes.message_wire import TUNNEL_PROTOCOL
from pytilt.kubernetes.spdy_protocol import SpdyTimeouts
from pytilt.kubernetes.tunnels import Tunnels, TunnelTimeouts
from tests.kubernetes.api_server import connection
from tests.kubernetes.spdy_server import FIN, SYN_REPLY, ServedTunnel, SpdyServer, control, spdy_server

QUICK = TunnelTimeouts(accept=0.2, fresh=0.0, recycle=0.2, connection=SpdyTimeouts(quiet=0.05, answer=0.1))
REFUSED = b"error forwarding port 80 to pod web: connection refused"


@pytest.fixture
async def server() -> AsyncIterator[SpdyServer]:
    async with spdy_server() as serving:
        yield serving


@pytest.fixture(params=["SPDY", "WebSocket"])
async def tunnels(request: pytest.FixtureRequest, server: SpdyServer) -> AsyncIterator[Tunnels]:
    async with websockets_only(server) as socket_port, HostRunner() as runner:
        port = server.port if request.param == "SPDY" else socket_port
        async with KubernetesApi(connection(port), runner) as api, asyncio.timeout(10), Tunnels(api, QUICK) as opened:
            yield opened


@asynccontextmanager
async def websockets_only(server: SpdyServer) -> AsyncIterator[int]:
    """The same server, where only WebSockets reach it, with SPDY inside; its port."""

    async def carry(socket: ServerConnection) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")

        async def forth() -> None:
            async for message in socket:
                writer.write(message if isinstance(message, bytes) else message.encode())
            writer.close()

        async def back() -> None:
            with suppress(ConnectionError):
                while data := await reader.read(1000):
                    await socket.send(data)
            await socket.close()

        try:
            with suppress(ConnectionClosed):
                async with asyncio.TaskGroup() as group:
                    group.create_task(forth(), name="forth")
                    group.create_task(back(), name="back")
        finally:
            writer.transport.abort()

    def unnamed(_: ServerConnection, request: Request) -> None:
        request.headers.pop("Sec-WebSocket-Protocol", None)  # the library refuses a name with a slash

    def agree(_: ServerConnection, __: Request, response: Response) -> None:
        response.headers["Sec-WebSocket-Protocol"] = TUNNEL_PROTOCOL

    async with serve(
        carry, "127.0.0.1", 0, compression=None, process_request=unnamed, process_response=agree
    ) as serving:
        yield next(iter(serving.sockets)).getsockname()[1]


@asynccontextmanager
async def old_server(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[Tunnels]:
    """Connections to a server that knows WebSockets with channels only."""
    protocols = [Subprotocol(name) for name in PROTOCOLS]
    async with (
        serve(handler, "127.0.0.1", 0, subprotocols=protocols, compression=None) as serving,
        HostRunner() as runner,
        KubernetesApi(connection(next(iter(serving.sockets)).getsockname()[1]), runner) as api,
        asyncio.timeout(10),
        Tunnels(api, QUICK) as opened,
    ):
        yield opened


async def test_a_server_without_tunnels_carries_bytes_in_channels_and_ends_in_order():
    async def echo(socket: ServerConnection) -> None:
        await socket.send(b"\x00\x50\x00")
        await socket.send(b"\x01\x50\x00")
        asked = await socket.recv()
        assert isinstance(asked, bytes)
        await socket.send(b"\x00" + asked[1:].upper())
        await socket.send(b"\x00the rest")

    async with old_server(echo) as tunnels, tunnels.connect("default", "web", 80) as stream:
        await stream.send(b"hello")
        await stream.finish()  # the protocol cannot say so; what comes still arrives
        assert await stream.receive() == b"HELLO"
        assert await stream.receive() == b"the rest"
        assert await stream.receive() == b""


async def test_a_server_without_tunnels_that_answers_no_ping_breaks_the_connection():
    silent = asyncio.Event()

    async def stall(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await silent.wait()
        socket.transport.resume_reading()

    async with old_server(stall) as tunnels:
        try:
            async with tunnels.connect("default", "web", 80) as stream:
                with pytest.raises(ClusterUnreachableError, match="no answer to a ping"):
                    await stream.receive()
        finally:
            silent.set()


async def test_a_silent_connection_to_a_server_without_tunnels_stays_open_while_pings_are_answered():
    speak = asyncio.Event()

    async def wait(socket: ServerConnection) -> None:
        await socket.send(b"\x00\x50\x00")
        await speak.wait()
        await socket.send(b"\x00late")

    async with old_server(wait) as tunnels, tunnels.connect("default", "web", 80) as stream:
        asyncio.get_running_loop().call_later(6 * QUICK.connection.quiet + QUICK.connection.answer, speak.set)
        assert await stream.receive() == b"late"


def received(tunnel: ServedTunnel) -> bytes:
    return tunnel.pairs[0][0].received


async def exchange(tunnels: Tunnels, server: SpdyServer, tunnel: int) -> None:
    """One whole connection, which must go through a tunnel of this number."""
    async with tunnels.connect("default", "web", 80) as stream:
        await stream.send(b"ping")
        served = server.tunnels[tunnel]
        data, error = served.pairs[-1]
        await served.until(lambda: data.received == b"ping")
        await data.send(b"pong")
        assert await stream.receive() == b"pong"
        await stream.finish()
        await served.until(lambda: data.finished)
        await error.send(fin=True)
        await data.send(fin=True)
        assert await stream.receive() == b""


async def test_connections_one_after_the_other_share_a_tunnel(tunnels: Tunnels, server: SpdyServer):
    for _ in range(3):
        await exchange(tunnels, server, 0)
        await server.tunnels[0].until(lambda: server.tunnels[0].pings % 5 == 0)
        await tunnels.settled()
    assert len(server.tunnels) == 1


async def test_connections_at_the_same_time_have_a_tunnel_each(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80) as first, tunnels.connect("default", "web", 80) as second:
        await first.send(b"1")
        await second.send(b"2")
        for tunnel in server.tunnels:
            await tunnel.until(partial(received, tunnel))
        assert [tunnel.pairs[0][0].received for tunnel in server.tunnels] == [b"1", b"2"]


async def test_a_refused_connection_is_reported_and_the_next_one_has_another_tunnel(
    tunnels: Tunnels, server: SpdyServer
):
    for number in range(3):
        async with tunnels.connect("default", "web", 80) as stream:
            await stream.send(b"GET /")
            served = server.tunnels[number]
            data, error = served.pairs[0]
            await error.send(REFUSED)
            await error.send(fin=True)
            await data.send(fin=True)
            with pytest.raises(PortClosedError, match="nothing listens at port 80 of pod `web`"):
                await stream.receive()
    await exchange(tunnels, server, 3)


async def test_a_runtime_that_ends_the_whole_session_after_an_error_is_understood(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80) as stream:
        await server.tunnels[0].pairs[0][1].send(REFUSED)
        server.tunnels[0].hang_up()
        with pytest.raises(PortClosedError):
            await stream.receive()
    await exchange(tunnels, server, 1)


async def test_a_runtime_that_resets_both_streams_after_an_error_is_understood(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80) as stream:
        data, error = server.tunnels[0].pairs[0]
        await error.send(REFUSED)
        await data.break_off()
        await error.break_off()
        with pytest.raises(PortClosedError):
            await stream.receive()


async def test_a_reset_of_the_pods_side_is_no_proper_end(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80) as stream:
        data, error = server.tunnels[0].pairs[0]
        await data.send(b"half")
        await data.break_off()
        await error.send(fin=True)
        assert await stream.receive() == b"half"
        with pytest.raises(ClusterUnreachableError, match="reset"):
            await stream.receive()


async def test_a_tunnel_in_which_something_is_left_carries_no_other_connection(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80) as stream:
        served = server.tunnels[0]
        data, error = served.pairs[0]
        served.answers_pings = False  # as a worker that holds bytes which nobody reads
        await error.send(fin=True)
        await data.send(fin=True)
        assert await stream.receive() == b""
    await exchange(tunnels, server, 1)


async def test_a_kept_tunnel_that_is_dead_is_replaced_before_anything_is_sent(tunnels: Tunnels, server: SpdyServer):
    await exchange(tunnels, server, 0)
    await tunnels.settled()
    server.tunnels[0].accepts = False
    await exchange(tunnels, server, 1)
    assert [data.received for data, _ in server.tunnels[0].pairs] == [b"ping", b""]


async def test_a_tunnel_that_answers_no_ping_breaks_its_connection(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80) as stream:
        server.tunnels[0].answers_pings = False
        with pytest.raises(ClusterUnreachableError, match="no answer to a ping"):
            await stream.receive()
    await exchange(tunnels, server, 1)


async def test_a_connection_that_is_given_up_closes_its_tunnel(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80):
        served = server.tunnels[0]
    await served.closed.wait()


async def test_an_error_whose_stream_does_not_end_is_reported_all_the_same(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80) as stream:
        await server.tunnels[0].pairs[0][1].send(REFUSED)
        with pytest.raises(PortClosedError):
            await stream.receive()


async def test_a_stream_that_is_refused_at_once_has_ended(tunnels: Tunnels, server: SpdyServer):
    async with tunnels.connect("default", "web", 80) as stream:
        data, error = server.tunnels[0].pairs[0]
        for each in (error, data):
            await server.tunnels[0].send(control(SYN_REPLY, each.number.to_bytes(4, "big"), FIN))
        assert await stream.receive() == b""
