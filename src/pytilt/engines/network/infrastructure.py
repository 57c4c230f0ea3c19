"""What all pods of a project share: the image of synclet, a network, the record, and the forwarder."""

import asyncio
import hashlib
from collections.abc import Iterable

from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.network.services import ServiceAddresses
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import Json
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.podspec.archive import packed, plain_file
from pytilt.engines.podspec.placement import SandboxBase
from pytilt.errors import DockerApiError
from pytilt.synclet.binaries import binary
from pytilt.synclet.verbs import ACKNOWLEDGED, END_OF_CONFIGURATION, PATH, forward

REPOSITORY = "localhost/pytilt/synclet"
"""With a host, since Podman and Docker complete a name without one differently."""
CONFIGURATION = "/configuration"
"""Where the forwarder keeps its configuration, for when it is started again."""
FORWARDER_MAC = "02:00:00:00:00:35"
"""Always the same, since pods would look for the Services' addresses at the old one for a minute: engines give a
container that is started again another one. It is seen in the project's own network only."""
SECOND_TRY = 0.5
"""Seconds until removing is tried a second time."""
CONFIGURE_SECONDS = 2.0
"""It answers within milliseconds; after that it gets a file and a signal, which takes longer."""
SERVICE_RANGE = "198.18.0.0/16"
"""Addresses of Services, of the range that RFC 2544 sets aside for benchmarks: no ordinary network uses it (OrbStack
takes 198.19.0.0/16). They exist only between containers of one network. The usual ranges of clusters are avoided, since
a cluster on this very machine may catch them on its bridges."""


