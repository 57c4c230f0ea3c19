from collections.abc import AsyncIterator

import h11
import pytest

from pytilt.images.docker.exchange import Exchange
from pytilt.images.docker.wires import BrokenWireError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class ScriptedWire:
    """A wire on which the other side says what it was given, one piece at a time, and reads only so many bytes."""

    def __init__(self, *said: bytes, reads: int = 1000) -> None:
        self.sent = b""
        self._said = list(said)
        self._reads = reads

    async def send(self, data: bytes) -> None:
        self.sent += data
        if len(self.sent) > self._reads:
            raise BrokenWireError("broken pipe")

    async def receive(self) -> bytes:
        return self._said.pop(0) if self._said else b""

    def end_sending(self) -> None: ...

    def silent(self) -> bool:
        return not self._said

    def close(self) -> None: ...


def request(method: str = "GET", **headers: str) -> h11.Request:
    return h11.Request(method=method, target="/x", headers=[("Host", "engine"), *headers.items()])


async def body(exchange: Exchange) -> bytes:
    return b"".join([chunk async for chunk in exchange.chunks()])


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_one_answer_follows_the_other():
    wire = ScriptedWire(OK, b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot", b"\r\n0\r\n\r\n")
    exchange = Exchange(wire)
    assert (await exchange.ask(request(), b"")).status_code == 200
    assert not exchange.renew(), "its body is not read yet"
    assert await body(exchange) == b"OK"
    assert exchange.renew()
    assert (await exchange.ask(request(), b"")).status_code == 404
    assert await body(exchange) == b"not"


async def test_no_answer_follows_one_after_which_the_server_closes():
    exchange = Exchange(ScriptedWire(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall"))
    await exchange.ask(request(), b"")
    assert await body(exchange) == b"all"
    assert not exchange.renew()


async def test_a_body_goes_as_a_whole_or_in_chunks():
    whole, chunked = ScriptedWire(OK), ScriptedWire(OK)
    await Exchange(whole).ask(request("POST", **{"Content-Length": "3"}), b"abc")
    await Exchange(chunked).ask(request("POST", **{"Transfer-Encoding": "chunked"}), chunks(b"ab", b"", b"c"))
    assert whole.sent.endswith(b"\r\n\r\nabc")
    assert chunked.sent.endswith(b"\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")


async def test_what_is_said_on_the_way_is_passed_over():
    exchange = Exchange(ScriptedWire(b"HTTP/1.1 100 Continue\r\n\r\n", OK))
    assert (await exchange.ask(request(), b"")).status_code == 200


async def test_a_refusal_is_heard_though_the_body_is_not_read_to_its_end():
    wire = ScriptedWire(b"HTTP/1.1 400 No\r\nContent-Length: 3\r\n\r\nwhy", reads=100)
    exchange = Exchange(wire)
    head = await exchange.ask(request("POST", **{"Transfer-Encoding": "chunked"}), chunks(b"a" * 50, b"b" * 50, b"c"))
    assert (head.status_code, await body(exchange)) == (400, b"why")
    assert not exchange.renew()
    assert b"c" not in wire.sent[100:]


async def test_a_connection_that_was_handed_over_keeps_what_came_too_early():
    exchange = Exchange(ScriptedWire(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\nfirst"))
    head = await exchange.ask(request("POST", Connection="Upgrade", Upgrade="tcp"), b"")
    assert (head.status_code, exchange.take_over()) == (101, b"first")
    assert not exchange.renew()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ((), "closed without an answer"),
        ((b"HTTP/1.1 200 OK\r\n",), "closed without an answer"),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), "illegal status line"),
    ],
)
async def test_what_is_no_answer_is_a_broken_wire(said: tuple[bytes, ...], why: str):
    with pytest.raises(BrokenWireError, match=why):
        await Exchange(ScriptedWire(*said)).ask(request(), b"")


async def test_a_body_that_ends_in_the_middle_is_a_broken_wire():
    exchange = Exchange(ScriptedWire(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf"))
    await exchange.ask(request(), b"")
    with pytest.raises(BrokenWireError):
        await body(exchange)
