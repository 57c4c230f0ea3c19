"""Old images of the project, removed while a session runs."""

from collections.abc import Callable
from datetime import UTC, datetime

from pytilt.docker.engine import Engine
from pytilt.loop.images.imaging import project_images, registry_for
from pytilt.loop.images.pruning import Pruning
from pytilt.model.names import TILTFILE, SpanId
from pytilt.model.resources import Declaration
from pytilt.session.clusters import Access
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store


async def prune_now_and_then(store: Store, logs: LogStore, engine: Engine, access: Access, *, ci: bool) -> None:
    """Remove them as the Tiltfile says, without end.

    Args:
        store: the session's objects.
        logs: takes what was removed.
        engine: where the images are.
        access: the cluster, which may name a registry.
        ci: does the session end by itself? Then nothing is removed.
    """

    async def remove(declaration: Declaration, emit: Callable[[str], None]) -> None:
        from pytilt.images.pruning import prune  # imported here: few sessions get to it

        names = project_images(declaration, registry_for(await access.cluster.info(), declaration))
        await prune(await engine.api(), names, declaration.prune, datetime.now(UTC), emit)

    if not ci:
        await Pruning(store, logs.span(TILTFILE, SpanId("prune")), remove).run()
