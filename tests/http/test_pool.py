import asyncio

from pytilt.http.exchange import Exchange
from pytilt.http.pool import Pool
from tests.http.scripted_wire import ScriptedWire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class Server:
    """Wires of it, each made when it is asked for."""

    def __init__(self) -> None:
        self.wires: list[ScriptedWire] = []

    async def connect(self) -> Exchange:
        self.wires.append(ScriptedWire(OK, OK, OK))
        return Exchange(self.wires[-1], "server")


async def ask(pool: Pool, *, read: bool = True) -> None:
    async with pool.exchange() as exchange:
        await exchange.ask("GET", "/")
        if read:
            assert await exchange.body() == b"OK"


async def test_a_connection_is_kept_for_the_next_request():
    server = Server()
    pool = Pool(server.connect, keep=8, seconds=60)
    for _ in range(3):
        await ask(pool)
    assert len(server.wires) == 1


async def test_requests_at_a_time_have_connections_of_their_own_and_some_are_kept():
    server = Server()
    pool = Pool(server.connect, keep=2, seconds=60)
    async with pool.exchange(), pool.exchange():
        for _ in range(2):
            await ask(pool)
    assert len(server.wires) == 3
    assert [wire.closed for wire in server.wires] == [True, True, False], "the first two were asked nothing"


async def test_a_connection_whose_answer_was_not_read_to_its_end_is_closed():
    server = Server()
    pool = Pool(server.connect, keep=8, seconds=60)
    await ask(pool, read=False)
    assert server.wires[0].closed


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again():
    server = Server()
    pool = Pool(server.connect, keep=8, seconds=60)
    await ask(pool)
    server.wires[0].ended = True
    await ask(pool)
    assert [wire.closed for wire in server.wires] == [True, False]


async def test_a_connection_that_was_idle_for_too_long_is_not_used_again():
    server = Server()
    pool = Pool(server.connect, keep=8, seconds=-1)
    await ask(pool)
    await ask(pool)
    assert len(server.wires) == 2
    assert server.wires[0].closed


async def test_no_more_than_wanted_are_kept():
    server = Server()
    pool = Pool(server.connect, keep=1, seconds=60)
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(ask(pool))
    assert sorted(wire.closed for wire in server.wires) in ([False, True, True], [False])


async def test_closing_closes_the_idle_ones_at_once_and_the_others_after_their_answer():
    server = Server()
    pool = Pool(server.connect, keep=8, seconds=60)
    async with pool.exchange() as used:
        await ask(pool)
        await used.ask("GET", "/")
        pool.close()
        assert [wire.closed for wire in server.wires] == [False, True]
        assert await used.body() == b"OK"
    assert server.wires[0].closed
