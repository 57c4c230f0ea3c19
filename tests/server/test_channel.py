import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource
from tests.server.sessions import TOKEN, Served


@pytest.fixture
def served(tmp_path: Path):
    made = Served(tmp_path)
    made.add("web", "db")
    yield made
    made.logs.close()


@asynccontextmanager
async def page(served: Served, **headers: str) -> AsyncIterator[ClientConnection]:
    async with served.listening() as port:
        shown = {"x-tilt-token": TOKEN, **headers}
        async with connect(f"ws://localhost:{port}/api/channel", additional_headers=shown) as channel:
            yield channel


async def received(channel: ClientConnection) -> Any:
    return json.loads(await channel.recv())


async def test_the_first_message_has_everything_and_the_next_one_what_changed(served: Served):
    async with page(served) as channel:
        first = await received(channel)
        assert first["type"] == "view"
        assert first["order"] == ["web", "db", "(Tiltfile)"]
        assert [row["name"] for row in first["rows"]] == ["web", "db", "(Tiltfile)"]
        served.store.change(Resource, "db", lambda each: replace(each, enabled=False))
        second = await received(channel)
        assert [(row["name"], row["dot"]) for row in second["rows"]] == [("db", "disabled")]
        assert "buttons" not in second


async def test_lines_come_as_they_are_asked_for(served: Served):
    span = served.logs.span(ResourceName("web"), SpanId("pod:web"))
    span("one\ntwo\n")
    span("bad\n", level=Level.ERROR)
    async with page(served) as channel:
        await received(channel)
        await channel.send(json.dumps({"type": "follow", "id": 7, "cursor": 1, "resources": ["web"]}))
        lines = await received(channel)
        assert (lines["type"], lines["id"], [each["text"] for each in lines["lines"]]) == ("lines", 7, ["two", "bad"])
        await channel.send(json.dumps({"type": "follow", "id": 7, "cursor": 0, "atLeast": "ERROR"}))
        assert [each["text"] for each in (await received(channel))["lines"]] == ["bad"]
        await channel.send(json.dumps({"type": "unfollow", "id": 7}))
        await channel.send(json.dumps({"type": "follow", "id": 8, "cursor": 3}))
        span("new\n")
        assert (await received(channel))["id"] == 8


async def test_no_secret_is_sent(served: Served):
    served.logs.hide([("hunter22", "[redacted]")])
    served.store.change(Resource, "web", lambda each: replace(each, spec=replace(each.spec, labels=("hunter22",))))
    async with page(served) as channel:
        assert "hunter22" not in json.dumps(await received(channel))


async def test_a_page_that_cannot_be_understood_is_let_go(served: Served):
    async with page(served) as channel:
        await received(channel)
        await channel.send('{"type": "nonsense"}')
        with pytest.raises(ConnectionClosed) as ended:
            await channel.recv()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1007


@pytest.mark.parametrize("headers", [{"x-tilt-token": "wrong"}, {"origin": "http://evil.example"}])
async def test_a_channel_of_another_site_or_without_the_token_is_refused(served: Served, headers: dict[str, str]):
    with pytest.raises(InvalidStatus) as refused:
        async with page(served, **headers):
            pass
    assert refused.value.response.status_code == 403
