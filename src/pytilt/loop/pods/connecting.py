"""The connection to the cluster: made when something is to be deployed, looked after while the session runs."""

import asyncio
from contextlib import suppress

from msgspec.structs import replace

from pytilt.cluster.seam import Cluster
from pytilt.errors import PytiltError
from pytilt.model.api.kubernetes_applies import KubernetesApply
from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery
from pytilt.model.logs import Level, Log
from pytilt.model.names import TILTFILE
from pytilt.model.objects import ClusterState, Resource, Tiltfile
from pytilt.store.objects import Store

POLL_SECONDS = 4.0
"""Between two looks at a cluster that answers."""

ANSWER_SECONDS = 4.0
"""How long an answer may take. With `POLL_SECONDS`: so long may rows be green of which nobody knows any more."""

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 2.0
"""Short: all that waits for the cluster goes on as soon as it is seen to answer."""


async def retry_pause(store: Store, seconds: float) -> None:
    """Wait before the next attempt at something in the cluster: so long, or until the cluster answers again."""
    failed = False
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for _ in store.watch(ClusterState):
                state = store.get(ClusterState, "default")
                fails = state is not None and bool(state.error)
                if failed and not fails:
                    return
                failed = fails


class Connecting:
    """Writes the `ClusterState`.

    Args:
        store: the session's objects.
        cluster: the cluster that was chosen at the start of the session.
        log: takes when it cannot be reached, and when it can again.
        answer_seconds: how long an answer may take.
    """

    def __init__(self, store: Store, cluster: Cluster, log: Log, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        self._store = store
        self._cluster = cluster
        self._log = log

    async def run(self) -> None:
        """Wait for the first object that needs the cluster, then keep the state true, without end."""
        await self._wanted()
        retry = FIRST_RETRY_SECONDS
        while True:
            if await self.look():
                retry = FIRST_RETRY_SECONDS
                await asyncio.sleep(POLL_SECONDS)
            else:
                await asyncio.sleep(retry)
                retry = min(2 * retry, LAST_RETRY_SECONDS)

    async def look(self) -> bool:
        """Ask the cluster once; return whether it answered."""
        state = self._store.get(ClusterState, "default") or ClusterState(name="default")
        try:
            async with asyncio.timeout(self._answer_seconds if state.info else None):
                info = await self._cluster.info()
        except PytiltError as problem:
            return self._failed(str(problem))
        except TimeoutError:
            context = state.info.context if state.info else ""
            return self._failed(f"the cluster `{context}` does not answer within {self._answer_seconds:g} s")
        state = self._store.get(ClusterState, "default") or state
        if state.error:
            self._log(f"The cluster `{info.context}` answers\n")
        if state.info is None and info.registry is not None and self._default_registry():
            self._log(
                f"Images go to {info.registry.host}, which the cluster announces; `default_registry` is ignored\n"
            )
        self._store.put(
            replace(state, info=info, error="", failed_at="", connected_at=state.connected_at or self._store.now())
        )
        return True

    def _default_registry(self) -> bool:
        """Does the Tiltfile name a registry?"""
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        declaration = tiltfile.status.declaration if tiltfile else None
        return declaration is not None and declaration.default_registry is not None

    def _failed(self, error: str) -> bool:
        state = self._store.get(ClusterState, "default") or ClusterState(name="default")
        if error != state.error:
            self._log(f"{error}\n", level=Level.ERROR)
        self._store.put(replace(state, error=error, failed_at=state.failed_at or self._store.now()))
        return False

    async def _wanted(self) -> None:
        async for changed in self._store.watch(
            Resource, KubernetesApply, KubernetesDiscovery, aspects={Resource: _in_cluster}
        ):
            for kind, name in changed.names:
                resource = self._store.get(Resource, name) if kind is Resource else None
                if resource.spec.deploy.in_cluster if resource is not None else kind is not Resource:
                    return


def _in_cluster(resource: Resource) -> bool:
    return resource.spec.deploy.in_cluster
