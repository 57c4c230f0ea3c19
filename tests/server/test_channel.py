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
from pytilt.model.objects import Resource, Runtime, RuntimeState
from pytilt.model.pods import Pod
from pytilt.server.channel import MOST_BEHIND, ROWS_AT_ONCE, EncodedRows
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


async def view(channel: ClientConnection) -> tuple[list[Any], Any]:
    """The rows that come before a view, and the view."""
    rows: list[Any] = []
    while (message := await received(channel))["type"] == "rows":
        rows += message["rows"]
    return rows, message


async def test_the_first_message_has_everything_and_the_next_one_what_changed(served: Served):
    async with page(served) as channel:
        rows, first = await view(channel)
        assert first["type"] == "view"
        assert first["order"] == ["web", "db", "(Tiltfile)"]
        assert [row["name"] for row in rows] == ["web", "db", "(Tiltfile)"]
        served.store.change(Resource, "db", lambda each: replace(each, enabled=False))
        rows, second = await view(channel)
        assert [(row["name"], row["dot"]) for row in rows] == [("db", "disabled")]
        assert "order" not in second
        assert "buttons" not in second


async def test_many_rows_come_a_screen_at_a_time(served: Served):
    served.add(*(f"service-{number}" for number in range(ROWS_AT_ONCE)))
    async with page(served) as channel:
        assert len((await received(channel))["rows"]) == ROWS_AT_ONCE
        assert len((await received(channel))["rows"]) == 3
        assert (await received(channel))["type"] == "view"


async def test_a_row_says_that_its_details_changed(served: Served):
    async with page(served) as channel:
        rows, _ = await view(channel)
        pod = Pod(name="web-1", namespace="default", uid="1", created_at="2026-01-01T00:00:00Z")
        served.store.put(Runtime(name="web", status=RuntimeState(pods=(pod,))))
        (after,), _ = await view(channel)
        assert after["changes"] > max(row["changes"] for row in rows)


async def test_pages_share_the_rows_that_were_encoded_for_one(served: Served):
    encoded: list[object] = []

    def encode(value: object) -> bytes:
        encoded.append(value)
        return json.dumps("row").encode()

    rows = EncodedRows(encode, served.logs.redactor)
    state = served.store.snapshot()
    assert [each.changes for each in rows.each(state)] == [each.changes for each in rows.each(state)]
    assert len(encoded) == 3
    served.logs.hide([("hunter22", "[redacted]")])
    assert len([*rows.each(state)]) == 3
    assert len(encoded) == 6


async def test_lines_come_as_they_are_asked_for(served: Served):
    span = served.logs.span(ResourceName("web"), SpanId("pod:web"))
    span("one\ntwo\n")
    span("bad\n", level=Level.ERROR)
    async with page(served) as channel:
        await view(channel)
        await channel.send(json.dumps({"type": "follow", "id": 7, "cursor": 1, "resources": ["web"]}))
        message = await received(channel)
        assert (message["type"], message["id"]) == ("blocks", 7)
        assert [(each["number"], each["text"]) for each in message["blocks"]] == [(1, "two"), (2, "bad")]
        await channel.send(json.dumps({"type": "follow", "id": 7, "cursor": 0, "atLeast": "ERROR"}))
        assert [each["text"] for each in (await received(channel))["blocks"]] == ["bad"]
        await channel.send(json.dumps({"type": "unfollow", "id": 7}))
        await channel.send(json.dumps({"type": "follow", "id": 8, "cursor": 3}))
        span("new\n")
        assert (await received(channel))["id"] == 8


async def test_a_page_that_was_away_for_long_gets_the_lines_that_it_can_hold(served: Served):
    span = served.logs.span(ResourceName("web"), SpanId("pod:web"))
    span("".join(f"{number}\n" for number in range(MOST_BEHIND + 100)))
    async with page(served) as channel:
        await view(channel)
        await channel.send(json.dumps({"type": "follow", "id": 1, "cursor": 5}))
        message = await received(channel)
        assert message["skipped"] is True
        assert message["blocks"][0]["number"] == 100
        span("new\n")
        while (message := await received(channel))["blocks"][-1]["text"] != "new":
            assert "skipped" not in message


async def test_no_secret_is_sent(served: Served):
    served.logs.hide([("hunter22", "[redacted]")])
    served.store.change(Resource, "web", lambda each: replace(each, spec=replace(each.spec, labels=("hunter22",))))
    async with page(served) as channel:
        rows, _ = await view(channel)
        assert rows
        assert "hunter22" not in json.dumps(rows)


async def test_a_page_that_cannot_be_understood_is_let_go(served: Served):
    async with page(served) as channel:
        await view(channel)
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
