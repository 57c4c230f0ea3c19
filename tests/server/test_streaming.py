import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from pytilt.server.streaming import Streamed


class Reader:
    """The other side of an answer."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.gone = asyncio.Event()

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.sent)


async def test_the_parts_are_sent_as_they_come():
    async def parts() -> AsyncGenerator[bytes]:
        yield b"one"
        yield b"two"

    reader = Reader()
    await Streamed(parts(), "text/plain", {"X-Log-End": "2"})({"type": "http"}, reader.receive, reader.send)
    assert reader.body == b"onetwo"
    assert (b"x-log-end", b"2") in reader.sent[0]["headers"]
    assert reader.sent[-1]["more_body"] is False


async def test_nothing_goes_on_when_the_reader_is_gone():
    ended: list[str] = []
    reader = Reader()

    async def parts() -> AsyncGenerator[bytes]:
        try:
            yield b"one"
            reader.gone.set()
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    await Streamed(parts(), "text/plain")({"type": "http"}, reader.receive, reader.send)
    assert ended == ["ended"]


async def test_a_bug_is_passed_on_as_it_is():
    async def parts() -> AsyncGenerator[bytes]:
        yield b"one"
        raise ValueError("a bug")

    reader = Reader()
    with pytest.raises(ValueError, match="a bug"):
        await Streamed(parts(), "text/plain")({"type": "http"}, reader.receive, reader.send)
