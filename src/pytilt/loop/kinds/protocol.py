"""What every kind of resource can do, and which kind a resource is of."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.model.logs import Log
from pytilt.model.objects import Resource
from pytilt.model.resources import Deploy, ResourceSpec, UpdateSettings

D = TypeVar("D", bound=Deploy)
D_contra = TypeVar("D_contra", bound=Deploy, contravariant=True)


class ResourceKind(Protocol[D_contra]):
    """Updates and removes the resources of one kind, and writes how they are doing."""

    async def update(
        self, resource: Resource, deploy: D_contra, start: Start, log: Log, settings: UpdateSettings
    ) -> Done:
        """Carry out an update that does not happen in place.

        Args:
            resource: as it is in the store.
            deploy: how it is deployed.
            start: what asks for the update.
            log: takes what is done.
            settings: of all updates.

        Raises:
            PytiltError: what failed; nothing that was done is undone.
        """

    async def remove(
        self, resource: Resource, deploy: D_contra, declared: Sequence[ResourceSpec], log: Log, settings: UpdateSettings
    ) -> None:
        """Remove what the updates of a resource brought about: it was disabled, or is declared no more.

        Args:
            resource: none of its updates runs any more.
            deploy: how it was deployed.
            declared: all resources that are declared now; what another of them declares stays.
            log: takes what is done; nothing is written where there is nothing to remove.
            settings: of all updates.

        Raises:
            PytiltError: what could not be removed.
        """

    async def run(self) -> None:
        """Keep the `Runtime` of every resource of this kind true, without end; leaving stops what it runs."""


class ResourceKinds:
    """Every kind of resource that a session knows.

    Args:
        kinds: what carries out a kind, by the struct that declares it.
    """

    def __init__(self, kinds: Mapping[type[Deploy], ResourceKind[Any]]) -> None:
        self._kinds = kinds

    async def update(self, resource: Resource, start: Start, log: Log, settings: UpdateSettings) -> Done:
        """Update a resource; see `ResourceKind.update`."""
        deploy = resource.spec.deploy
        return await self._kinds[type(deploy)].update(resource, deploy, start, log, settings)

    async def remove(
        self, resource: Resource, declared: Sequence[ResourceSpec], log: Log, settings: UpdateSettings
    ) -> None:
        """Remove what a resource left behind; see `ResourceKind.remove`."""
        deploy = resource.spec.deploy
        await self._kinds[type(deploy)].remove(resource, deploy, declared, log, settings)

    async def run(self) -> None:
        """Keep the runtimes of all resources true, without end; see `ResourceKind.run`."""
        async with asyncio.TaskGroup() as group:
            for deploy, kind in self._kinds.items():
                group.create_task(kind.run(), name=f"runtimes of {deploy.__name__}")
