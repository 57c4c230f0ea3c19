"""The application: its routes, and the answers about a session as a whole; objects and logs have their own modules."""

import asyncio
import time
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from pytilt import __version__
from pytilt.model.api.words import GROUP, VERSION
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.updates import Reason
from pytilt.server.bodies import builtins_encoded, encoded, json_response, shown
from pytilt.server.channel import TURN_SECONDS, Channels
from pytilt.server.guard import Guard
from pytilt.server.links import OneTimeLinks
from pytilt.server.log_routes import LogRoutes
from pytilt.server.object_routes import ObjectRoutes
from pytilt.server.page import PageFiles
from pytilt.server.requests import Requests, catch_up
from pytilt.server.snapshot import snapshot
from pytilt.server.streaming import Streamed
from pytilt.server.writing import kind_of
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.scanner_pool import LogScanner
from pytilt.views.alerts import alerts
from pytilt.views.api import row_names, ui_resources
from pytilt.views.definitions import detail, lanes
from pytilt.views.glances import glance

PIECE_BYTES = 65536
"""So much of a long answer is sent at once."""

T = TypeVar("T")


class TriggerBody(msgspec.Struct):
    """The body of `POST /api/trigger`, as Tilt's clients send it."""

    manifest_names: list[str]
    build_reason: int = int(Reason.UNKNOWN_TRIGGER)


class EnableBody(msgspec.Struct):
    """The body of `POST /api/enable`."""

    names: list[str]
    enabled: bool


def build_app(
    store: Store, logs: LogStore, scanner: LogScanner, requests: Requests, *, token: str | None, host: str
) -> ASGIApp:
    """Build the application.

    Args:
        store: the session's objects.
        logs: the session's log.
        scanner: scans the log for what is searched for.
        requests: takes what is asked for.
        token: what every request must show; None: nothing.
        host: where the session listens.
    """
    pages, links = PageFiles(token), OneTimeLinks()
    objects, routes = ObjectRoutes(store, logs, requests), Routes(store, logs, requests, pages, links)
    channels = Channels(store, logs, routes.encoded, partial(routes.report, "the channel of a page"))
    router = Router(  # not a `Starlette`, which brings a page of its own for errors
        routes=[
            *(route for prefix in ("", "/proxy") for route in objects.below(f"{prefix}/apis/{{group}}/{VERSION}")),
            Route("/api/trigger", routes.trigger, methods=["GET", "POST"]),
            Route("/api/enable", routes.enable, methods=["POST"]),
            Route("/api/args", routes.args, methods=["POST"]),
            Route("/api/set_tiltfile_args", routes.args, methods=["POST"]),
            Route("/api/barrier", routes.barrier, methods=["POST"]),
            Route("/api/logs", LogRoutes(logs, scanner, lambda: row_names(store.snapshot())).read),
            Route("/api/status", routes.status),
            Route("/api/version", routes.version),
            Route("/api/detail/{name:path}", routes.detail),
            Route("/api/updates", routes.updates),
            Route("/api/alerts", routes.alerts),
            Route("/api/link", routes.link, methods=["POST"]),
            Route("/api/snapshot", routes.snapshot),
            WebSocketRoute("/api/channel", channels.serve),
            Route("/assets/{name}", pages.asset),
            Route("/{path:path}", routes.page),
        ],
    )
    return Guard(ExceptionMiddleware(router, {Exception: routes.failed}), token, host, links)


