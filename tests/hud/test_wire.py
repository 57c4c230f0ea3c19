import asyncio

import pytest

from pytilt.errors import SessionUnreachableError
from pytilt.hud.wire import Place, request


async def answered(reply: bytes):
    """What a server with this one reply is asked, and what comes of it."""
    asked = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(reply)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        place = Place(host="127.0.0.1", port=port, token="secret")
        async with request(place, "GET", "/api/logs?tail=3") as answer:
            lines = [line async for batch in answer.lines() for line in batch]
    return bytes(asked), answer.status, lines


async def test_a_request_shows_the_token_and_names_the_host():
    asked, _, _ = await answered(b"HTTP/1.1 200 OK\r\n\r\n")
    assert asked.startswith(b"GET /api/logs?tail=3 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-Tilt-Token: secret\r\n" in asked


async def test_lines_come_with_or_without_chunks():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\nb\n\r\n1\r\nc\r\n0\r\n\r\n"
    assert (await answered(chunked))[1:] == (200, [b"a", b"b", b"c"])
    assert (await answered(b"HTTP/1.0 403 Forbidden\r\n\r\nno\n"))[1:] == (403, [b"no"])


async def test_a_session_that_is_not_there_is_unreachable():
    async with await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    with pytest.raises(
        SessionUnreachableError, match=rf"no session answers at 127.0.0.1:{port}\nhint: start a session"
    ):
        async with request(Place(host="127.0.0.1", port=port), "GET", "/"):
            pass


async def test_an_answer_that_breaks_off_is_reported():
    with pytest.raises(SessionUnreachableError):
        await answered(b"HTTP/1.1 200")
