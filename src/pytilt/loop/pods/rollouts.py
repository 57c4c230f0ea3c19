"""The rollout of a new pod, step by step in the log of its resource; the forms are Tilt's."""

from collections.abc import Iterator

from pytilt.loop.pods.pod_lookup import POD_ASPECTS
from pytilt.model.base import Value
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource, Runtime
from pytilt.model.pods import ContainerState, Pod
from pytilt.model.times import seconds_between
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

STEPS = (("PodScheduled", "Scheduled"), ("Initialized", "Initialized"), ("Ready", "Ready"))
"""Conditions of a pod in the order in which they come true, and their names for people."""


class RolloutStep(Value):
    """One line of a rollout."""

    name: str
    text: str
    level: Level = Level.INFO


class Rollouts:
    """Logs the rollout of new pods.

    Args:
        store: the session's objects.
        logs: takes the lines.
    """

    def __init__(self, store: Store, logs: LogStore) -> None:
        self._store = store
        self._logs = logs
        self._began = store.now()
        self._logged: dict[str, set[str]] = {}

    async def run(self) -> None:
        """Log what happens, without end."""
        async for changed in self._store.watch(Runtime, aspects=POD_ASPECTS):
            for _, name in changed.names:
                self.turn(ResourceName(name))

    def turn(self, name: ResourceName) -> None:
        """Log what is new about the best pod of a resource."""
        resource, runtime = self._store.get(Resource, name), self._store.get(Runtime, name)
        if resource is None or runtime is None or not resource.spec.deploy.in_cluster:
            return
        for pod in runtime.status.pods[:1]:
            span = self._logs.span(name, SpanId(f"monitor:{name}:{pod.name}"))
            if pod.uid not in self._logged:
                older = pod.created_at < self._began[:19]
                self._logged[pod.uid] = {name for _, name in STEPS} if older else set()
                attached = f"Attaching to existing pod ({pod.name}). Only new logs will be streamed."
                span(f"\n{attached}\n" if older else f"\nTracking new pod rollout ({pod.name}):\n")
            for step in rollout(pod):
                if step.name not in self._logged[pod.uid]:
                    self._logged[pod.uid].add(step.name)
                    span(f"{step.text}\n", level=step.level)


def rollout(pod: Pod) -> Iterator[RolloutStep]:
    """What has happened to a pod so far."""
    conditions = {condition.type: condition for condition in pod.conditions}
    before = pod.created_at
    for kind, name in STEPS:
        condition = conditions.get(kind)
        if condition is None or not condition.true:
            break
        yield RolloutStep(name=name, text=f"     ┊ {name:<15} - {_duration(before, condition.last_transition_time)}")
        before = condition.last_transition_time
    if pod.phase == "Succeeded":
        yield RolloutStep(name="Completed", text="     ┊ Completed")
    for container in pod.containers:
        ended = container.state is ContainerState.TERMINATED and container.exit_code
        if ended or (container.state is ContainerState.WAITING and container.message):
            reason = container.reason or "Error"
            text = f"     ┃ Not Ready - ({reason}): {container.message or f'exit code {container.exit_code}'}"
            yield RolloutStep(name=f"{container.name} {reason}", text=text, level=Level.WARN)


def _duration(since: str, until: str) -> str:
    """Seconds between two times of the cluster, which counts whole ones only."""
    seconds = seconds_between(since, until)
    return f"{seconds:.0f}s" if seconds >= 1 else "<1s"
