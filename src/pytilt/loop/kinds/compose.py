"""Services of Docker Compose (`docker_compose`): declared and listed, and refused when they are to run."""

from collections.abc import Sequence

from pytilt.errors import CommandError
from pytilt.loop.kinds.runtime_status import RuntimeWriter
from pytilt.loop.planning.deploys import changes_of, deployed_as
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.model.logs import Log
from pytilt.model.objects import Resource
from pytilt.model.resources import ComposeDeploy, ResourceSpec, UpdateSettings
from pytilt.model.status import RuntimeStatus
from pytilt.store.objects import Store


class ComposeKind:
    """Says of every service that it does not run here.

    Args:
        store: the session's objects.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runtimes = RuntimeWriter(store)

    async def update(
        self, resource: Resource, deploy: ComposeDeploy, start: Start, log: Log, settings: UpdateSettings
    ) -> Done:
        """Refuse.

        Raises:
            CommandError: always.
        """
        raise CommandError(
            f"`{resource.name}` is a service of Docker Compose, which is not run here yet",
            hint="deploy it with `k8s_yaml`, or run `docker compose up` with a `local_resource`",
        )

    async def remove(
        self,
        resource: Resource,
        deploy: ComposeDeploy,
        declared: Sequence[ResourceSpec],
        log: Log,
        settings: UpdateSettings,
    ) -> None:
        """Nothing was started."""

    async def run(self) -> None:
        """Write that nothing runs, without end."""
        async for changed in self._store.watch(Resource, aspects={Resource: changes_of(ComposeDeploy)}):
            names = [name for _, name in changed.names]
            for resource, _deploy in deployed_as(ComposeDeploy, self._store.snapshot(), names):
                status = RuntimeStatus.NOT_APPLICABLE if resource.enabled else RuntimeStatus.NONE
                self._runtimes.write(resource.name, status=status)
