"""What a pod needs next: wanted minus running, as a pure function of its spec and of what its containers do."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from pytilt.model.base import Value
from pytilt.model.resources import KubeObject

FIRST_DELAY = 10.0
"""Seconds before the second restart in a row; the first comes at once. The numbers are the kubelet's."""
LONGEST_DELAY = 300.0
HEALTHY_SECONDS = 600.0
"""A run this long ends a row of restarts."""


class RunState(StrEnum):
    """What the engine says of a container."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


class Instance(Value):
    """One container in the engine."""

    id: str
    attempt: int
    state: RunState
    started_at: float = 0.0
    """Unix time; 0: never."""
    finished_at: float = 0.0
    exit_code: int = 0
    oom_killed: bool = False
    reason: str = ""
    """Why it ended, where that is not the program's own doing."""
    message: str = ""
    image_id: str = ""

    @property
    def running(self) -> bool:
        """Does it run?"""
        return self.state is RunState.RUNNING


class ContainerView(Value):
    """What is known of one container of a pod."""

    current: Instance | None = None
    last: Instance | None = None
    """The one before."""
    started: bool = False
    """It runs and its startup probe has passed, if it has one."""
    ready: bool = False
    waiting: str = ""
    """Why it cannot be started, for example `ImagePullBackOff`."""
    message: str = ""
    retry_at: float = 0.0
    """Unix time before which it is not tried again."""
    failures: int = 0
    """How often in a row it could not be started."""
    streak: int = 0
    """How often in a row it was restarted."""


class PodPlan(Value):
    """What to do now."""

    start: tuple[str, ...] = ()
    """Containers to start, in this order."""
    wake_at: float | None = None
    """When to ask again although nothing happened, Unix time."""
    phase: str = "Pending"
    initialized: bool = False


def retry_delay(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return 0.0 if failures < 1 else min(FIRST_DELAY * 2.0 ** (failures - 1), LONGEST_DELAY)


def is_sidecar(container: Mapping[str, Any]) -> bool:
    """Is this an init container that keeps running beside the others?"""
    return container.get("restartPolicy") == "Always"


def init_containers(pod: KubeObject) -> tuple[Mapping[str, Any], ...]:
    """The pod's init containers, sidecars among them."""
    return tuple(pod["spec"].get("initContainers") or ())


def all_containers(pod: KubeObject) -> tuple[Mapping[str, Any], ...]:
    """Init containers first."""
    return (*init_containers(pod), *pod["spec"]["containers"])


def restarts(policy: str, instance: Instance) -> bool:
    """Is a container that ended to be started again?"""
    return policy == "Always" or (policy == "OnFailure" and instance.exit_code != 0)


def restart_at(view: ContainerView) -> float:
    """The Unix time at which an ended container may be started again."""
    ended = view.current
    if ended is None:
        return view.retry_at
    return max(view.retry_at, ended.finished_at + retry_delay(view.streak))


def plan(pod: KubeObject, views: Mapping[str, ContainerView], now: float) -> PodPlan:
    """What to start, and in which phase the pod is.

    Args:
        pod: the pod with its spec.
        views: what is known of its containers, by name.
        now: Unix time.
    """
    policy = pod["spec"].get("restartPolicy") or "Always"
    phase = _ended(pod, views, policy)
    if phase:
        return PodPlan(phase=phase, initialized=True)
    due = _Due(views, now)
    initialized = _initialize(pod, views, policy, due)
    if initialized:
        for container in pod["spec"]["containers"]:
            due.consider(container["name"], policy)
    begun = any(_view(views, c["name"]).current for c in pod["spec"]["containers"])
    return PodPlan(
        start=tuple(due.now),
        wake_at=min(due.later, default=None),
        phase="Running" if begun and initialized else "Pending",
        initialized=initialized,
    )


class _Due:
    """Collects which containers are to be started now, and when the next one is."""

    def __init__(self, views: Mapping[str, ContainerView], at: float) -> None:
        self._views = views
        self._at = at
        self.now: list[str] = []
        self.later: list[float] = []

    def consider(self, name: str, policy: str) -> None:
        view = _view(self._views, name)
        if view.current and (view.current.running or not _to_start(view.current, policy)):
            return
        when = restart_at(view)
        if when <= self._at:
            self.now.append(name)
        else:
            self.later.append(when)


def _to_start(instance: Instance, policy: str) -> bool:
    return instance.state is RunState.CREATED or restarts(policy, instance)


def _initialize(pod: KubeObject, views: Mapping[str, ContainerView], policy: str, due: _Due) -> bool:
    """Consider the init container whose turn it is, and the sidecars before it; True when all have done their part."""
    for container in init_containers(pod):
        name = container["name"]
        view = _view(views, name)
        if is_sidecar(container):
            due.consider(name, "Always")
            if not view.started:
                return False
        elif view.current is None or view.current.running or view.current.exit_code != 0 or not _exited(view):
            due.consider(name, "OnFailure" if policy == "Always" else policy)
            return False
    return True


def _ended(pod: KubeObject, views: Mapping[str, ContainerView], policy: str) -> str:
    """The phase of a pod whose work is done for good, empty if it is not."""
    for container in init_containers(pod):
        view = _view(views, container["name"])
        failed = _exited(view) and view.current is not None and view.current.exit_code != 0
        if failed and policy == "Never" and not is_sidecar(container):
            return "Failed"
    ended = []
    for container in pod["spec"]["containers"]:
        current = _view(views, container["name"]).current
        if current is None or current.state is not RunState.EXITED or restarts(policy, current):
            return ""
        ended.append(current.exit_code)
    return "Failed" if any(ended) else "Succeeded"


def _exited(view: ContainerView) -> bool:
    return view.current is not None and view.current.state is RunState.EXITED


def _view(views: Mapping[str, ContainerView], name: str) -> ContainerView:
    return views.get(name) or ContainerView()


def adopted(instances: Iterable[Instance]) -> ContainerView:
    """The view of a container after its instances were found in the engine."""
    found = sorted(instances, key=lambda instance: instance.attempt)
    if not found:
        return ContainerView()
    current = found[-1]
    return ContainerView(current=current, last=found[-2] if len(found) > 1 else None, streak=current.attempt)
