import asyncio
import struct
import zlib
from collections.abc import AsyncIterator

import pytest

from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes.spdy import DICTIONARY, SpdyConnection


class Server:
    """The other side of a wire: keeps what was sent, sends what a test says."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self._coming: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(data)

    async def receive_bytes(self) -> bytes:
        data = await self._coming.get()
        if data is None:
            raise EOFError
        return data

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._coming.put_nowait(piece)

    def hang_up(self) -> None:
        self._coming.put_nowait(None)


def data(number: int, content: bytes, *, fin: bool = False) -> bytes:
    return struct.pack("!II", number, fin << 24 | len(content)) + content


def control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack("!II", 0x80030000 | kind, flags << 24 | len(payload)) + payload


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def connection(server: Server) -> AsyncIterator[SpdyConnection]:
    made = SpdyConnection(server)
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
    server.say(control(3, struct.pack("!II", 1, 2)))
    assert await first.receive() == b""
    server.hang_up()
    assert await second.receive() == b""
    with pytest.raises(ClusterUnreachableError):
        await connection.open({})


async def test_a_ping_is_answered(server: Server, connection: SpdyConnection):
    ping = control(6, struct.pack("!I", 2))
    stream = await connection.open({})
    server.say(ping, data(1, b"x"))
    await stream.receive()
    assert server.sent[-1] == ping


async def test_finishing_is_told_once_and_giving_up_resets(server: Server, connection: SpdyConnection):
    stream = await connection.open({})
    await stream.finish()
    await stream.finish()
    assert server.sent[1:] == [data(1, b"", fin=True)]
    await stream.close()
    assert server.sent[-1] == control(3, struct.pack("!II", 1, 5))
    assert connection.streams == 0
