"""Every route refuses whoever may not ask; the application itself says which there are, so that none is forgotten."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Route, Router, WebSocketRoute

from pytilt.server.guard import Guard
from tests.server.sessions import TOKEN, Served

HOST = "localhost:10350"
GOOD = {"host": HOST, "x-tilt-token": TOKEN}
ADDRESSES = {"group": "tilt.dev", "kind": "uiresources", "name": "web"}

FOREIGN: list[Mapping[str, str]] = [
    {**GOOD, "host": "evil.example"},
    {**GOOD, "host": "localhost.evil.example:10350"},
    {**GOOD, "host": "localhost@evil.example:10350"},
    {**GOOD, "host": ""},
    {"x-tilt-token": TOKEN},
    {**GOOD, "origin": "http://evil.example"},
    {**GOOD, "origin": "http://localhost:3000"},
    {**GOOD, "origin": f"http://{HOST}.evil.example"},
    {**GOOD, "origin": "null"},
    {"host": HOST, "cookie": f"Tilt-Token={TOKEN}", "origin": "https://evil.example"},
]
"""What pages of other sites send, by a name of their own that leads to this machine, or with the cookie."""

STRANGERS: list[Mapping[str, str]] = [
    {"host": HOST},
    {"host": HOST, "x-tilt-token": "wrong"},
    {"host": HOST, "x-tilt-token": TOKEN[:-1]},
    {"host": HOST, "x-tilt-token": f"{TOKEN}x"},
    {"host": HOST, "x-tilt-token": "", "cookie": "Tilt-Token=wrong"},
    {"host": HOST, "authorization": "Bearer wrong"},
]
"""What programs send that do not know the token."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    made.add("web")
    yield made
    made.logs.close()


def every_address(served: Served) -> Iterator[tuple[str, str]]:
    """Method, or `WEBSOCKET`, and an address for every route."""
    assert isinstance(served.app, Guard)
    assert isinstance(served.app.app, ExceptionMiddleware)
    assert isinstance(served.app.app.app, Router)
    for route in served.app.app.app.routes:
        assert isinstance(route, Route | WebSocketRoute), f"{route} is of a kind that this test does not know"
        address = re.sub(r"\{(\w+)(:path)?\}", lambda found: ADDRESSES.get(found[1], "web"), route.path)
        for method in ["WEBSOCKET"] if isinstance(route, WebSocketRoute) else sorted(route.methods or ()):
            yield method, address


async def status(served: Served, method: str, address: str, headers: Mapping[str, str]) -> int:
    """The status of the answer to a request that comes from this machine; 101: a channel is open."""
    path, _, query = address.partition("?")
    socket = method == "WEBSOCKET"
    scope: dict[str, Any] = {
        "type": "websocket" if socket else "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 10350),
        "scheme": "ws" if socket else "http",
        "extensions": {"websocket.http.response": {}},
    }
    first: list[dict[str, Any]] = [{"type": "websocket.connect"} if socket else {"type": "http.request", "body": b"{}"}]
    found: list[int] = []

    async def receive() -> MutableMapping[str, Any]:
        return first.pop() if first else {"type": "websocket.disconnect" if socket else "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.accept":
            found.append(101)
        elif str(message["type"]).endswith("response.start"):
            found.append(message["status"])

    await served.app(scope, receive, send)
    return found[0]


async def test_no_route_answers_a_page_of_another_site(served: Served):
    for method, address in every_address(served):
        for headers in FOREIGN:
            assert (method, address, headers, await status(served, method, address, headers))[3] == 403
    assert (served.asked.triggered, served.asked.barriers) == ([], 0)


async def test_no_route_but_the_page_answers_who_shows_no_token(served: Served):
    open_to_all = set()
    for method, address in every_address(served):
        for headers in STRANGERS:
            for where in (address, f"{address}?token={TOKEN}", f"{address}?follow=1&watch=1"):
                if await status(served, method, where, headers) != 403:
                    open_to_all.add((method, where.partition("?")[0]))
    assert open_to_all == {(method, path) for method in ("GET", "HEAD") for path in ("/web", "/assets/web")}
    assert (served.asked.triggered, served.asked.barriers) == ([], 0)


async def test_who_may_ask_is_answered_by_every_route(served: Served):
    for method, address in every_address(served):
        assert (method, address, await status(served, method, address, GOOD))[2] != 403


@pytest.mark.parametrize(
    "address",
    [
        "/%61pi/trigger",
        "/api%2ftrigger",
        "//api/trigger",
        "/./api/trigger",
        "/assets/../api/trigger",
        "/API/trigger",
        "/api/trigger/",
        "/proxy//api/trigger",
        "/api/trigger;x",
        "/api/trigger%00",
    ],
)
async def test_no_other_way_to_write_an_address_leads_past_the_token(served: Served, address: str):
    """It is refused, or it is an address of the page, which only reads."""
    assert await status(served, "POST", address, {"host": HOST}) in (403, 404, 405)
    assert served.asked.triggered == []


async def test_a_link_lets_nobody_in_from_another_site(served: Served):
    for headers in FOREIGN:
        assert await status(served, "GET", "/?token=guessed", headers) == 403
