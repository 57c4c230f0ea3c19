"""How that which was deployed is doing, and why, from its pods and Jobs."""

from collections.abc import Iterator, Sequence

from pytilt.cluster.ownership import best_first
from pytilt.cluster.pods import ERROR_REASONS, Job
from pytilt.model.base import Value
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import PodReadiness
from pytilt.model.status import RuntimeStatus
from pytilt.model.times import moment

FINAL_REASONS = frozenset({"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})
"""Why a container waits for an image that nobody will bring."""


NO_POD = "no pod yet"
"""The reason of a resource that waits for the cluster to make its pods."""


class RuntimeHealth(Value):
    """A status and the line that explains it."""

    status: RuntimeStatus
    reason: str = ""
    """For people; empty when all is well."""
    final: bool = False
    """Is it an error from which nothing recovers by itself?"""


def runtime(
    pods: Sequence[Pod], readiness: PodReadiness, *, jobs: Sequence[Job] = (), deployed: bool = True
) -> RuntimeHealth:
    """How a resource of the cluster is doing: as well as the worst of its parts.

    Args:
        pods: those that were made by what was applied last, see `ownership.current`.
        readiness: what they must reach.
        jobs: the applied Jobs; one that is complete needs no pods any more.
        deployed: was it applied at least once, the last time without error?
    """
    if not deployed:
        return RuntimeHealth(status=RuntimeStatus.PENDING, reason="not deployed yet")
    if readiness is PodReadiness.IGNORE:
        return RuntimeHealth(status=RuntimeStatus.OK)
    going = {job.uid for job in jobs if not (job.complete or job.failed)}
    counting = _counting(pods, jobs)
    verdicts = [
        *_of_jobs(jobs, pods, readiness),
        *(_of_pod(pod, readiness, retried=_owner(pod) in going) for pod in counting),
    ]
    if not verdicts:
        return RuntimeHealth(status=RuntimeStatus.PENDING, reason=NO_POD)
    for status in (RuntimeStatus.ERROR, RuntimeStatus.PENDING):
        for verdict in verdicts:
            if verdict.status is status:
                return verdict
    return RuntimeHealth(status=RuntimeStatus.OK)


def ready_since(pod: Pod) -> str:
    """Since when all containers of a pod run without interruption and are ready, by the clock of its node.

    Returns:
        RFC 3339; empty: they do not, or nobody says since when.
    """
    own = [container for container in pod.containers if not container.init]
    ready = next((each for each in pod.conditions if each.type == "Ready" and each.true), None)
    times = [ready.last_transition_time if ready else "", *(container.started_at for container in own)]
    return max(times, key=moment) if pod.ready and all(times) else ""


def _of_jobs(jobs: Sequence[Job], pods: Sequence[Pod], readiness: PodReadiness) -> Iterator[RuntimeHealth]:
    for job in jobs:
        if job.complete:
            yield RuntimeHealth(status=RuntimeStatus.OK)
        elif job.failed:
            last = next((pod for pod in best_first(pods) if _owner(pod) == job.uid and pod.message), None)
            reason = _joined(f"Job {job.name} failed", job.message)
            reason = _joined(reason, last.message) if last else reason
            yield RuntimeHealth(status=RuntimeStatus.ERROR, reason=reason, final=True)
        elif job.suspended:
            yield RuntimeHealth(status=RuntimeStatus.PENDING, reason=f"Job {job.name} is suspended")
        elif job.wanted > 1 and readiness is PodReadiness.SUCCEEDED:  # more of its pods come, one after the other
            reason = f"Job {job.name}: {job.succeeded} of {job.wanted} pods have succeeded"
            yield RuntimeHealth(status=RuntimeStatus.PENDING, reason=reason)


def _counting(pods: Sequence[Pod], jobs: Sequence[Job]) -> Iterator[Pod]:
    """The pods that describe the present, best first.

    Not those that go away, those of a Job that ended, and those that ended and were replaced by their owner.
    """
    ended = {job.uid for job in jobs if job.complete or job.failed}
    replaced: set[str] = set()
    for pod in best_first(pods):
        owner = _owner(pod)
        over = pod.phase in ("Succeeded", "Failed")
        if (pod.deleting and pod.phase != "Succeeded") or owner in ended or (over and owner in replaced):
            continue
        replaced.add(owner)
        yield pod


def _of_pod(pod: Pod, readiness: PodReadiness, *, retried: bool) -> RuntimeHealth:
    """How one pod is doing. A failure is an error once nothing is tried again, or only after a while.

    A pod that failed as a whole is one too, as in Tilt, although its Job may make another.

    Args:
        pod: one that counts.
        readiness: what it must reach.
        retried: does a Job make another pod when this one fails?
    """
    if pod.phase == "Succeeded":
        return RuntimeHealth(status=RuntimeStatus.OK)
    failed = [container for container in pod.containers if _has_failed(container)]
    lost = any(container.restart_policy == "Never" for container in failed)
    reason = _joined(f"pod {pod.name}: {_state(pod)}", pod.message)
    over = pod.phase == "Failed" or any(_is_stuck(container) for container in pod.containers)
    crashing = any(container.crashing for container in pod.containers)
    if over or crashing or (lost and not retried):
        final = any(_is_stuck(container) and container.reason in FINAL_REASONS for container in pod.containers)
        return RuntimeHealth(status=RuntimeStatus.ERROR, reason=reason, final=final)
    if failed and not lost:
        return RuntimeHealth(status=RuntimeStatus.PENDING, reason=f"{reason}; it is started again")
    if pod.ready and readiness is not PodReadiness.SUCCEEDED:
        return RuntimeHealth(status=RuntimeStatus.OK)
    return RuntimeHealth(status=RuntimeStatus.PENDING, reason=reason)


def _has_failed(container: Container) -> bool:
    return container.state is ContainerState.TERMINATED and container.exit_code != 0


def _is_stuck(container: Container) -> bool:
    return container.state is ContainerState.WAITING and container.reason in ERROR_REASONS


def _owner(pod: Pod) -> str:
    return pod.owners[0].uid if pod.owners else ""


def _state(pod: Pod) -> str:
    """What people read as its status; for one that runs without being ready, what it lacks."""
    if pod.status != "Running":
        return pod.status or pod.phase
    if pod.ready:
        return "still running"
    if pod.lost:
        return "its node is not ready"
    if pod.containers_ready and pod.unready is not None:
        return f"not ready: {pod.unready.message or pod.unready.reason}"
    waiting = [container.name for container in pod.containers if not container.init and not container.ready]
    return f"container {', '.join(waiting)} not ready" if waiting else pod.status


def _joined(text: str, detail: str) -> str:
    first = detail.strip().splitlines()[0] if detail.strip() else ""
    return f"{text}: {first}" if first else text