class Infrastructure:
    """Makes the project's infrastructure when it is first needed, and mends it.

    Args:
        runtime: the engine.
        project: whose it is.
        architecture: of the engine, in Go's words.
        service_range: addresses of Services.
        stdin_closes: does the engine close a program's standard input after the first who wrote to it, as Podman does?
    """

    def __init__(
        self,
        runtime: ContainerRuntime,
        project: EngineProject,
        architecture: str,
        service_range: str,
        *,
        stdin_closes: bool = False,
    ) -> None:
        self.addresses = ServiceAddresses(service_range)
        self._runtime = runtime
        self._project = project
        self._architecture = architecture
        self._range = service_range
        self._lock = asyncio.Lock()
        self._base: SandboxBase | None = None
        self._ensuring = asyncio.Lock()
        self._ready = False
        self._stdin_closes = stdin_closes

    async def base(self) -> SandboxBase:
        """What sandboxes are made of; made first if need be."""
        async with self._lock:
            if self._base is None:
                image = await self._image()
                await self._network()
                self._base = SandboxBase(
                    image=image,
                    network=self._project.network,
                    service_range=self._range,
                    name_server=self.addresses.name_server,
                )
            return self._base

    async def ensure(self) -> None:
        """Have the forwarder run, which programs in pods need for every name that they look up."""
        async with self._ensuring:
            if not self._ready:
                await self._forwarder(await self.base())
                self._ready = True

    def mark_dirty(self) -> None:
        """Look again when it is needed next: the engine may have lost something."""
        self._base = None
        self._ready = False

    async def configure(self, text: str) -> None:
        """Give the forwarder its configuration."""
        await self.ensure()
        if not self._stdin_closes:
            try:
                async with asyncio.timeout(CONFIGURE_SECONDS):
                    said = await self._runtime.attach_input(
                        self._project.forwarder, f"{text}{END_OF_CONFIGURATION}\n".encode()
                    )
            except TimeoutError:
                said = ""
            if said == ACKNOWLEDGED:
                return
            if said:
                raise DockerApiError(f"the Services' forwarder says: {said}", status=500)
            self._stdin_closes = True
        await self._runtime.put(self._project.forwarder, packed([plain_file(CONFIGURATION[1:], text.encode())]))
        try:
            await self._runtime.signal(self._project.forwarder, "HUP")
        except DockerApiError:  # it has just ended: a signal that a program is not ready for yet ends it
            await self._runtime.start(self._project.forwarder)

    async def remove(self, *, keep_record: bool = False) -> None:
        """Remove all of the project but the volumes of claims, and the image, which other projects use too.

        Args:
            keep_record: leave the volumes in which objects are kept, too.
        """
        kept = (labels.CLAIM, labels.RECORD) if keep_record else (labels.CLAIM,)
        async with self._ensuring, self._lock:
            self._base = None
            self._ready = False
            try:
                await self._remove_all(kept)
            except DockerApiError:  # another session may be removing the same, one thing ahead
                await asyncio.sleep(SECOND_TRY)
                await self._remove_all(kept)

    async def _remove_all(self, kept: tuple[str, ...]) -> None:
        mine = {labels.PROJECT: self._project.id}
        for container in sandboxes_last(await self._runtime.containers(mine)):
            await self._runtime.remove(container["Id"])
        for volume in await self._runtime.volumes(mine):
            if volume["Labels"].get(labels.ROLE) not in kept:
                await self._runtime.remove_volume(volume["Name"])
        for network in await self._runtime.networks(mine):
            await self._runtime.remove_network(network["Id"])

    async def _image(self) -> str:
        program = await asyncio.to_thread(binary, self._architecture)
        tag = hashlib.sha256(program).hexdigest()[:12]
        reference = f"{REPOSITORY}:{tag}"
        if await self._runtime.has_image(reference) is None:
            layer = packed([plain_file(PATH[1:], program, 0o755)])
            await self._runtime.import_image(reference, layer, entrypoint=PATH)
        return reference

    async def _network(self) -> None:
        if not await self._runtime.networks({labels.PROJECT: self._project.id}):
            await self._runtime.create_network(self._project.network, self._project.labels("network"))

    async def _forwarder(self, base: SandboxBase) -> None:
        found = await self._runtime.inspect(self._project.forwarder)
        if found is not None and not is_connected(found, base.network):
            await self._runtime.remove(self._project.forwarder)
            found = None
        if found is None or found["Config"]["Image"] != base.image:
            request: Json = {
                "Image": base.image,
                "Cmd": forward(base.service_range, CONFIGURATION),
                "Labels": self._project.labels(labels.FORWARDER),
                "OpenStdin": True,
                "HostConfig": {
                    "NetworkMode": base.network,
                    "CapAdd": ["NET_ADMIN"],
                    "RestartPolicy": {"Name": "always"},
                },
                "NetworkingConfig": {"EndpointsConfig": {base.network: {"MacAddress": FORWARDER_MAC}}},
            }
            if found is not None:
                await self._runtime.remove(self._project.forwarder)
            await self._runtime.create(self._project.forwarder, request)
        if found is None or not found["State"]["Running"]:
            try:
                await self._runtime.start(self._project.forwarder)
            except DockerApiError as error:
                if is_of_lost_network(error):  # one that is made anew next time is in the present one
                    await self._runtime.remove(self._project.forwarder)
                raise


def is_connected(container: Json, network: str) -> bool:
    """Is a container that belongs into a network still in it? A stopped one says nothing of that.

    Args:
        container: as the engine inspects or lists it.
        network: its name.
    """
    state = container["State"]
    running = state == "running" if isinstance(state, str) else bool(state["Running"])
    return not running or network in ((container.get("NetworkSettings") or {}).get("Networks") or {})


def is_of_lost_network(error: DockerApiError) -> bool:
    """Does the engine refuse a container since somebody has removed its network?"""
    return "network" in error.message and ("not found" in error.message or "no such" in error.message)


def sandboxes_last(containers: Iterable[Json]) -> list[Json]:
    """Containers in an order in which they can be removed: Podman keeps a sandbox as long as others live in it."""
    return sorted(containers, key=lambda container: container["Labels"].get(labels.ROLE) == labels.SANDBOX)
