"""The seam to a container runtime: what running pods asks of an engine.

Every method raises ClusterUnreachableError when the engine does not answer, and DockerApiError when it refuses.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from pytilt.model.base import Value

Json = dict[str, Any]
"""A JSON object as the engine answers it."""

KILLED = "137"
"""The exit status of a program that was killed."""


class ContainerEvent(Value):
    """Something happened to a container."""

    action: str
    id: str
    kind: str = "container"
    """What it happened to."""
    labels: Mapping[str, str] = {}
    """And what else the engine reports of it."""

    @property
    def killed(self) -> bool:
        """Did it end by SIGKILL?"""
        return self.labels.get("exitCode") == KILLED


class Removal(Value):
    """A volume or a network was removed."""

    kind: str
    """`volume` or `network`."""
    name: str


class Execution(Protocol):
    """A command that runs in a container, with its standard streams."""

    async def send(self, data: bytes) -> None:
        """Write to its standard input."""
        ...

    async def receive(self) -> tuple[int, bytes]:
        """The next piece of its output: 1 and bytes of stdout, or 2 and bytes of stderr.

        Raises:
            EOFError: it ended.
            SyncError: it could not be started.
        """
        ...

    def close_sending(self) -> None:
        """Have its standard input end."""
        ...

    @property
    def exit_status(self) -> int | None:
        """The status with which it ended."""
        ...


class ContainerLifecycle(Protocol):
    """Containers from their creation to their removal."""

    async def create(self, name: str, request: Json) -> str:
        """Create a container; one of that name that is left from an interrupted try is replaced. Returns its id."""
        ...

    async def start(self, container: str) -> None:
        """Start a container; one that runs stays as it is."""
        ...

    async def stop(self, container: str, grace: int) -> None:
        """Stop a container, killing it after `grace` seconds; one that is gone or has ended is fine."""
        ...

    async def signal(self, container: str, signal: str) -> None:
        """Send a signal to a container's first process."""
        ...

    async def remove(self, container: str) -> None:
        """Remove a container, running or not; one that is gone is fine."""
        ...

    async def inspect(self, container: str) -> Json | None:
        """All that the engine knows of a container, None if there is no such."""
        ...

    async def containers(self, labels: Mapping[str, str]) -> list[Json]:
        """The containers with all these labels, ended ones too, as the engine lists them."""
        ...


class ContainerAccess(Protocol):
    """Ways into containers."""

    async def put(self, container: str, archive: bytes) -> None:
        """Unpack a tar archive at a container's root, running or not; it reaches into its volumes."""
        ...

    async def take(self, container: str, where: str) -> bytes | None:
        """A file or folder of a container as a tar archive, None if there is no such."""
        ...

    async def attach_input(self, container: str, text: bytes) -> str:
        """Write to the standard input of a container's program; the first line that it writes after that.

        Empty when its output ended instead.
        """
        ...

    def exec(self, container: str, argv: Sequence[str]) -> AbstractAsyncContextManager[Execution]:
        """Run a command in a container.

        Raises:
            SyncError: the container does not run, or has no such command.
        """
        ...

    def logs(
        self, container: str, *, since: str = "", follow: bool = True
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Read a container's log in the engine's own framing, with times.

        Args:
            container: its id.
            since: in the engine's own form; empty: from the beginning.
            follow: until the container ends; without, to the end of what is written by now.
        """
        ...


class EngineEvents(Protocol):
    """What happens in the engine from now on, until the connection breaks."""

    def events(self, labels: Mapping[str, str]) -> AsyncGenerator[ContainerEvent]:
        """What happens to the containers with these labels.

        The first item is an empty one: it says that the engine is listening, so that nothing after it is missed.
        """
        ...

    def removals(self) -> AsyncGenerator[Removal]:
        """All volumes and networks that are removed, of whatever project."""
        ...


class ImageStore(Protocol):
    """The engine's images."""

    async def has_image(self, reference: str) -> Json | None:
        """What the engine knows of an image, None if it has it not."""
        ...

    async def pull(self, reference: str, credentials: str = "") -> None:
        """Pull an image.

        Args:
            reference: with tag or digest.
            credentials: for the registry, as the engine's `X-Registry-Auth` header.

        Raises:
            DockerApiError: the registry refused, with its words.
        """
        ...

    async def import_image(self, reference: str, layer: bytes, *, entrypoint: str) -> None:
        """Make an image of one layer, a tar archive."""
        ...


class VolumeStore(Protocol):
    """The engine's volumes."""

    async def volumes(self, labels: Mapping[str, str]) -> list[Json]:
        """The volumes with all these labels."""
        ...

    async def create_volume(
        self, name: str, labels: Mapping[str, str], options: Mapping[str, str] | None = None
    ) -> None:
        """Create a volume; one that is there stays as it is.

        Args:
            name: of the volume.
            labels: of the volume.
            options: of the `local` driver.
        """
        ...

    async def remove_volume(self, name: str) -> None:
        """Remove a volume; one that is gone is fine."""
        ...


class NetworkStore(Protocol):
    """The engine's networks, and what it says of itself."""

    async def networks(self, labels: Mapping[str, str]) -> list[Json]:
        """The networks with all these labels."""
        ...

    async def create_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Create a bridge network."""
        ...

    async def remove_network(self, network: str) -> None:
        """Remove a network by its id."""
        ...

    async def version(self) -> Json:
        """The engine's product, version and architecture."""
        ...

    async def info(self) -> Json:
        """What the engine says of its machine."""
        ...


class ContainerRuntime(
    ContainerLifecycle, ContainerAccess, EngineEvents, ImageStore, VolumeStore, NetworkStore, Protocol
):
    """All that running pods asks of an engine."""
