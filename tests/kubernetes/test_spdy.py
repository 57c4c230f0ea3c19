import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest

from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes.spdy import BUFFERED_BYTES, PROBE_PINGS, SpdyConnection
from pytilt.kubernetes.spdy_protocol import DICTIONARY, SpdyTimeouts
from tests.idle import eventually, idle
from tests.kubernetes.spdy_server import PING, RST_STREAM, control, data


class Server:
    """The other side of a wire: keeps what was sent, sends what a test says."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.read = 0
        """How often the client has read."""
        self._coming: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(data)

    async def receive_bytes(self) -> bytes:
        data = await self._coming.get()
        self.read += 1
        if data is None:
            raise EOFError
        return data

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._coming.put_nowait(piece)

    def hang_up(self) -> None:
        self._coming.put_nowait(None)


def _frames(sent: Iterable[bytes]) -> Iterator[bytes]:
    rest = b"".join(sent)
    while rest:
        end = 8 + int.from_bytes(rest[5:8], "big")
        yield rest[:end]
        rest = rest[end:]


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def connection(server: Server) -> AsyncIterator[SpdyConnection]:
    made = SpdyConnection(server, SpdyTimeouts(quiet=0.05, answer=0.1))
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(made.run())
        yield made
        reading.cancel()


def test_the_dictionary_is_that_of_the_protocol():
    assert len(DICTIONARY) == 1423
    assert zlib.adler32(DICTIONARY) == 3821447106


async def test_streams_are_opened_with_odd_numbers_and_headers_compressed_in_one_go(
    server: Server, connection: SpdyConnection
):
    inflate = zlib.decompressobj(zdict=DICTIONARY)
    for number, name in ((1, "error"), (3, "data")):
        await connection.open({"streamtype": name})
        head, sized, stream, _, _ = struct.unpack_from("!IIIIH", server.sent[-1])
        assert (head, stream) == (0x80030001, number)
        block = server.sent[-1][18:]
        assert sized == len(block) + 10
        assert inflate.decompress(block) == struct.pack("!II10sI", 1, 10, b"streamtype", len(name)) + name.encode()


async def test_bytes_come_in_order_also_when_frames_are_cut_anywhere(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    whole = data(1, b"hello ") + data(1, b"world") + data(1, b"", fin=True)
    server.say(*(whole[i : i + 1] for i in range(len(whole))))
    got = b""
    while piece := await stream.receive():
        got += piece
    assert got == b"hello world"
    assert await stream.receive() == b""


async def test_streams_do_not_disturb_each_other(server: Server, connection: SpdyConnection):
    first, second = await connection.open({}), await connection.open({})
    server.say(data(3, b"second") + data(1, b"first"))
    assert await first.receive() == b"first"
    assert await second.receive() == b"second"


async def test_a_reset_ends_one_stream_and_a_lost_connection_ends_all(server: Server, connection: SpdyConnection):
    first, second = await connection.open({}), await connection.open({})
    server.say(control(RST_STREAM, struct.pack("!II", 1, 2)))
    with pytest.raises(ClusterUnreachableError, match="reset"):
        await first.receive()
    server.hang_up()
    with pytest.raises(ClusterUnreachableError, match="the cluster closed it"):
        await second.receive()
    with pytest.raises(ClusterUnreachableError):
        await connection.open({})


async def test_a_ping_is_answered(server: Server, connection: SpdyConnection):
    ping = control(PING, struct.pack("!I", 2))
    stream = await connection.open({})
    server.say(ping, data(1, b"x"))
    await stream.receive()
    assert server.sent[-1] == ping


async def test_finishing_is_reported_once_and_giving_up_resets(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    await stream.finish()
    await stream.finish()
    assert server.sent[1:] == [data(1, b"", fin=True)]
    stream.close()
    assert connection.streams == 0
    await connection.flush()
    assert server.sent[2:] == [control(RST_STREAM, struct.pack("!II", 1, 5))]


async def test_what_begins_and_ends_a_stream_goes_with_what_is_sent_next(server: Server, connection: SpdyConnection):
    stream, other = connection.begin({}), connection.begin({})
    stream.finish_soon()
    assert not server.sent
    await other.send(b"x")
    assert len(server.sent) == 1
    assert server.sent[0].endswith(data(1, b"", fin=True) + data(3, b"x"))


async def test_what_nobody_reads_is_not_fetched(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    piece = data(1, bytes(32768))
    server.say(*[piece] * 100)
    got = len(await stream.receive())
    await idle()
    assert server.read * 32768 <= got + BUFFERED_BYTES + 32768
    while got < 100 * 32768:
        got += len(await stream.receive())
    assert server.read == 100


async def test_no_more_is_sent_than_the_other_side_consumes(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(stream.send(bytes(100 * 32768)))
        await eventually(lambda: sum(len(each) for each in server.sent) > 20 * 32768)
        await idle()
        assert 20 < sum(each.startswith(struct.pack("!I", 1)) for each in _frames(server.sent)) < 50
        answered = 0
        while not sending.done():
            pings = [each for each in _frames(server.sent) if each.startswith(struct.pack("!I", 0x80030000 | PING))]
            server.say(*pings[answered:])
            answered = len(pings)
            await asyncio.sleep(0)


async def test_pings_that_acknowledge_go_with_the_data_that_follows(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    for _ in range(9):
        await stream.send(b"x")
    assert len(server.sent) == 10
    assert server.sent[-1].count(struct.pack("!I", 0x80030000 | PING)) == PROBE_PINGS


async def test_who_waits_for_bytes_is_not_woken_by_the_reply(server: Server):
    changed = asyncio.Event()
    stream = SpdyConnection(server).begin({}, changed)
    stream.replied()
    assert stream.accepted
    assert not changed.is_set()


async def test_a_silent_connection_is_pinged_and_lost_without_an_answer(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    with pytest.raises(ClusterUnreachableError, match="no answer to a ping"):
        await stream.receive()
    assert server.sent[-1].count(struct.pack("!I", 0x80030000 | PING)) == PROBE_PINGS
    assert connection.closed


async def test_a_connection_that_answers_some_pings_lives_though_a_worker_of_it_is_stuck(
    server: Server, connection: SpdyConnection
):
    stream = await connection.open({})
    await eventually(lambda: len(server.sent) > 1)
    server.say(server.sent[-1][:12])
    for _ in range(30):
        await asyncio.sleep(0.01)
    assert not connection.closed
    assert len(server.sent) == 2
    server.say(data(1, b"x"))
    assert await stream.receive() == b"x"


async def test_a_connection_that_is_not_read_is_not_lost(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    server.say(*[data(1, bytes(32768))] * 20)
    for _ in range(30):
        await asyncio.sleep(0.01)
    assert not connection.closed
    got = 0
    while got < 20 * 32768:
        got += len(await stream.receive())


async def test_when_the_other_side_goes_away_open_streams_go_on(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    server.say(control(7, struct.pack("!II", 1, 0)), data(1, b"last words", fin=True))
    assert await stream.receive() == b"last words"
    assert not connection.usable
