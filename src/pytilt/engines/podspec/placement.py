"""Where a pod runs: the machine, the sandbox's image and network, the addresses."""

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
    clock_ahead: int = 0
    """Seconds that its clock is ahead of this machine's, as whole ones; what a request may take counts as none."""

    def local_time(self, at: float) -> float:
        """A Unix time of the engine by this machine's clock; 0 stays that: it never was."""
        return at - self.clock_ahead if at else 0.0


class SandboxBase(Value):
    """What all pods of a project share."""

    image: str
    """Of synclet."""
    network: str
    service_range: str
    name_server: str
    zone: str = "cluster.local"


class PodPlacement(Value):
    """What is only known once the pod has a place to run."""

    pod_ip: str = ""
    host_ip: str = ""
    node: str = "engine"
    memory: int = 0
    """Bytes of the machine: what `limits.memory` means where no limit is set."""
    processors: int = 1
