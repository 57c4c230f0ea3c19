"""Watches: everything there is, then every change, over broken connections and restarts of the server.

A watch of all namespaces that may not be listed falls back to the connection's own namespace. Objects that may not be
listed there either are an error, since that does not heal. Everything else is tried again, 50 ms later at first and
15 s later at last.
"""

import asyncio
import math
import random
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

import msgspec

from pytilt.cluster import objects
from pytilt.cluster.seam import Change, ChangeType
from pytilt.errors import ClusterUnreachableError
from pytilt.http.decoding import MalformedJsonError, beginning, decode
from pytilt.kubernetes import failures
from pytilt.kubernetes.api import KubernetesApi, Stream
from pytilt.kubernetes.discovery import ApiResource, Discovery, plain
from pytilt.kubernetes.failures import Failure
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject

FIRST_DELAY_SECONDS = 0.05
LAST_DELAY_SECONDS = 15.0

_PAGE = "500"
"""Objects per answer while listing, as in kubectl."""

_WATCH_SECONDS = 290
"""How long the server keeps a watch open: below the five minutes after which proxies often cut idle connections."""

_STALE = (404, 410)
"""The version is too old, or the kind was gone for a while."""


class Backoff:
    """How long to wait before another try: twice as long each time, a little at random.

    What went well for longer than the longest wait begins anew.
    """

    def __init__(self) -> None:
        self._delay = FIRST_DELAY_SECONDS
        self._waited = asyncio.get_running_loop().time()

    async def wait(self) -> None:
        """Wait; longer than before."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._waited > LAST_DELAY_SECONDS:
            self.reset()
        await asyncio.sleep(self._delay * random.uniform(0.9, 1.1))
        self._delay = min(2 * self._delay, LAST_DELAY_SECONDS)
        self._waited = loop.time()

    def reset(self) -> None:
        """Begin anew after a success."""
        self._delay = FIRST_DELAY_SECONDS


class Scope(Value):
    """What is watched."""

    resource: ApiResource
    namespace: str = ""
    """Empty: all."""
    name: str = ""
    """Only the object of this name."""

    @property
    def path(self) -> str:
        """Where the objects are listed."""
        return self.resource.path(self.namespace)

    @property
    def params(self) -> list[tuple[str, str]]:
        """The query that selects them."""
        return [("fieldSelector", f"metadata.name={_selected(self.name)}")] if self.name else []


def _selected(value: str) -> str:
    """A value within a field selector, where some signs have a meaning."""
    return re.sub(r"([\\,=])", r"\\\1", value)


async def watch(api: KubernetesApi, scope: Scope, *, give_up_after: float = math.inf) -> AsyncGenerator[Change, None]:
    """Yield all objects, then `LISTED`, then every change, without end.

    What was deleted while the watch was broken is emitted as `DELETED` before the next `LISTED`, with its kind,
    namespace, name and uid: no more of an object is kept here, since a namespace may have ten thousands of events.

    Args:
        api: whom to ask.
        scope: what is watched.
        give_up_after: after so many seconds in which the server answers, but nothing that can be used, that is an
            error. A server that does not answer at all is waited for.

    Raises:
        ClusterUnreachableError: the objects may not be listed, or it gave up.
    """
    watched = _ScopeWatch(api, scope)
    backoff = Backoff()
    loop = asyncio.get_running_loop()
    since: float | None = None
    while True:
        try:
            async with aclosing(watched.changes()) as changes:
                async for change in changes:
                    if watched.following:
                        backoff.reset()
                        since = None
                    yield change
            since = None
        except _RetryError as problem:
            since = loop.time() if since is None else since
            if loop.time() - since >= give_up_after:
                raise problem.error from None
        except _DeniedError as denied:
            raise denied.error from None
        except ClusterUnreachableError:
            pass  # the next try reports it, and `info` shows it to people
        await backoff.wait()


async def find(discovery: Discovery, api_version: str, kind: str) -> ApiResource | None:
    """The place of a kind, asked for until the server answers; None when it does not have the kind."""
    backoff = Backoff()
    while True:
        try:
            return await discovery.find(api_version, kind)
        except ClusterUnreachableError:
            await backoff.wait()


async def states(api: KubernetesApi, scope: Scope) -> AsyncGenerator[KubeObject | None, None]:
    """Yield every state of one object, first the present one; None while there is none.

    Args:
        api: whom to ask.
        scope: with the name of the object.
    """
    found: KubeObject | None = None
    async with aclosing(watch(api, scope)) as changes:
        async for change in changes:
            if change.type is ChangeType.LISTED:
                yield found
            else:
                deleted = change.type is ChangeType.DELETED
                found = None if deleted else change.object
                yield found


async def until_gone(api: KubernetesApi, scope: Scope, uid: str) -> None:
    """Wait until an object is gone, or another one is in its place.

    Args:
        api: whom to ask.
        scope: with the name of the object.
        uid: of the object.
    """
    async with aclosing(states(api, scope)) as found:
        async for o in found:
            if o is None or objects.uid(o) != uid:
                return


class _RetryError(Exception):
    """Trying again may help; what is wrong is known."""

    def __init__(self, error: ClusterUnreachableError) -> None:
        super().__init__(str(error))
        self.error = error


class _DeniedError(Exception):
    """Trying again will not help."""

    def __init__(self, error: ClusterUnreachableError) -> None:
        super().__init__(str(error))
        self.error = error


class _ScopeWatch:
    """What is known of a scope, and how to learn more."""

    def __init__(self, api: KubernetesApi, scope: Scope) -> None:
        self._api = api
        self._scope = scope
        self._version = ""
        self._known: dict[tuple[str, str], str] = {}
        """The uids of what is there."""
        self.following = False
        """Do the changes come from a watch, rather than from listing?"""

    async def changes(self) -> AsyncGenerator[Change, None]:
        """Yield what is not known yet, until the connection ends."""
        self.following = False
        if not self._version:
            async with aclosing(self._list()) as listed:
                async for change in listed:
                    yield change
        self.following = True
        async with aclosing(self._follow()) as followed:
            async for change in followed:
                yield change

    async def _list(self) -> AsyncGenerator[Change, None]:
        gone = dict(self._known)
        page = await self._first_page()
        while True:
            for item in objects.items(page, "items"):
                o = plain(item, self._scope.resource)
                if not _is_object(o):
                    continue
                gone.pop(_key(o), None)
                for change in self._emitted(Change(type=ChangeType.ADDED, object=o)):
                    yield change
            following = str(objects.metadata(page).get("continue") or "")
            if not following:
                break
            page = self._granted(await self._page(following))
        for key, uid in gone.items():
            del self._known[key]
            yield self._gone(key, uid)
        self._version = str(objects.metadata(page).get("resourceVersion") or "")
        yield Change(type=ChangeType.LISTED)

    async def _follow(self) -> AsyncGenerator[Change, None]:
        params = [
            *self._scope.params,
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self._version),
            ("timeoutSeconds", str(_WATCH_SECONDS)),
        ]
        async with self._api.stream(self._scope.path, params=params) as stream:
            if not isinstance(stream, Stream):
                self._version = "" if stream.code in _STALE else self._version
                raise _RetryError(self._denied("watch", stream))
            async with aclosing(stream.lines()) as lines:
                async for line in lines:
                    for change in self._changes(self._event(line)):
                        yield change

    def _changes(self, event: "_StreamedEvent") -> list[Change]:
        if event.type == "ERROR":  # most of all: the version is too old
            self._version = ""
            raise _RetryError(
                failures.no_api(self._api.connection, f"a watch ends with {beginning(str(event.object))}")
            )
        self._version = str(objects.metadata(event.object).get("resourceVersion") or self._version)
        if event.type == "BOOKMARK" or not _is_object(event.object):
            return []
        return self._emitted(Change(type=ChangeType(event.type), object=plain(event.object, self._scope.resource)))

    def _emitted(self, change: Change) -> list[Change]:
        """Remember a change; an object that took the place of another comes after the end of that."""
        key, uid = _key(change.object), objects.uid(change.object)
        old = self._known.pop(key, None)
        if change.type is ChangeType.DELETED:
            return [change]
        self._known[key] = uid
        return [change] if old is None or old == uid else [self._gone(key, old), change]

    def _gone(self, key: tuple[str, str], uid: str) -> Change:
        """The end of an object that nobody has reported."""
        namespace, name = key
        metadata = {"name": name, "uid": uid} | ({"namespace": namespace} if namespace else {})
        return Change(type=ChangeType.DELETED, object=plain({"metadata": metadata}, self._scope.resource))

    async def _first_page(self) -> dict[str, Any]:
        page = await self._page()
        scope = self._scope
        if isinstance(page, Failure) and page.code == 403 and not scope.namespace and scope.resource.namespaced:
            self._scope = msgspec.structs.replace(scope, namespace=self._api.connection.namespace)
            page = await self._page()
        return self._granted(page)

    async def _page(self, following: str = "") -> dict[str, Any] | Failure:
        params = [*self._scope.params, ("limit", _PAGE)]
        if following:
            params.append(("continue", following))
        answer = await self._api.request("GET", self._scope.path, params=params)
        try:
            return answer.listing("items") if answer.ok else answer.failure
        except ClusterUnreachableError as error:
            raise _RetryError(error) from error

    def _granted(self, page: dict[str, Any] | Failure) -> dict[str, Any]:
        if not isinstance(page, Failure):
            return page
        if page.code == 403:
            raise _DeniedError(self._denied("list", page))
        raise _RetryError(self._denied("list", page))

    def _denied(self, what: str, failure: Failure) -> ClusterUnreachableError:
        return failures.denied(self._api.connection, f"{what} {self._scope.resource.plural}", failure)

    def _event(self, line: bytes) -> "_StreamedEvent":
        try:
            return decode(line, _StreamedEvent)
        except MalformedJsonError as error:  # the connection was cut within a line
            raise _RetryError(failures.no_api(self._api.connection, str(error))) from error


class _StreamedEvent(msgspec.Struct):
    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    object: dict[str, Any]


def _is_object(o: KubeObject) -> bool:
    """Has it a name to identify it?"""
    return isinstance(objects.metadata(o).get("name"), str)


def _key(o: KubeObject) -> tuple[str, str]:
    return objects.namespace(o), objects.name(o)
