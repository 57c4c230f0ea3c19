"""What everything that runs pods shares."""

import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.health.probing import Prober
from pytilt.engines.network.infrastructure import Infrastructure
from pytilt.engines.network.reach import PodNetwork
from pytilt.engines.objects.events import EventRecorder
from pytilt.engines.objects.fields import Key
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.objects.store import ObjectStore
from pytilt.engines.pods.pulling import FindCredentials
from pytilt.engines.podspec.environment import Lookup
from pytilt.model.base import Value


class NodeInfo(Value):
    """The engine's machine, as pods may ask for it."""

    architecture: str = ""
    version: str = ""
    """Of the engine."""
    podman: bool = False
    """Is the engine Podman?"""
    memory: int = 0
    """Bytes."""
    processors: int = 1
    host_ip: str = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class EngineContext:
    """The collaborators of everything that runs pods."""

    runtime: ContainerRuntime
    project: EngineProject
    store: ObjectStore
    infrastructure: Infrastructure
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
