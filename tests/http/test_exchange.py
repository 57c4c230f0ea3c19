from collections.abc import AsyncIterator

import pytest

from pytilt.http.exchange import Exchange
from pytilt.http.wires import BrokenWireError
from tests.http.scripted_wire import ScriptedWire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_one_answer_follows_the_other():
    wire = ScriptedWire(OK, b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot", b"\r\n0\r\n\r\n")
    exchange = Exchange(wire, "engine")
    assert (await exchange.ask("GET", "/x")).status == 200
    assert not exchange.renew(), "its body is not read yet"
    assert await exchange.body() == b"OK"
    assert exchange.renew()
    head = await exchange.ask("GET", "/y", [("Accept", "a")])
    assert (head.status, head.headers) == (404, {"transfer-encoding": "chunked"})
    assert await exchange.body() == b"not"
    assert wire.sent.endswith(b"GET /y HTTP/1.1\r\nHost: engine\r\nUser-Agent: tilt\r\nAccept: a\r\n\r\n")


async def test_no_answer_follows_one_after_which_the_server_closes():
    exchange = Exchange(ScriptedWire(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall"), "engine")
    await exchange.ask("GET", "/x")
    assert await exchange.body() == b"all"
    assert not exchange.renew()


@pytest.mark.parametrize(
    ("method", "content", "sent"),
    [
        ("GET", b"", b"User-Agent: tilt\r\n\r\n"),
        ("POST", b"", b"\r\nContent-Length: 0\r\n\r\n"),
        ("POST", b"abc", b"\r\nContent-Length: 3\r\n\r\nabc"),
    ],
)
async def test_a_body_goes_as_a_whole(method: str, content: bytes, sent: bytes):
    wire = ScriptedWire(OK)
    await Exchange(wire, "engine").ask(method, "/x", content=content)
    assert wire.sent.endswith(sent)


async def test_a_body_goes_in_chunks():
    wire = ScriptedWire(OK)
    await Exchange(wire, "engine").ask("POST", "/x", content=chunks(b"ab", b"", b"c"))
    assert wire.sent.endswith(b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")


async def test_a_header_may_be_in_any_language():
    wire = ScriptedWire(OK)
    await Exchange(wire, "engine").ask("GET", "/x", [("Impersonate-User", "Jörg")])
    assert "\r\nImpersonate-User: Jörg\r\n" in wire.sent.decode()


async def test_what_is_said_on_the_way_is_passed_over():
    exchange = Exchange(ScriptedWire(b"HTTP/1.1 100 Continue\r\n\r\n", OK), "engine")
    assert (await exchange.ask("GET", "/x")).status == 200


async def test_a_refusal_is_received_though_the_body_is_not_read_to_its_end():
    wire = ScriptedWire(b"HTTP/1.1 400 No\r\nContent-Length: 3\r\n\r\nwhy", reads=100)
    exchange = Exchange(wire, "engine")
    head = await exchange.ask("POST", "/x", content=chunks(b"a" * 50, b"b" * 50, b"c"))
    assert (head.status, await exchange.body()) == (400, b"why")
    assert not exchange.renew()
    assert b"c" not in wire.sent[100:]


async def test_a_connection_that_was_handed_over_keeps_what_came_too_early():
    wire = ScriptedWire(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\nfirst")
    exchange = Exchange(wire, "engine")
    head = await exchange.ask("POST", "/x", [("Connection", "Upgrade"), ("Upgrade", "tcp")])
    assert (head.status, exchange.take_over()) == (101, b"first")
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
        await Exchange(ScriptedWire(*said), "engine").ask("GET", "/x")


async def test_a_body_that_ends_in_the_middle_is_a_broken_wire():
    exchange = Exchange(ScriptedWire(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf"), "engine")
    await exchange.ask("GET", "/x")
    with pytest.raises(BrokenWireError):
        await exchange.body()


@pytest.mark.parametrize(
    ("target", "headers"), [("/a b", []), ("/é", []), ("/a", [("X", "a\r\nY: b")]), ("/a", [("é", "")])]
)
async def test_what_http_forbids_is_not_sent(target: str, headers: list[tuple[str, str]]):
    wire = ScriptedWire(OK)
    with pytest.raises(BrokenWireError, match="cannot be sent"):
        await Exchange(wire, "engine").ask("GET", target, headers)
    assert wire.sent == b""


async def test_what_arrives_at_once_is_one_piece_of_the_body():
    parts = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n", b"1\r\nd\r\n0\r\n\r\n")
    exchange = Exchange(ScriptedWire(*parts), "engine")
    await exchange.ask("GET", "/x")
    assert [piece async for piece in exchange.chunks()] == [b"abc", b"d"]