class Routes:
    """Answers all other requests."""

    def __init__(self, store: Store, logs: LogStore, requests: Requests, pages: PageFiles, links: OneTimeLinks) -> None:
        self._store = store
        self._logs = logs
        self._requests = requests
        self._pages = pages
        self._links = links

    async def page(self, request: Request) -> Response:
        """The page, at every address that is none of the interface: it shows what the address names by itself."""
        if request.path_params["path"].startswith(("api/", "apis/", "proxy/")):
            raise HTTPException(404, "no such address")
        return await self._pages.answer(request, lambda: self._shown(ui_resources(self._store.snapshot())))

    async def detail(self, request: Request) -> Response:
        """What the page of one resource, or of the Tiltfile, shows beside its row."""
        name, state = request.path_params["name"], self._store.snapshot()
        # In a thread: YAML of many objects takes long to write, and the state does not change.
        found = await asyncio.to_thread(lambda: self.encoded(detail(state, name)))
        if found == b"null":
            raise HTTPException(404, f'no such resource "{name}"')
        return Response(found, media_type="application/json")

    async def link(self, _: Request) -> Response:
        """The code of a link that lets one browser in, once."""
        return PlainTextResponse(self._links.create())

    async def snapshot(self, _: Request) -> Response:
        """The page of this moment in one file."""
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        declaration = tiltfile.status.declaration if tiltfile is not None else None
        if declaration is not None and not declaration.snapshots:
            raise HTTPException(403, "the Tiltfile switches snapshots off by `disable_snapshots()`")
        if not self._pages.built:
            raise HTTPException(501, "the web page was not built, and a snapshot is one: see the page of the session")
        parts = snapshot(self._store, self._logs, self._pages.folder, self.encoded)
        headers = {"Content-Disposition": 'attachment; filename="tilt-snapshot.html"'}
        return Streamed(_yielding(parts), "text/html", headers)

    async def status(self, request: Request) -> Response:
        """The session at a glance."""
        await catch_up(request, self._requests)
        state = self._store.snapshot()

        def encode() -> bytes:
            rows = self._shown(ui_resources(state))
            return builtins_encoded(glance(rows, self._shown(list(kind_of("clusters", GROUP).list(state)))))

        return Response(await asyncio.to_thread(encode), media_type="application/json")

    async def updates(self, _: Request) -> Response:
        """The updates of all resources, for the timeline."""
        state = self._store.snapshot()
        found = await asyncio.to_thread(lambda: self.encoded(lanes(state)))
        return Response(found, media_type="application/json")

    async def alerts(self, _: Request) -> Response:
        """What asks for attention."""
        state = self._store.snapshot()
        found = await asyncio.to_thread(lambda: self.encoded(alerts(state)))
        return Response(found, media_type="application/json")

    def encoded(self, value: object) -> bytes:
        """The JSON of a value without what is secret in it."""
        return encoded(value, self._logs)

    async def failed(self, request: Request | WebSocket, problem: Exception) -> Response:
        """A request met a bug: its trace belongs into the log, where somebody sees it."""
        assert isinstance(request, Request)  # a channel reports its own
        self.report(f"`{request.method} {request.url.path}`", problem)
        return PlainTextResponse(self._logs.redactor(f"{type(problem).__name__}: {problem}"), status_code=500)

    def report(self, what: str, problem: BaseException) -> None:
        """Write a bug into the log."""
        span = self._logs.span(ResourceName(""), SpanId("server"))
        trace = "".join(traceback.format_exception(problem))
        span(f"{what} failed, which is a bug of pytilt:\n{trace}", level=Level.ERROR)

    async def version(self, _: Request) -> Response:
        """The version of this program."""
        return json_response({"version": __version__})

    async def trigger(self, request: Request) -> Response:
        """Ask for an update; the answers are Tilt's: a text with status 200 is a polite refusal."""
        if request.method != "POST":
            raise HTTPException(400, "must be POST request")
        body = await _body(request, TriggerBody)
        if len(body.manifest_names) != 1:
            raise HTTPException(400, "/api/trigger currently supports exactly one manifest name")
        name = ResourceName(body.manifest_names[0])
        resource = self._store.get(Resource, name)
        if resource is None and name != TILTFILE:
            raise HTTPException(404, f'resource "{name}" does not exist')
        if resource is not None and not resource.enabled:
            return PlainTextResponse(f'resource "{name}" is currently disabled')
        reason = Reason(body.build_reason)
        self._requests.trigger(name, reason if reason.triggered else Reason.UNKNOWN_TRIGGER)
        return Response(status_code=200)

    async def barrier(self, request: Request) -> Response:  # noqa: ARG002 - it has no body
        """Answer once the objects know of every change on disk that was there when it was asked."""
        await self._requests.catch_up()
        return Response(status_code=200)

    async def enable(self, request: Request) -> Response:
        """Enable or disable resources by name."""
        body = await _body(request, EnableBody)
        for name in body.names:
            if self._store.get(Resource, name) is None:
                known = name == TILTFILE
                raise HTTPException(
                    404, f"{name} cannot be enabled or disabled" if known else f'no such resource "{name}"'
                )
        await self._requests.set_enabled([ResourceName(name) for name in body.names], enabled=body.enabled)
        return Response(status_code=200)

    async def args(self, request: Request) -> Response:
        """Evaluate the Tiltfile with other arguments; says so where they are the same."""
        changed = self._requests.set_args(await _body(request, list[str]))
        return PlainTextResponse("" if changed else "Tilt is already running with those args -- no action taken")

    def _shown(self, body: T) -> T:
        return shown(body, self._logs)


async def _yielding(parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Parts joined to pieces of a sensible size, with room for others between them."""
    waiting, began = bytearray(), time.perf_counter()
    async for part in parts:
        waiting += part
        if len(waiting) >= PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
        if time.perf_counter() - began > TURN_SECONDS:
            await asyncio.sleep(0)
            began = time.perf_counter()
    yield bytes(waiting)


async def _body(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as problem:
        raise HTTPException(400, f"error parsing JSON payload: {problem}") from problem
