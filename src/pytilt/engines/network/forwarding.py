"""Keeps the forwarder and the published ports as the Services, Ingresses and pods want them."""

import asyncio
from collections.abc import Awaitable, Callable

from pytilt.cluster.seam import Change
from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.network.infrastructure import Infrastructure, is_connected
from pytilt.engines.network.services import INGRESS_PORT, PublishedPort, configuration, published
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import Json, Key, digest, is_deleting, is_lost, key_of
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.objects.store import ObjectStore
from pytilt.errors import ClusterUnreachableError, DockerApiError
from pytilt.synclet.verbs import PublishedPorts, publish

KINDS = ("Service", "Pod", "Ingress")


class ForwarderConfiguration:
    """The network's side of Services.

    Args:
        runtime: the engine.
        project: whose they are.
        infrastructure: has the forwarder.
        store: the objects.
        ingress_port: of this machine, where Ingresses are found.
    """

    def __init__(
        self,
        runtime: ContainerRuntime,
        project: EngineProject,
        infrastructure: Infrastructure,
        store: ObjectStore,
        ingress_port: int = INGRESS_PORT,
    ) -> None:
        self._runtime = runtime
        self._project = project
        self._infrastructure = infrastructure
        self._store = store
        self._ingress_port = ingress_port
        self._lock = asyncio.Lock()
        self._news = asyncio.Event()
        self._sent: str | None = None
        self._published: dict[str, str] | None = None
        self._begun = asyncio.Event()
        self.failures: dict[Key, str] = {}
        """Services and Ingresses whose ports could not be bound, and why."""

    def listen(self, change: Change) -> None:
        """Note that something may have to change."""
        if change.object["kind"] in KINDS:
            self._news.set()

    def mark_dirty(self) -> None:
        """The engine may have lost what was sent to it."""
        self._sent = self._published = None
        self._news.set()

    async def run(self, known: Callable[[], Awaitable[None]]) -> None:
        """Follow the objects, without end.

        Args:
            known: returns when the pods' statuses can be believed; until then everything stays as it was found.
        """
        await known()
        self._begun.set()
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self.settled()
            except (ClusterUnreachableError, DockerApiError):
                self._sent = self._published = None  # `mark_dirty` is called once the engine is back

    async def settled(self) -> None:
        """Return when the engine knows what the objects say now.

        Raises:
            ClusterUnreachableError: the engine does not answer.
            DockerApiError: it refuses.
        """
        await self._begun.wait()
        async with self._lock:
            services, ingresses = self._store.all("Service"), self._store.all("Ingress")
            pods = self._store.all("Pod")
            if any(map(is_lost, pods)):
                return  # everything stays as it was until they are found again
            if not (services or ingresses or any(not is_deleting(pod) for pod in pods)):
                return  # nobody needs the configuration, and another session may be removing the forwarder
            text = configuration(services, pods, ingresses, self._infrastructure.addresses)
            if text != self._sent:
                await self._infrastructure.configure(text)
                self._sent = text
            await self._publish()

    async def _publish(self) -> None:
        wanted = self._wanted()
        digests = {name: digest([str(owner), ports, target]) for name, (owner, ports, target) in wanted.items()}
        if digests == self._published:
            return
        self.failures = {}
        running = await self._runtime.containers(self._project.labels(labels.PUBLISHER))
        alive = {}
        for container in running:
            name = next(iter(container["Names"] or ()), "").removeprefix("/")  # one that is being removed may have none
            current = container["Labels"].get(labels.DIGEST) == digests.get(name)
            if container["State"] == "running" and current and is_connected(container, self._project.network):
                alive[name] = digests[name]
            else:
                await self._runtime.remove(container["Id"])
        for name, (owner, ports, target) in wanted.items():
            if name not in alive:
                await self._open(name, owner, ports, target, digests[name])
        self._published = digests

    def _wanted(self) -> dict[str, tuple[Key, tuple[PublishedPort, ...], str]]:
        wanted = {}
        for service in self._store.all("Service"):
            if ports := published(service):
                key = key_of(service)
                wanted[self._project.publisher(key.namespace, key.name)] = key, ports, service["spec"]["clusterIP"]
        if ingresses := self._store.all("Ingress"):
            ports = (PublishedPort(protocol="tcp", local=self._ingress_port, service=80),)
            name = f"{self._project.prefix}-ingress"
            wanted[name] = key_of(ingresses[0]), ports, self._infrastructure.addresses.ingress
        return wanted

    async def _open(
        self, name: str, owner: Key, ports: tuple[PublishedPort, ...], target: str, fingerprint: str
    ) -> None:
        base = await self._infrastructure.base()
        bindings = {
            f"{port.service}/{port.protocol}": [{"HostIp": "127.0.0.1", "HostPort": str(port.local)}] for port in ports
        }
        passed = [
            PublishedPorts(protocol=port.protocol, port=port.service, target=f"{target}:{port.service}")
            for port in ports
        ]
        request: Json = {
            "Image": base.image,
            "Cmd": publish(base.service_range, passed),
            "ExposedPorts": {port: {} for port in bindings},
            "Labels": self._project.labels(labels.PUBLISHER, **{labels.DIGEST: fingerprint}),
            "HostConfig": {
                "NetworkMode": base.network,
                "CapAdd": ["NET_ADMIN"],
                "PortBindings": bindings,
                "RestartPolicy": {"Name": "always"},
            },
        }
        try:
            await self._runtime.start(await self._runtime.create(name, request))
        except DockerApiError as error:
            await self._runtime.remove(name)
            shown = ", ".join(str(port.local) for port in ports)
            self.failures[owner] = f"cannot bind port {shown} of this machine for `{owner}`: {error.message}"
