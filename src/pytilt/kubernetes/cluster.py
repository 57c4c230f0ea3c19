"""The objects of a Kubernetes cluster."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from pytilt.cluster import objects
from pytilt.cluster.seam import Change, Notify
from pytilt.http.coalescer import Coalescer
from pytilt.kubernetes import applying, failures, products, registries, watching
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.discovery import ApiResource, Discovery
from pytilt.model.clusters import ClusterInfo, ObjectRef
from pytilt.model.resources import KubeObject
from pytilt.model.times import seconds_of_http_date

PATIENCE_SECONDS = 5.0
"""So long a watch is tried again without a word when the server answers nonsense."""


class KubernetesCluster:
    """A Kubernetes cluster as `Cluster`.

    Args:
        api: the connection to it.
        engine_host: address of the engine that builds images, as in DOCKER_HOST; empty: the usual socket.
        clock: the Unix time on this machine.
    """

    def __init__(self, api: KubernetesApi, *, engine_host: str = "", clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._engine_host = engine_host
        self._clock = clock
        self._clock_ahead: float | None = None
        """Asked once: the state of the cluster shall not change with every look at it."""
        self._discovery = Discovery(api)
        self._reads: dict[tuple[ApiResource, str], Coalescer[str, KubeObject | None]] = {}
        """Of objects, by their kind and namespace."""

    async def info(self) -> ClusterInfo:
        """Ask for the version, the nodes and the registry; see `Cluster.info`."""
        connection = self._api.connection
        answer, node = await asyncio.gather(self._api.request("GET", "/version"), self._node())
        if not answer.ok:
            raise failures.denied(connection, "show its version", answer.failure)
        version = answer.json()
        if self._clock_ahead is None and (there := seconds_of_http_date(answer.date)) is not None:
            self._clock_ahead = round(there - self._clock())
        system = objects.mapping(node, "status", "nodeInfo")
        return ClusterInfo(
            context=connection.context,
            namespace=connection.namespace,
            product=connection.product,
            version=str(version.get("gitVersion") or ""),
            arch=str(system.get("architecture") or str(version.get("platform") or "").rpartition("/")[2]),
            runtime=str(system.get("containerRuntimeVersion") or ""),
            registry=await registries.find(self._api, node),
            shares_engine=products.shares_engine(
                connection.product,
                context=connection.context,
                engine_host=self._engine_host,
                runtime=str(system.get("containerRuntimeVersion") or ""),
                minikube=dict(connection.environ).get("MINIKUBE_ACTIVE_DOCKERD", ""),
            ),
            clock_ahead_seconds=self._clock_ahead,
        )

    async def prepare(self, objects: Sequence[KubeObject]) -> None:
        """Nothing: a cluster starts what an object needs once it is applied."""

    async def apply(
        self,
        wanted: KubeObject,
        *,
        timeout: float,  # noqa: ASYNC109 - as in the seam
        notify: Notify = lambda _: None,
    ) -> KubeObject:
        """Server-side apply; see `Cluster.apply` and `applying`."""
        return await applying.apply(self._api, self._discovery, wanted, timeout, notify)

    async def delete(self, ref: ObjectRef, *, wait: bool = False) -> bool:
        """Delete one object; see `Cluster.delete`."""
        resource = await self._discovery.find(ref.api_version, ref.kind)
        return resource is not None and await applying.delete(self._api, resource, ref, wait=wait)

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object, or None; see `Cluster.get`."""
        resource = await self._discovery.find(ref.api_version, ref.kind)
        if resource is None:
            return None
        if not ref.namespace or not resource.namespaced:
            return await applying.get(self._api, resource, ref)
        place = (resource, ref.namespace)
        if place not in self._reads:
            self._reads[place] = Coalescer(
                partial(self._one, *place), partial(applying.listed, self._api, resource, ref.namespace)
            )
        return await self._reads[place].get(ref.name)

    async def _one(self, resource: ApiResource, namespace: str, name: str) -> KubeObject | None:
        ref = ObjectRef(api_version=resource.api_version, kind=resource.kind, namespace=namespace, name=name)
        return await applying.get(self._api, resource, ref)

    async def watch(self, api_version: str, kind: str, *, namespace: str = "") -> AsyncGenerator[Change, None]:
        """List and watch; see `Cluster.watch` and `watching`.

        Raises:
            ApplyError: the cluster does not have the kind.
            ClusterUnreachableError: the objects may not be listed.
        """
        resource = await watching.find(self._discovery, api_version, kind)
        if resource is None:
            raise failures.unknown_kind(api_version, kind)
        scope = watching.Scope(resource=resource, namespace=namespace)
        async with aclosing(watching.watch(self._api, scope, give_up_after=PATIENCE_SECONDS)) as changes:
            async for change in changes:
                yield change

    async def _node(self) -> dict[str, Any]:
        answer = await self._api.request("GET", "/api/v1/nodes", params=[("limit", "1")])
        return next(iter(answer.items("items")), {}) if answer.ok else {}
