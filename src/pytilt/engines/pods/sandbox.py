"""A pod's sandbox: the container that holds its namespaces and volumes, and the files in those."""

import asyncio

from pytilt.engines.network.infrastructure import is_connected, is_of_lost_network, sandboxes_last
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import Json, uid_of
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.podspec.archive import Entry, directory, packed
from pytilt.engines.podspec.containers import sandbox_request
from pytilt.engines.podspec.files import archive_of, files_digest, volume_files
from pytilt.engines.podspec.placement import PodPlacement
from pytilt.engines.podspec.volumes import PodVolume, pod_volumes, podman_options, sub_paths
from pytilt.errors import DockerApiError
from pytilt.model.resources import KubeObject

ANYBODY = 0o777


class Sandbox:
    """The sandbox of one pod.

    Args:
        context: the collaborators.
        pod: the pod.
        found: its id, when it is there already.
    """

    def __init__(self, context: EngineContext, pod: KubeObject, found: str = "") -> None:
        self._context = context
        self._pod = pod
        self.id = found
        self.running = False
        self.dismissed_at = 0.0
        """When it was seen to have ended by a signal and not by force, Unix time; 0: it was not."""
        self.address = ""
        self.folders: dict[str, str] = {}
        """Where the engine keeps the pod's volumes, by name in the pod."""
        self._digests: dict[str, str] = {}
        self._creating = asyncio.Lock()
        self._starting = asyncio.Lock()
        self.volumes: dict[str, PodVolume] = pod_volumes(pod, context.project)

    def become(self, pod: KubeObject) -> None:
        """The pod is known better than when this was made; it has the same uid and volumes."""
        self._pod = pod

    @property
    def place(self) -> PodPlacement:
        """Where the pod runs."""
        machine = self._context.node
        return PodPlacement(
            pod_ip=self.address, host_ip=machine.host_ip, memory=machine.memory, processors=machine.processors
        )

    async def look(self) -> None:
        """See how it is."""
        found = await self._context.runtime.inspect(self.id) if self.id else None
        if found is not None and not self._is_on_host and not is_connected(found, self._context.project.network):
            await self._lose_network()
            found = None
        if found is None:
            self.id, self.running, self.dismissed_at = "", False, 0.0
            return
        was_running, self.running = self.running, bool(found["State"]["Running"])
        if self.running:
            self.dismissed_at = 0.0
        elif was_running and found["State"].get("ExitCode") == 0:
            self.dismissed_at = self._context.clock()
        networks: Json = found["NetworkSettings"]["Networks"] or {}
        for gateway in filter(None, (network.get("Gateway") for network in networks.values())):
            self._context.network.find_out(gateway)
        addresses = [network.get("IPAddress") for network in networks.values()]
        self.address = next(filter(None, addresses), self._context.node.host_ip if "host" in networks else "")
        volumes = {mount["Destination"]: mount.get("Source", "") for mount in found.get("Mounts") or ()}
        self.folders = {name: volumes.get(f"/{volume.folder}", "") for name, volume in self.volumes.items()}

    async def create(self) -> None:
        """Have it in the engine, not yet running; what its volumes hold is put in.

        Raises:
            MissingSourceError: a volume needs a ConfigMap or Secret that is not there.
            DockerApiError: the engine refuses.
        """
        entries = self._files(at_start=True)
        async with self._creating:
            if not self.id:
                base = await self._context.infrastructure.base()
                metadata = self._pod["metadata"]
                name = self._context.project.sandbox(metadata["namespace"], metadata["name"], metadata["uid"])
                request = sandbox_request(self._pod, self._context.project, base, self.volumes)
                if self._context.node.podman:
                    await self._create_volumes()
                try:
                    self.id = await self._context.runtime.create(name, request)
                except DockerApiError as error:
                    if is_of_lost_network(error):
                        self._context.infrastructure.mark_dirty()
                    raise
            if entries:
                await self._context.runtime.put(self.id, entries)

    async def start(self) -> None:
        """Start it, or wait until it is started if that is under way.

        Raises:
            DockerApiError: the engine refuses.
        """
        async with self._starting:
            if not self.running:
                try:
                    await self._context.runtime.start(self.id)
                except DockerApiError as error:
                    if is_of_lost_network(error):
                        await self._lose_network()
                        self.id = ""
                    raise
                await self.look()

    async def refresh(self) -> None:
        """Bring changed ConfigMaps and Secrets into the volumes.

        Raises:
            MissingSourceError: one of them is gone.
        """
        if self.running and (entries := self._files(at_start=False)):
            await self._context.runtime.put(self.id, entries)

    async def remove(self) -> None:
        """Remove all of the pod: containers, sandbox, and the volumes that were its own."""
        runtime, mine = self._context.runtime, {labels.POD_UID: uid_of(self._pod)}
        containers = await runtime.containers(mine)
        for container in sandboxes_last(containers):
            await runtime.remove(container["Id"])
        for volume in self.volumes.values():
            if volume.from_objects or volume.empty:
                await runtime.remove_volume(volume.source)

    async def stop(self) -> None:
        """Give its address back; it stays as the memory of the pod."""
        if self.running:
            await self._context.runtime.stop(self.id, 0)
            self.running = False

    @property
    def _is_on_host(self) -> bool:
        return bool(self._pod["spec"].get("hostNetwork"))

    async def _lose_network(self) -> None:
        """Give up a sandbox whose network is gone: in a new one the pod's routes are there too, and what runs in it."""
        network = self._context.project.network
        text = f"somebody has removed the network `{network}`, or the pod from it: the pod begins again in a new one"
        self._context.events.warning(self._pod, "NetworkLost", text)
        self._context.infrastructure.mark_dirty()
        mine = {labels.POD_UID: uid_of(self._pod)} | (
            {} if self._context.node.podman else {labels.ROLE: labels.SANDBOX}
        )
        for container in sandboxes_last(await self._context.runtime.containers(mine)):
            await self._context.runtime.remove(container["Id"])

    async def _create_volumes(self) -> None:
        """Podman ignores what a mount says of a volume that it makes: its labels, and that it is in memory."""
        for volume in self.volumes.values():
            if not volume.bind:
                await self._context.runtime.create_volume(volume.source, volume.labels, podman_options(volume.options))

    def _files(self, *, at_start: bool) -> bytes:
        """What to unpack at its root; empty if there is nothing."""
        group = int((self._pod["spec"].get("securityContext") or {}).get("fsGroup") or 0)
        lookup = self._context.lookup(self._pod["metadata"]["namespace"])
        given = {volume["name"]: volume for volume in self._pod["spec"].get("volumes") or ()}
        archive: dict[str, Entry] = {}
        for name, volume in self.volumes.items():
            if volume.from_objects:
                files = volume_files(given[name], self._pod, self.place, lookup)
                if at_start or self._digests.get(name) != files_digest(files):
                    self._digests[name] = files_digest(files)
                    archive |= archive_of(volume.folder, files, gid=group)
            elif volume.empty and at_start and not volume.options:
                archive[volume.folder] = directory(volume.folder, 0o2777 if group else ANYBODY, group)
        if at_start:
            archive |= {name: directory(name, ANYBODY, group) for name in sorted(sub_paths(self._pod, self.volumes))}
        return packed(archive.values()) if archive else b""
