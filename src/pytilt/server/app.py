"""The application: objects to read and to watch, logs to read and to follow, triggers to post."""

import asyncio
import json
import time
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

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
from pytilt.model.extensions import UsedExtension
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.updates import Reason
from pytilt.server.adding import can_be_added, document, extension_of
from pytilt.server.channel import TURN_SECONDS, Channels
from pytilt.server.guard import Guard
from pytilt.server.links import OneTimeLinks
from pytilt.server.log_routes import NDJSON, LogRoutes
from pytilt.server.page import PageFiles
from pytilt.server.snapshot import snapshot
from pytilt.server.streaming import Streamed
from pytilt.server.writing import Writing, body_of, is_dry_run, kind_of
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.scanner_pool import LogScanner
from pytilt.views.alerts import alerts
from pytilt.views.api import Json, Kind, kinds, row_names, ui_resources
from pytilt.views.definitions import detail, lanes
from pytilt.views.glances import glance
from pytilt.views.hiding import without_secrets

PIECE_BYTES = 65536
"""So much of a long answer is sent at once."""

T = TypeVar("T")


class Requests(Protocol):
    """What a request may ask of the session."""

    def trigger(self, name: ResourceName, reason: Reason) -> None:
        """Ask for an update of a resource, or for an evaluation of the Tiltfile."""
        ...

    async def set_enabled(self, names: Sequence[ResourceName], *, enabled: bool) -> None:
        """Enable or disable resources."""
        ...

    def set_args(self, args: Sequence[str]) -> bool:
        """Evaluate the Tiltfile with other arguments; return whether they differ from before."""
        ...

    def add_extension(self, extension: UsedExtension) -> bool:
        """Evaluate with an extension, or a repository of them, beside the Tiltfile; False: the name is taken."""
        ...

    def remove_extension(self, extension: UsedExtension) -> bool:
        """Evaluate without one that was added; False: there is none."""
        ...

    async def catch_up(self) -> None:
        """Wait until every change on disk up to this moment is known, and what is due because of it."""
        ...


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
    routes = Routes(store, logs, requests, pages, links)
    channels = Channels(store, logs, routes.encoded, partial(routes.report, "the channel of a page"))
    router = Router(  # not a `Starlette`, which brings a page of its own for errors
        routes=[
            *(route for prefix in ("", "/proxy") for route in routes.objects(f"{prefix}/apis/{{group}}/{VERSION}")),
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
    """Answers requests."""

    def __init__(self, store: Store, logs: LogStore, requests: Requests, pages: PageFiles, links: OneTimeLinks) -> None:
        self._store = store
        self._logs = logs
        self._requests = requests
        self._pages = pages
        self._links = links

    def objects(self, base: str) -> list[Route]:
        """The routes of the objects."""
        one = f"{base}/{{kind}}/{{name:path}}"
        return [
            Route(base, self.kinds),
            Route(f"{base}/{{kind}}", self.list),
            Route(f"{base}/{{kind}}", self.create, methods=["POST"]),
            Route(one, self.get),
            Route(one, self.replace, methods=["PUT"]),
            Route(one, self.patch, methods=["PATCH"]),
            Route(one, self.delete, methods=["DELETE"]),
        ]

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
        await self._catch_up(request)
        state = self._store.snapshot()

        def encode() -> bytes:
            rows = self._shown(ui_resources(state))
            return _encoded(glance(rows, self._shown(list(kind_of("clusters", GROUP).list(state)))))

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
        return _json({"version": __version__})

    async def kinds(self, request: Request) -> Response:
        """The kinds of a group that can be read."""
        group = request.path_params["group"]
        resources = [
            {"name": kind.plural, "kind": kind.name, "shortNames": list(kind.short), "verbs": list(kind.verbs)}
            for kind in kinds()
            if kind.group == group
        ]
        if not resources:
            raise HTTPException(404, f'there is no group "{group}"')
        return _json({"kind": "APIResourceList", "groupVersion": f"{group}/{VERSION}", "resources": resources})

    async def list(self, request: Request) -> Response:
        """All objects of a kind; with `watch`, one JSON line for each and then for every change of one."""
        kind, params = _kind(request), request.query_params
        await self._catch_up(request)
        if params.get("watch"):
            bookmark = params.get("sendInitialEvents", "") in ("1", "true")
            return Streamed(self._watch(kind, params.get("name"), bookmark=bookmark), NDJSON)
        state = self._store.snapshot()

        def encode() -> bytes:
            return _encoded(
                {
                    "apiVersion": kind.group_version,
                    "kind": f"{kind.name}List",
                    "metadata": {"resourceVersion": str(state.version)},
                    "items": self._shown(list(kind.list(state))),
                }
            )

        # In a thread: there may be many, and the state does not change.
        return Response(await asyncio.to_thread(encode), media_type="application/json")

    async def get(self, request: Request) -> Response:
        """One object."""
        kind, name = _kind(request), request.path_params["name"]
        found = kind.one(self._store.snapshot(), name)
        if found is None:
            raise HTTPException(404, f'{kind.plural}.{kind.group} "{name}" not found')
        return _json(self._shown(found))

    async def create(self, request: Request) -> Response:
        """Make an object."""
        kind = _kind(request)
        if can_be_added(kind):
            extension = extension_of(kind, await body_of(request))
            if not is_dry_run(request) and not self._requests.add_extension(extension):
                raise HTTPException(409, f'{kind.plural}.{kind.group} "{extension.name}" already exists')
            return _json(self._shown(document(kind, extension)), 201)
        return _json(self._shown(self._writing(request).create(_kind(request), await body_of(request))), 201)

    async def replace(self, request: Request) -> Response:
        """Write an object, or its status, anew."""
        body = await body_of(request)
        return _json(self._shown(self._writing(request).replace(_kind(request), request.path_params["name"], body)))

    async def patch(self, request: Request) -> Response:
        """Change an object, or its status, by a merge patch."""
        body = await body_of(request)
        return _json(self._shown(self._writing(request).patch(_kind(request), request.path_params["name"], body)))

    async def delete(self, request: Request) -> Response:
        """Delete an object."""
        kind, name = _kind(request), request.path_params["name"]
        if can_be_added(kind) and not is_dry_run(request):
            extension = UsedExtension(plural=kind.plural, name=name, spec={})
            if self._requests.remove_extension(extension):
                return _json({"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"name": name}})
        return _json(self._writing(request).delete(_kind(request), request.path_params["name"]))

    def _writing(self, request: Request) -> Writing:
        return Writing(self._store, dry_run=is_dry_run(request))

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

    async def _catch_up(self, request: Request) -> None:
        """The same for another question, where it wants that."""
        if request.query_params.get("barrier"):
            await self._requests.catch_up()

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
        """What a reader gets: nothing in it is secret."""
        redactor = self._logs.redactor
        if not redactor or not redactor.found(_encoded(body).decode(errors="replace")):
            return body
        hidden: T = without_secrets(body, redactor)
        return hidden

    async def _watch(self, kind: Kind, name: str | None, *, bookmark: bool) -> AsyncGenerator[bytes]:
        known: dict[str, Json] = {}
        ends = [_initial_events_end(kind)] if bookmark else []
        async for changed in self._store.watch(*kind.sources):
            state = self._store.snapshot()
            if kind.every is not None:
                every = kind.every(state)
                order = [*every, *sorted(known.keys() - every.keys())]
            else:
                names, touched = kind.names(state), kind.touched(changed.names)
                order = [each for each in names if each in touched] + sorted(touched - set(names))
                every = {each: found for each in order if (found := kind.one(state, each)) is not None}
            events = [_event(known, each, self._shown(every.get(each))) for each in order if name in (None, each)]
            new, ends = [*(event for event in events if event is not None), *ends], []
            if new:
                yield b"".join(_encoded(event) + b"\n" for event in new)


def encoded(value: object, logs: LogStore) -> bytes:
    """The JSON of a value without what is secret in it.

    Args:
        value: anything that is JSON.
        logs: knows what is secret.
    """
    try:
        found = msgspec.json.encode(value)
    except UnicodeEncodeError:
        found = _encoded(msgspec.to_builtins(value))
    redactor = logs.redactor
    if not redactor or not redactor.found(found.decode()):
        return found
    return _encoded(without_secrets(msgspec.json.decode(found), redactor))


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


def _initial_events_end(kind: Kind) -> Json:
    """What says in a watch that all objects that were there have been named, in Kubernetes' form."""
    metadata = {"annotations": {"k8s.io/initial-events-end": "true"}}
    return {
        "type": "BOOKMARK",
        "object": {"apiVersion": kind.group_version, "kind": kind.name, "metadata": metadata},
    }


def _event(known: dict[str, Json], name: str, present: Json | None) -> Json | None:
    """What happened to one object, None when nothing did; `known` is brought up to date."""
    before = known.pop(name, None)
    if present is None:
        return None if before is None else {"type": "DELETED", "object": before}
    known[name] = present
    if before == present:
        return None
    return {"type": "ADDED" if before is None else "MODIFIED", "object": present}


async def _body(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as problem:
        raise HTTPException(400, f"error parsing JSON payload: {problem}") from problem


def _kind(request: Request) -> Kind:
    return kind_of(request.path_params["kind"], request.path_params["group"])


def _json(body: Json, status: int = 200) -> Response:
    return Response(_encoded(body), status, media_type="application/json")


def _encoded(body: object) -> bytes:
    """The JSON of builtin values, with a `?` for every byte of a file's name or text that was no UTF-8."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")
