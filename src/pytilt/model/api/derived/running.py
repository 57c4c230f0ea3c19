"""`LiveUpdate`, `PortForward`, `PodLogStream`, `Cluster`: what has to do with what runs."""

from typing import ClassVar

import msgspec

from pytilt.model.api.derived.shared import DerivedObject
from pytilt.model.api.kubernetes_discoveries import Forward
from pytilt.model.base import Value


class LiveUpdateSync(Value):
    """Files that are copied into containers."""

    local_path: str
    """Below `basePath`."""
    container_path: str
    """In the container."""


class LiveUpdateExec(Value):
    """A command that runs in containers."""

    args: tuple[str, ...] = ()
    """Its words."""
    trigger_paths: tuple[str, ...] = ()
    """Only after a change of one of these; empty: always."""
    echo_off: bool = False
    """Is the command itself not printed?"""


class LiveUpdateKubernetesSelector(Value):
    """Containers of pods."""

    discovery_name: str = ""
    """The KubernetesDiscovery that finds the pods."""
    apply_name: str = ""
    """The KubernetesApply that deploys them."""
    container_name: str = ""
    """Only containers of this name."""
    image: str = ""
    """Only containers of this image."""
    image_map_name: str = ""
    """Only containers of the image of this ImageMap."""


class LiveUpdateDockerComposeSelector(Value):
    """Containers of a service of Docker Compose."""

    service: str = ""
    """Its name."""


class LiveUpdateSelector(Value):
    """Which containers are updated."""

    kubernetes: LiveUpdateKubernetesSelector | None = None
    """Those of pods."""
    docker_compose: LiveUpdateDockerComposeSelector | None = None
    """Those of a service of Docker Compose."""


class LiveUpdateSource(Value):
    """Whose changes are brought."""

    file_watch: str = ""
    """The FileWatch that sees them."""
    image_map: str = ""
    """The image that they would be built into."""


class LiveUpdateInitialSync(Value):
    """Files that a new container gets at once."""


class LiveUpdateSpec(Value):
    """By which rules containers are updated in place."""

    base_path: str = ""
    """The folder that paths are relative to."""
    selector: LiveUpdateSelector = LiveUpdateSelector()
    """Which containers."""
    sources: tuple[LiveUpdateSource, ...] = ()
    """Whose changes."""
    stop_paths: tuple[str, ...] = ()
    """Files whose change wants a new image."""
    syncs: tuple[LiveUpdateSync, ...] = ()
    """What is copied."""
    execs: tuple[LiveUpdateExec, ...] = ()
    """What runs after that."""
    restart: str = ""
    """`always`: the container's process begins again after that."""
    initial_sync: LiveUpdateInitialSync | None = None
    """There where a new container gets all files at once."""


class LiveUpdateContainer(Value):
    """A container that is updated."""

    pod_name: str = ""
    """Of its pod."""
    namespace: str = ""
    """Of its pod."""
    container_name: str = ""
    """Its own name."""
    container_id: str = msgspec.field(default="", name="containerID")
    """Of the container's runtime."""


class ApiLiveUpdateStatus(Value):
    """The containers."""

    containers: tuple[LiveUpdateContainer, ...] = ()
    """Those that can be updated in place now."""


class ApiLiveUpdate(DerivedObject):
    """The rules by which containers are updated in place."""

    kind: ClassVar[str] = "LiveUpdate"

    spec: LiveUpdateSpec = LiveUpdateSpec()
    status: ApiLiveUpdateStatus = ApiLiveUpdateStatus()


class ApiPortForwardSpec(Value):
    """Which ports lead into which pod."""

    pod_name: str
    """Of the pod."""
    namespace: str = ""
    """Of the pod."""
    forwards: tuple[Forward, ...] = ()
    """The ports."""
    cluster: str = ""
    """Where the pod is."""


class ForwardStatus(Value):
    """How one of the ports is doing."""

    local_port: int = 0
    """Of this machine."""
    container_port: int = 0
    """Of the pod."""
    started_at: str = ""
    """Since when connections are taken, RFC 3339."""
    error: str = ""
    """Why not."""


class ApiPortForwardStatus(Value):
    """How the ports are doing."""

    forward_statuses: tuple[ForwardStatus, ...] = ()
    """One for each."""


class ApiPortForward(DerivedObject):
    """Ports of this machine that lead into a pod."""

    kind: ClassVar[str] = "PortForward"

    spec: ApiPortForwardSpec = msgspec.field(default_factory=lambda: ApiPortForwardSpec(pod_name=""))
    status: ApiPortForwardStatus = ApiPortForwardStatus()


class PodLogStreamSpec(Value):
    """Whose log is followed."""

    namespace: str = ""
    """Of the pod."""
    pod: str = ""
    """Its name."""
    cluster: str = ""
    """Where it is."""


class ContainerLogStreamStatus(Value):
    """How the log of a container is doing."""

    name: str = ""
    """Of the container."""
    active: bool = False
    """Does it still come?"""


class PodLogStreamStatus(Value):
    """How the logs are doing."""

    container_statuses: tuple[ContainerLogStreamStatus, ...] = ()
    """One for each container."""


class PodLogStream(DerivedObject):
    """The log of a pod, which is part of the session's log."""

    kind: ClassVar[str] = "PodLogStream"

    spec: PodLogStreamSpec = PodLogStreamSpec()
    status: PodLogStreamStatus = PodLogStreamStatus()


class KubernetesClusterConnection(Value):
    """A cluster of Kubernetes."""


class ClusterConnection(Value):
    """What kind of cluster it is."""

    kubernetes: KubernetesClusterConnection | None = None
    """A cluster of Kubernetes, or the built-in context."""


class ClusterSpec(Value):
    """How the cluster is reached."""

    connection: ClusterConnection = ClusterConnection()
    """What kind of cluster it is."""


class KubernetesClusterConnectionStatus(Value):
    """The context that is used."""

    context: str = ""
    """Its name."""
    namespace: str = ""
    """The namespace of what names none."""
    product: str = ""
    """For example `kind`, `k3d` or `engine`."""


class ClusterConnectionStatus(Value):
    """How it is reached."""

    kubernetes: KubernetesClusterConnectionStatus | None = None
    """The context that is used."""


class RegistryHosting(Value):
    """Where images for the cluster are pushed."""

    host: str = ""
    """As this machine names the registry."""
    host_from_container_runtime: str = ""
    """As the cluster's nodes name it."""
    single_name: str = ""
    """The one repository that all images go to."""


class ClusterStatus(Value):
    """What the cluster says of itself."""

    error: str = ""
    """Why it does not answer."""
    arch: str = ""
    """For example `amd64`."""
    version: str = ""
    """Of its API server."""
    registry: RegistryHosting | None = None
    """Its own registry, or the one of the Tiltfile."""
    connection: ClusterConnectionStatus | None = None
    """How it is reached."""
    connected_at: str = ""
    """Since when, RFC 3339."""


class ApiCluster(DerivedObject):
    """The cluster that the session deploys to."""

    kind: ClassVar[str] = "Cluster"

    spec: ClusterSpec = ClusterSpec()
    status: ClusterStatus = ClusterStatus()
