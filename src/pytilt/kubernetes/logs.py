"""Following the log of a container: no line lost, none passed on twice.

The server begins where it is asked to by the second only. So after a broken connection it sends lines again, which are
left out by their full times; lines of one and the same nanosecond are counted.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pytilt.cluster import objects
from pytilt.cluster.log_position import LogPosition
from pytilt.cluster.seam import ContainerRef, ContainerRun
from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes import failures
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.discovery import PODS
from pytilt.kubernetes.failures import Failure
from pytilt.kubernetes.watching import Backoff, Scope, states
from pytilt.model.resources import KubeObject
from pytilt.model.times import in_utc, next_nanosecond

Line = tuple[str, str]
"""Time and text."""

_PREVIOUS_TRIES = 8
"""The log of a run that is over is asked for again after a broken connection, but not for ever."""

_PART_BYTES = 1024**2
"""What is longer is passed on in parts: it may have no end, and what follows is to be seen too."""

_STATUS_LISTS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


class LatestRun(ContainerRun):
    """The latest run of a container."""

    started: bool = False
    """It runs, or ran."""
    ended: bool = False


def latest_run(pod: KubeObject, container: str) -> LatestRun:
    """The latest run of a container, by the pod's status."""
    statuses = (one for key in _STATUS_LISTS for one in objects.items(pod, "status", key))
    status = next((one for one in statuses if one.get("name") == container), {})
    state = objects.mapping(status, "state")
    waits_after_run = "waiting" in state and "terminated" in objects.mapping(status, "lastState")
    ended = "terminated" in state or waits_after_run
    return LatestRun(
        id=str(status.get("containerID") or "").rpartition("://")[2],
        restarts=objects.number(status, "restartCount"),
        started="running" in state or ended,
        ended=ended,
    )


async def follow(
    api: KubernetesApi, ref: ContainerRef, since: str = "", running: ContainerRun | None = None
) -> AsyncGenerator[Line, None]:
    """Yield the lines of a container's log until this run of it ends or its pod is gone.

    Args:
        api: whom to ask.
        ref: which container; one that has not started is waited for.
        since: RFC 3339 with nanoseconds; only lines at or after it; empty: all. If the run before the latest one wrote
            any, those come first; of earlier runs a node keeps nothing.
        running: the run, if it is known to have started.

    Raises:
        ClusterUnreachableError: the log may not be read.
    """
    position = LogPosition(since)
    run = running or await _started(api, ref)
    if run is None:
        return
    if run.restarts:
        before = LogPosition(next_nanosecond(since))
        async with aclosing(_rest_of_previous(api, ref, before)) as lines:
            async for line in lines:
                yield line
                position = before  # between two runs the node's "previous" one is the latest: its lines come again
    backoff = Backoff()
    while True:
        position.connect()
        broken = False
        try:
            async with aclosing(_lines(api, ref, position)) as lines:
                async for line in lines:
                    backoff.reset()
                    yield line
        except _BrokenError:
            broken = True
        latest = await _started(api, ref)
        if latest is None or (latest.ended and latest.id == run.id and not broken):
            return
        if latest.id != run.id:
            break
        await backoff.wait()
    position.connect()
    async with aclosing(_rest_of_previous(api, ref, position)) as lines:
        async for line in lines:
            yield line


class _BrokenError(Exception):
    """The connection ended before the log did, or could not be made."""


class _RefusedError(_BrokenError):
    """The answer is no log."""


async def _started(api: KubernetesApi, ref: ContainerRef) -> LatestRun | None:
    """Wait until the container has started; None when its pod is gone."""
    scope = Scope(resource=PODS, namespace=ref.namespace, name=ref.pod)
    async with aclosing(states(api, scope)) as pods:
        async for pod in pods:
            if pod is None:
                return None
            run = latest_run(pod, ref.container)
            if run.started:
                return run
    return None


async def _rest_of_previous(api: KubernetesApi, ref: ContainerRef, position: LogPosition) -> AsyncGenerator[Line, None]:
    """What the run before the latest one wrote and was not passed on; nothing when the node has thrown it away."""
    backoff = Backoff()
    for _ in range(_PREVIOUS_TRIES):
        try:
            async with aclosing(_lines(api, ref, position, previous=True)) as lines:
                async for line in lines:
                    yield line
        except _RefusedError:
            return
        except _BrokenError:
            await backoff.wait()
            position.connect()
        else:
            return


async def _lines(
    api: KubernetesApi, ref: ContainerRef, position: LogPosition, *, previous: bool = False
) -> AsyncGenerator[Line, None]:
    params = [("container", ref.container), ("timestamps", "true")]
    params.append(("previous", "true") if previous else ("follow", "true"))
    if position.second:
        params.append(("sinceTime", position.second))
    refusal: Failure | None = None
    try:
        async with api.stream(f"{PODS.path(ref.namespace, ref.pod)}/log", params=params) as stream:
            if isinstance(stream, Failure):
                refusal = stream
            else:
                async with aclosing(stream.lines(parted_from=_PART_BYTES)) as lines:
                    async for each in _new(lines, position):
                        yield each
    except ClusterUnreachableError as error:
        raise _BrokenError from error
    if refusal and refusal.code == 403:
        raise failures.denied(api.connection, f"show the log of pod `{ref.pod}`", refusal)
    if refusal:
        raise _RefusedError


async def _new(lines: AsyncGenerator[bytes, None], position: LogPosition) -> AsyncGenerator[Line, None]:
    """The lines that were not passed on before; parts of a line that is very long are lines of its time."""
    time, whole, wanted = "", True, False
    async for line in lines:
        if whole:
            time, text = _parsed(line)
            wanted = bool(time) and position.is_new(time)  # without time it is a remark of the node's
        else:
            text = _text(line)
        whole = line.endswith(b"\n")
        if wanted:
            yield time, text


def _parsed(line: bytes) -> tuple[str, str]:
    head, _, text = line.partition(b" ")
    time = in_utc(head.decode(errors="replace").rstrip("\n")) or ""
    return time, _text(text)


def _text(line: bytes) -> str:
    return line.decode(errors="replace").removesuffix("\n") + "\n"
