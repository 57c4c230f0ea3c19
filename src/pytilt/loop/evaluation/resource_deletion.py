"""The removal of resources that are declared no more, or disabled: their updates end, what they left behind goes."""

from collections.abc import Sequence

from pytilt.errors import PytiltError
from pytilt.loop.kinds.protocol import ResourceKinds
from pytilt.loop.updates.updating import Updating
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.resources import ResourceSpec, UpdateSettings
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store


class ResourceDeletion:
    """Removes what resources left behind.

    Args:
        store: the session's objects.
        logs: takes what is done.
        updating: runs the updates that have to end.
        kinds: know how a resource is removed.
    """

    def __init__(self, store: Store, logs: LogStore, updating: Updating, kinds: ResourceKinds) -> None:
        self._store = store
        self._logs = logs
        self._updating = updating
        self._kinds = kinds

    async def remove(self, resource: Resource, declared: Sequence[ResourceSpec]) -> None:
        """End the updates of a resource and remove what they brought about, but what another resource declares now.

        What cannot be removed is logged and left: the session goes on.
        """
        name = ResourceName(resource.name)
        await self._updating.cancel(name)
        present = self._store.get(Resource, name) or resource
        span = self._logs.span(name, SpanId(f"disable:{name}"), build=True)
        try:
            await self._kinds.remove(present, declared, span, self._settings())
        except PytiltError as problem:
            span(f"{problem}\n", level=Level.ERROR)

    def _settings(self) -> UpdateSettings:
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        declaration = tiltfile.status.declaration if tiltfile else None
        return declaration.updates if declaration else UpdateSettings()
