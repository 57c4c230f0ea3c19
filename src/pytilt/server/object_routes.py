"""The objects over HTTP, as in Kubernetes: lists and watches, one object, and how clients write them."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pytilt.model.api.words import VERSION
from pytilt.model.extensions import UsedExtension
from pytilt.server.adding import can_be_added, document, extension_of
from pytilt.server.bodies import builtins_encoded, json_response, shown
from pytilt.server.log_routes import NDJSON
from pytilt.server.requests import Requests, catch_up
from pytilt.server.streaming import Streamed
from pytilt.server.writing import Writing, body_of, is_dry_run, kind_of
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.views.api import Json, Kind, kinds

T = TypeVar("T")


class ObjectRoutes:
    """Answers requests for objects.

    Args:
        store: the session's objects.
        logs: knows what is secret.
        requests: takes what is asked of the session.
    """

    def __init__(self, store: Store, logs: LogStore, requests: Requests) -> None:
        self._store = store
        self._logs = logs
        self._requests = requests

    def below(self, base: str) -> list[Route]:
        """The routes of all objects, at addresses below one."""
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
        return json_response({"kind": "APIResourceList", "groupVersion": f"{group}/{VERSION}", "resources": resources})

    async def list(self, request: Request) -> Response:
        """All objects of a kind; with `watch`, one JSON line for each and then for every change of one."""
        kind, params = _kind(request), request.query_params
        await catch_up(request, self._requests)
        if params.get("watch"):
            bookmark = params.get("sendInitialEvents", "") in ("1", "true")
            return Streamed(self._watch(kind, params.get("name"), bookmark=bookmark), NDJSON)
        state = self._store.snapshot()

        def encode() -> bytes:
            return builtins_encoded(
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
        return self._answer(found)

    async def create(self, request: Request) -> Response:
        """Make an object."""
        kind = _kind(request)
        if can_be_added(kind):
            extension = extension_of(kind, await body_of(request))
            if not is_dry_run(request) and not self._requests.add_extension(extension):
                raise HTTPException(409, f'{kind.plural}.{kind.group} "{extension.name}" already exists')
            return self._answer(document(kind, extension), 201)
        return self._answer(self._writing(request).create(_kind(request), await body_of(request)), 201)

    async def replace(self, request: Request) -> Response:
        """Write an object, or its status, anew."""
        body = await body_of(request)
        return self._answer(self._writing(request).replace(_kind(request), request.path_params["name"], body))

    async def patch(self, request: Request) -> Response:
        """Change an object, or its status, by a merge patch."""
        body = await body_of(request)
        return self._answer(self._writing(request).patch(_kind(request), request.path_params["name"], body))

    async def delete(self, request: Request) -> Response:
        """Delete an object."""
        kind, name = _kind(request), request.path_params["name"]
        if can_be_added(kind) and not is_dry_run(request):
            extension = UsedExtension(plural=kind.plural, name=name, spec={})
            if self._requests.remove_extension(extension):
                return json_response(
                    {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"name": name}}
                )
        return json_response(self._writing(request).delete(_kind(request), request.path_params["name"]))

    def _writing(self, request: Request) -> Writing:
        return Writing(self._store, dry_run=is_dry_run(request))

    def _answer(self, body: object, status: int = 200) -> Response:
        return json_response(self._shown(body), status)

    def _shown(self, body: T) -> T:
        return shown(body, self._logs)

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
                yield b"".join(builtins_encoded(event) + b"\n" for event in new)


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


def _kind(request: Request) -> Kind:
    return kind_of(request.path_params["kind"], request.path_params["group"])
