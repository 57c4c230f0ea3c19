"""What is known of a cluster, and which object of it is meant."""

from pytilt.model.base import Value
from pytilt.model.images import Registry

DEFAULT_CLUSTER = "default"
"""The name of the one `Cluster` of a session."""


class ObjectRef(Value):
    """Which object: enough to find it in a cluster."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    """Empty for an object without namespace, or to mean the cluster's default namespace."""

    def __str__(self) -> str:
        """`Kind/name`, as people read it."""
        return f"{self.kind}/{self.name}"


class ClusterInfo(Value):
    """What is known of a cluster once it answers."""

    context: str
    """Name of the context; it was frozen when the session started."""
    namespace: str
    """Where objects without namespace go."""
    product: str
    """`kind`, `minikube`, `docker-desktop`, `engine`, …; `unknown` for others."""
    version: str = ""
    arch: str = ""
    """Architecture of the nodes in the words of Go, for example `amd64`."""
    runtime: str = ""
    """What runs the containers of the nodes, with its version, for example `containerd://1.7.2`."""
    registry: Registry | None = None
    """A registry that the cluster announces for local images."""
    shares_engine: bool = False
    """Do pods run on the very engine that builds the images, so that no push is needed?"""
    clock_ahead_seconds: float | None = None
    """How far its clock was ahead of this machine's when the session connected, to the second; None: nobody knows."""
