"""The removal of resources that are declared no more, or disabled: their updates end, their objects go."""

from collections.abc import Sequence

from pytilt.cluster import objects
from pytilt.errors import PytiltError
from pytilt.loop.deploying import Deploying
from pytilt.loop.updating import Updating
from pytilt.model import resources
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource
from pytilt.model.resources import KubernetesDeploy
from pytilt.store.logs import LogStore


class Retiring:
    """Removes what resources left behind.

    Args:
        logs: takes what is done.
        updating: runs the updates that have to end.
        deploying: deletes objects; None where there is no cluster.
    """

    def __init__(self, logs: LogStore, updating: Updating, deploying: Deploying | None) -> None:
        self._logs = logs
        self._updating = updating
        self._deploying = deploying

    async def remove(self, resource: Resource, declared: Sequence[resources.Resource]) -> None:
        """End the updates of a resource and delete its objects, but those that another resource declares now.

        What cannot be deleted is told and left: the session goes on.
        """
        name = ResourceName(resource.name)
        applied = await self._updating.cancel(name)
        if self._deploying is None or not applied:
            return
        kept = {
            (objects.kind(each), objects.name(each))
            for other in declared
            if other.name != name and isinstance(other.deploy, KubernetesDeploy)
            for each in other.deploy.objects
        }
        span = self._logs.span(name, SpanId(f"disable:{name}"), build=True)
        try:
            await self._deploying.remove([ref for ref in applied if (ref.kind, ref.name) not in kept], span)
        except PytiltError as problem:
            span(f"{problem}\n", level=Level.ERROR)
