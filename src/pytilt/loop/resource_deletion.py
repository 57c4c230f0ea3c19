"""The removal of resources that are declared no more, or disabled: their updates end, their objects go."""

from collections.abc import Sequence

from pytilt.cluster import objects
from pytilt.errors import PytiltError
from pytilt.loop.deploying import Deploying
from pytilt.loop.updating import Updating
from pytilt.model import resources
from pytilt.model.clusters import ObjectRef
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import ClusterState, Resource, Tiltfile
from pytilt.model.resources import UpdateSettings
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store


class ResourceDeletion:
    """Removes what resources left behind.

    Args:
        store: the session's objects.
        logs: takes what is done.
        updating: runs the updates that have to end.
        deploying: deletes objects; None where there is no cluster.
    """

    def __init__(self, store: Store, logs: LogStore, updating: Updating, deploying: Deploying | None) -> None:
        self._store = store
        self._logs = logs
        self._updating = updating
        self._deploying = deploying

    async def remove(self, resource: Resource, declared: Sequence[resources.ResourceSpec]) -> None:
        """End the updates of a resource and delete its objects, but those that another resource declares now.

        What cannot be deleted is logged and left: the session goes on.
        """
        name = ResourceName(resource.name)
        applied = await self._updating.cancel(name)
        commands = resource.spec.deploy.commands
        # Nobody knows what a command did that failed.
        tried = commands is not None and bool(resource.status.history)
        if self._deploying is None or not (applied or tried):
            return
        span = self._logs.span(name, SpanId(f"disable:{name}"), build=True)
        try:
            if commands is not None:
                await self._deploying.undeploy(commands, span, seconds=self._settings().apply_timeout_seconds)
                return
            await self._deploying.remove(self._stale(name, applied, declared), span)
        except PytiltError as problem:
            span(f"{problem}\n", level=Level.ERROR)

    def _stale(
        self, name: ResourceName, applied: Sequence[ObjectRef], declared: Sequence[resources.ResourceSpec]
    ) -> list[ObjectRef]:
        """What was applied, but for what another resource declares now."""
        namespace = self._namespace()
        kept = {
            objects.identity(objects.ref(each), namespace)
            for other in declared
            if other.name != name
            for each in other.deploy.objects
        }
        return [ref for ref in applied if objects.identity(ref, namespace) not in kept]

    def _settings(self) -> UpdateSettings:
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        declaration = tiltfile.status.declaration if tiltfile else None
        return declaration.updates if declaration else UpdateSettings()

    def _namespace(self) -> str:
        """Where objects live that name no namespace."""
        cluster = self._store.get(ClusterState, "default")
        return cluster.info.namespace if cluster and cluster.info else objects.DEFAULT_NAMESPACE
