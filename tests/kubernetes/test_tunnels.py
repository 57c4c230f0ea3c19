import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from pytilt.errors import ClusterUnreachableError, PortClosedError
from pytilt.host.processes import HostRunner
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.spdy import Patience
from pytilt.kubernetes.tunnels import Tunnels, Waits
from tests.kubernetes.api_server import connection
from tests.kubernetes.spdy_server import FIN, SYN_REPLY, ServedTunnel, SpdyServer, control, spdy_server

QUICK = Waits(accept=0.2, fresh=0.0, recycle=0.2, patience=Patience(quiet=0.05, answer=0.1))
REFUSED = b"error forwarding port 80 to pod web: connection refused"


@pytest.fixture
async def server() -> AsyncIterator[SpdyServer]:
    async with spdy_server() as serving:
        yield serving


@pytest.fixture
async def tunnels(server: SpdyServer) -> AsyncIterator[Tunnels]:
    async with (
        HostRunner() as runner,
        KubernetesApi(connection(server.port), runner) as api,
        asyncio.timeout(10),
        Tunnels(api, QUICK) as opened,
    ):
        yield opened


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
