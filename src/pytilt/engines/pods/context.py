"""What everything that runs pods shares."""

import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.health.probing import Prober
from pytilt.engines.network.reach import PodNetwork
from pytilt.engines.objects.fields import Key
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.objects.store import EventRecorder, ObjectStore
from pytilt.engines.podspec.environment import Lookup
from pytilt.engines.podspec.placement import NodeInfo, SandboxBase
from pytilt.images.credentials import FindCredentials


class PodInfrastructure(Protocol):
    """What pods need of the project's infrastructure; it is made when it is first needed."""

    async def base(self) -> SandboxBase:
        """What sandboxes are made of."""
        ...

    async def ensure(self) -> None:
        """Have the forwarder run, which programs in pods need for every name that they look up."""
        ...

    def mark_dirty(self) -> None:
        """Look again when it is needed next: the engine may have lost something."""
        ...


@dataclass(frozen=True, kw_only=True)
class EngineContext:
    """The collaborators of everything that runs pods."""

    runtime: ContainerRuntime
    project: EngineProject
    store: ObjectStore
    infrastructure: PodInfrastructure
    network: PodNetwork
    prober: Prober
    events: EventRecorder
    node: NodeInfo
    credentials: FindCredentials
    settled: Callable[[], Awaitable[None]]
    """Wait until the Services know what the store says now."""
    keep: Callable[[Key], Coroutine[Any, Any, None]]
    """Wait until an object outlives this process as it is now."""
    clock: Callable[[], float] = time.time
    """Returns the Unix time."""

    def lookup(self, namespace: str) -> Lookup:
        """Finds objects of a namespace by kind and name."""
        return lambda kind, name: self.store.get(kind, namespace, name)
