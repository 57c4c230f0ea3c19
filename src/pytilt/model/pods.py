"""Pods and their containers, as far as a development tool needs to know them."""

from enum import StrEnum

from pytilt.model.base import Value


class ContainerState(StrEnum):
    """The three states that Kubernetes knows."""

    WAITING = "waiting"
    RUNNING = "running"
    TERMINATED = "terminated"


class Container(Value):
    """A container of a pod, with what its status says."""

    name: str
    image: str
    """The reference in the pod's spec."""
    id: str = ""
    """Without the runtime's prefix; empty while it was never created."""
    init: bool = False
    state: ContainerState = ContainerState.WAITING
    reason: str = ""
    """Why it waits or why it ended, for example `CrashLoopBackOff`."""
    message: str = ""
    exit_code: int | None = None
    """Set when terminated."""
    started_at: str = ""
    """RFC 3339."""
    ready: bool = False
    restarts: int = 0
    last_exit_code: int | None = None
    """How its run before this one ended; None if there was none."""
    restart_policy: str = "Always"
    """Its own, else that of its pod: `Always`, `OnFailure` or `Never`."""
    ports: tuple[int, ...] = ()

    @property
    def crashing(self) -> bool:
        """Has it failed again and again, so that Kubernetes takes its time to start it, and is not well since?"""
        if self.ready or self.restart_policy == "Never":
            return False
        if self.state is ContainerState.TERMINATED:
            return bool(self.exit_code) and bool(self.last_exit_code) and self.restarts >= 1
        return bool(self.last_exit_code) and self.restarts >= 2


class Condition(Value):
    """A condition of an object (`Ready`, `PodScheduled`, `Complete`, …)."""

    type: str
    """Its name."""
    status: str
    """`True`, `False` or `Unknown`."""
    reason: str = ""
    """One word for why it does not hold."""
    message: str = ""
    """The same for people."""
    last_transition_time: str = ""
    """Since when it is so, RFC 3339."""

    @property
    def true(self) -> bool:
        """Does it hold?"""
        return self.status == "True"


class OwnerRef(Value):
    """An object that owns another."""

    api_version: str
    kind: str
    name: str
    uid: str


class Pod(Value):
    """A pod at one moment."""

    name: str
    namespace: str
    uid: str
    created_at: str
    """RFC 3339."""
    phase: str = "Pending"
    deleting: bool = False
    status: str = ""
    """What people read in `kubectl get pods`: the phase, or the reason of the container that matters most."""
    message: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    owners: tuple[OwnerRef, ...] = ()
    containers: tuple[Container, ...] = ()
    """Init containers first."""
    conditions: tuple[Condition, ...] = ()
    ip: str = ""
    """Of its own; empty while it has none, and where it has that of its node."""
    started: bool = False
    """Have all its containers been started, whether or not its status says so yet? The kubelet looks once a second."""

    @property
    def restarts(self) -> int:
        """How often its containers were restarted, added up."""
        return sum(container.restarts for container in self.containers)

    @property
    def containers_ready(self) -> bool:
        """Did all its ordinary containers run and say that they are ready when their node last spoke of them?"""
        own = [container for container in self.containers if not container.init]
        return self.phase == "Running" and bool(own) and all(container.ready for container in own)

    @property
    def ready(self) -> bool:
        """Are its containers ready, and is it for the cluster? It is not where its node or a readiness gate is not."""
        return self.containers_ready and self.unready is None

    @property
    def unready(self) -> Condition | None:
        """Its condition `Ready` where that does not hold."""
        return next((each for each in self.conditions if each.type == "Ready" and not each.true), None)

    @property
    def lost(self) -> bool:
        """Is its node not ready? The cluster calls the pod not ready then, and leaves what it said of containers."""
        return self.containers_ready and self.unready is not None and not self.unready.reason
