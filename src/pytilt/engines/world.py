"""What everything that runs pods shares."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pytilt.engines.environment import Lookup
from pytilt.engines.foundation import Foundation
from pytilt.engines.labels import Project
from pytilt.engines.notes import Notes
from pytilt.engines.objects import Key
from pytilt.engines.probing import Prober
from pytilt.engines.pulling import FindCredentials
from pytilt.engines.reach import PodNetwork
from pytilt.engines.runtime import Runtime
from pytilt.engines.store import ObjectStore
from pytilt.model.base import Value


class Machine(Value):
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
class World:
    """The collaborators of everything that runs pods."""

    runtime: Runtime
    project: Project
    store: ObjectStore
    foundation: Foundation
    network: PodNetwork
    prober: Prober
    notes: Notes
    machine: Machine
    credentials: FindCredentials
    settled: Callable[[], Awaitable[None]]
    """Wait until the Services know what the store says now."""
    keep: Callable[[Key], Coroutine[Any, Any, None]]
    """Wait until an object outlives this process as it is now."""

    def lookup(self, namespace: str) -> Lookup:
        """Finds objects of a namespace by kind and name."""
        return lambda kind, name: self.store.get(kind, namespace, name)
