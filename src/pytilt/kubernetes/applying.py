"""Making, replacing and deleting objects.

An object is made as wanted by server-side apply. Where that does not do:

- a field cannot be changed: the object is deleted and created,
- the object is being deleted: that is waited for,
- its kind does not have some of its fields: it is applied without them,
- server-side apply cannot read it (a list entry that is there twice): it is created, or merged,
- something passes by itself (a busy server, a service account that is about to be made): it is tried again.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import msgspec

from pytilt.cluster import finalizers, naming, objects
from pytilt.cluster.injection import is_injected
from pytilt.cluster.order import HOLDING_OTHERS
from pytilt.cluster.seam import Notify
from pytilt.errors import ApplyError
from pytilt.kubernetes import adopting, failures
from pytilt.kubernetes.api import ApiResponse, KubernetesApi
from pytilt.kubernetes.discovery import ApiResource, Discovery, is_established, plain
from pytilt.kubernetes.failures import Failure
from pytilt.kubernetes.watching import Backoff, Scope, states, until_gone
from pytilt.model.base import Value
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject

FIELD_MANAGER = "tilt"
"""Under this name the server remembers which fields are ours."""

REPLACED_SECONDS = 30.0
"""How long an object may take to go before it is made anew, as in Tilt."""

DELETED_SECONDS = 60.0
"""How long an object that is being deleted anyway may take to go, as in Tilt."""

LISTED_OBJECTS = 500
"""So many objects of a kind are read at once; the server sends them as one page."""

_SERVER_OWNED = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")
"""What only the server writes, and YAML that was read from a cluster often has."""

_HEAD = ("apiVersion", "kind", "metadata")
"""What every object has, whatever the schema of its kind."""

_DEFINITION = "CustomResourceDefinition"


class _ApplyTarget(Value):
    """An object on its way into the cluster."""

    object: KubeObject
    resource: ApiResource
    namespace: str

    @property
    def label(self) -> str:
        return f"{self.resource.kind}/{self.name or objects.metadata(self.object).get('generateName')}"

    @property
    def name(self) -> str:
        return objects.name(self.object)

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)

    @property
    def scope(self) -> Scope:
        return Scope(resource=self.resource, namespace=self.namespace, name=self.name)

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.object)


async def apply(
    api: KubernetesApi, discovery: Discovery, wanted: KubeObject, seconds: float, notify: Notify = lambda _: None
) -> KubeObject:
    """Make one object as wanted.

    Args:
        api: whom to ask.
        discovery: finds the place of the object.
        wanted: the object.
        seconds: until it gives up; waiting for an object to go does not count.
        notify: called with what is waited for.

    Returns:
        The object as it is now. A CustomResourceDefinition is returned once its kind is served.

    Raises:
        ApplyError: it was refused, has a name that no object can have, or took too long.
        ClusterUnreachableError: no answer.
    """
    naming.check(wanted)
    try:
        async with asyncio.timeout(seconds) as limit:
            resource = await discovery.find(objects.api_version(wanted), objects.kind(wanted))
            if resource is None:
                raise failures.unknown_kind(objects.api_version(wanted), objects.kind(wanted))
            prepared = _prepared(wanted, resource, api.connection.namespace)
            return await _Application(api, discovery, prepared, limit, notify).run()
    except TimeoutError as error:
        raise ApplyError(
            f"hit timeout of {seconds:g}s applying {objects.ref(wanted)}",
            hint="see what the cluster is busy with, or allow more by `update_settings(k8s_upsert_timeout_secs=…)`",
        ) from error


async def delete(api: KubernetesApi, resource: ApiResource, ref: ObjectRef, *, wait: bool) -> bool:
    """Delete one object; its dependents go in the background.

    Args:
        api: whom to ask.
        resource: the place of its kind.
        ref: which object.
        wait: return only when it is gone.

    Returns:
        False when there was no such object.

    Raises:
        ApplyError: it was refused.
        ClusterUnreachableError: no answer.
    """
    if not _is_possible(ref):
        return False  # to delete a path without a name is to delete all objects of the kind
    namespace = _namespace(resource, ref.namespace, api.connection.namespace)
    scope = Scope(resource=resource, namespace=namespace, name=ref.name)
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    answer = await api.request(
        "DELETE",
        resource.path(namespace, ref.name),
        body=msgspec.json.encode(options),
        headers={"Content-Type": "application/json"},
    )
    if answer.status == 404:
        return False
    if not answer.ok:
        raise failures.apply_error(str(ref), answer.failure)
    if wait:
        answered = answer.json()
        uid = objects.uid(answered) or str(objects.mapping(answered, "details").get("uid") or "")
        await until_gone(api, scope, uid)
    return True


async def get(api: KubernetesApi, resource: ApiResource, ref: ObjectRef) -> KubeObject | None:
    """The object, or None.

    Raises:
        ClusterUnreachableError: no answer, or it may not be read.
    """
    if not _is_possible(ref):
        return None
    namespace = _namespace(resource, ref.namespace, api.connection.namespace)
    answer = await api.request("GET", resource.path(namespace, ref.name))
    if answer.status == 404:
        return None
    if not answer.ok:
        raise failures.denied(api.connection, f"read {ref}", answer.failure)
    return plain(answer.object(), resource)


async def listed(api: KubernetesApi, resource: ApiResource, namespace: str) -> Mapping[str, KubeObject]:
    """The first objects of a kind in a namespace, by name; none where they may not be listed.

    Raises:
        ClusterUnreachableError: no answer.
    """
    answer = await api.request("GET", resource.path(namespace), params=[("limit", str(LISTED_OBJECTS))])
    found = objects.items(answer.listing("items"), "items") if answer.ok else ()
    return {objects.name(each): plain(each, resource) for each in found}


class _Application:
    """One object being applied."""

    def __init__(
        self, api: KubernetesApi, discovery: Discovery, wanted: _ApplyTarget, limit: asyncio.Timeout, notify: Notify
    ) -> None:
        self._api = api
        self._discovery = discovery
        self._wanted = wanted
        self._limit = limit
        self._notify = notify
        self._seconds = (limit.when() or 0.0) - asyncio.get_running_loop().time()
        self._replaced = False

    async def run(self) -> KubeObject:
        backoff = Backoff()
        while True:
            answer = await self._patched() if self._wanted.name else await self._created()
            if answer.ok:
                if await self._adopted(answer.object()):
                    continue
                o = plain(answer.object(), self._wanted.resource)
                if not objects.metadata(o).get("deletionTimestamp"):
                    return await self._served(await self._remembered(o))
                held = finalizers.held_by(o)
                self._notify(
                    f"{self._wanted.label} is being deleted{f' ({held})' if held else ''}:"
                    f" waiting up to {DELETED_SECONDS:g}s until it is gone"
                )
                await self._gone(objects.uid(o), DELETED_SECONDS)
                continue
            failure = answer.failure
            if failure.immutable and self._wanted.resource.kind in HOLDING_OTHERS:
                raise failures.would_lose_data(self._wanted.label, failure)
            if failure.immutable and not self._replaced:
                await self._delete()
                continue
            if not await self._passes(failure):
                raise failures.apply_error(self._wanted.label, failure)
            await backoff.wait()

    async def _adopted(self, o: KubeObject) -> bool:
        """Take over what was applied by a client before; then it is to be applied once more."""
        managed = adopting.adopted(o, FIELD_MANAGER) if self._wanted.name else None
        if managed is None:
            return False
        version = objects.metadata(o).get("resourceVersion")
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": managed},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},  # refused if it changed since
        ]
        answer = await self._api.request(
            "PATCH",
            self._wanted.path,
            body=msgspec.json.encode(patch),
            headers={"Content-Type": "application/json-patch+json"},
        )
        return answer.ok or answer.status == 409

    async def _remembered(self, o: KubeObject) -> KubeObject:
        """Record what was applied last for the client that applied it before; a refusal is no failure."""
        text = adopting.last_applied(o, self._wanted.object) if self._wanted.name else None
        if text is None:
            return o
        answer = await self._api.request(
            "PATCH",
            self._wanted.path,
            params=[("fieldManager", adopting.KUBECTL)],
            body=msgspec.json.encode({"metadata": {"annotations": {adopting.LAST_APPLIED: text}}}),
            headers={"Content-Type": "application/merge-patch+json"},
        )
        return plain(answer.object(), self._wanted.resource) if answer.ok else o

    async def _patched(self) -> ApiResponse:
        answer = await self._send("PATCH", "application/apply-patch+yaml", force="true")
        if answer.ok or not answer.failure.untyped:
            return answer
        if answer.failure.undeclared and await self._leave_out_undeclared():
            answer = await self._send("PATCH", "application/apply-patch+yaml", force="true")
            if answer.ok or not answer.failure.untyped:
                return answer
        created = await self._created()
        if created.status != 409:
            return created
        return await self._send("PATCH", "application/merge-patch+json")

    async def _leave_out_undeclared(self) -> bool:
        """Leave out the fields that the schema does not have, as the server does with all but server-side apply."""
        answer = await self._send("PATCH", "application/merge-patch+json", dryRun="All")
        if answer.status == 404:
            answer = await self._send("POST", "application/json", dryRun="All")
        if not answer.ok:
            return False
        known, left_out = declared_part(self._wanted.object, answer.object())
        if known == self._wanted.object:
            return False
        if left_out:
            self._notify(
                f"{self._wanted.label} is applied without fields that its kind does not have: {', '.join(left_out)}"
            )
        self._wanted = msgspec.structs.replace(self._wanted, object=known)
        return True

    async def _created(self) -> ApiResponse:
        return await self._send("POST", "application/json")

    async def _send(self, method: str, content: str, **params: str) -> ApiResponse:
        wanted = self._wanted
        return await self._api.request(
            method,
            wanted.resource.path(wanted.namespace) if method == "POST" else wanted.path,
            params=[("fieldManager", FIELD_MANAGER), *params.items()],
            body=wanted.body,
            headers={"Content-Type": content},
            seconds=None,
        )

    async def _passes(self, failure: Failure) -> bool:
        if failure.unknown_path:
            # A kind that was defined a moment ago is not served at once; one that was taken away never will be.
            resource = self._wanted.resource
            self._discovery.forget(resource)
            if await self._discovery.find(resource.api_version, resource.kind) is None:
                raise failures.unknown_kind(resource.api_version, resource.kind)
            return True
        return failure.passing

    async def _delete(self) -> None:
        self._replaced = True
        wanted = self._wanted
        old = await get(self._api, wanted.resource, self._ref)
        if old is not None and await delete(self._api, wanted.resource, self._ref, wait=False):
            self._notify(f"{wanted.label} cannot be changed: it is deleted and created again")
            await self._gone(objects.uid(old), REPLACED_SECONDS)

    @property
    def _ref(self) -> ObjectRef:
        resource = self._wanted.resource
        return ObjectRef(
            api_version=resource.api_version,
            kind=resource.kind,
            name=self._wanted.name,
            namespace=self._wanted.namespace,
        )

    async def _gone(self, uid: str, seconds: float) -> None:
        """Wait for the object to go; the time that this takes does not count as time for applying."""
        loop = asyncio.get_running_loop()
        self._limit.reschedule(None)
        try:
            async with asyncio.timeout(seconds):
                await until_gone(self._api, self._wanted.scope, uid)
        except TimeoutError as error:
            left = await get(self._api, self._wanted.resource, self._ref)
            raise finalizers.stuck([finalizers.described(self._ref, left or {})], seconds) from error
        self._limit.reschedule(loop.time() + self._seconds)

    async def _served(self, o: KubeObject) -> KubeObject:
        if self._wanted.resource.kind != _DEFINITION or is_established(o):
            self._learn(o)
            return o
        async with aclosing(states(self._api, self._wanted.scope)) as found:
            async for state in found:
                if state is not None and is_established(state):
                    self._learn(state)
                    return state
        raise AssertionError  # states end only by raising

    def _learn(self, o: KubeObject) -> None:
        if self._wanted.resource.kind == _DEFINITION:
            self._discovery.learn(o)


def declared_part(wanted: KubeObject, accepted: KubeObject) -> tuple[KubeObject, tuple[str, ...]]:
    """An object without the fields that the server has dropped, and the paths of those that somebody has written.

    Args:
        wanted: what was sent.
        accepted: what the server made of it.
    """
    left_out: list[str] = []

    def common(one: object, other: object, path: str) -> object:
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            left_out.extend(f"{path}.{key}" for key in one if key not in other and not is_injected(key, one[key]))
            return {key: common(value, other[key], f"{path}.{key}") for key, value in one.items() if key in other}
        if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            return [common(*pair, f"{path}[{index}]") for index, pair in enumerate(zip(one, other, strict=True))]
        return one

    rest = {key: value for key, value in wanted.items() if key not in _HEAD}
    content = common(rest, {key: value for key, value in accepted.items() if key not in _HEAD}, "")
    assert isinstance(content, dict)
    return {**{key: wanted[key] for key in _HEAD if key in wanted}, **content}, tuple(left_out)


def _prepared(wanted: KubeObject, resource: ApiResource, default: str) -> _ApplyTarget:
    """The object without what the server owns, in the namespace that it goes to."""
    namespace = _namespace(resource, objects.namespace(wanted), default)
    metadata: dict[str, Any] = {k: v for k, v in objects.metadata(wanted).items() if k not in _SERVER_OWNED}
    metadata.pop("namespace", None)
    if adopting.LAST_APPLIED in objects.annotations(wanted):
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != adopting.LAST_APPLIED}
    if namespace:
        metadata["namespace"] = namespace
    kept: Mapping[str, Any] = {key: value for key, value in wanted.items() if key != "status"}
    return _ApplyTarget(object={**kept, "metadata": metadata}, resource=resource, namespace=namespace)


def _is_possible(ref: ObjectRef) -> bool:
    return bool(ref.name) and naming.is_possible(ref.name, ref.namespace)


def _namespace(resource: ApiResource, own: str, default: str) -> str:
    return (own or default) if resource.namespaced else ""
