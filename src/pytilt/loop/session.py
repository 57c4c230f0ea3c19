"""A session: everything that runs during `tilt up` and `tilt ci`, started in one place, ended together."""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping

from msgspec.structs import replace

from pytilt.cluster.health import ready_since
from pytilt.loop.planning.verdict import CiTargets, Verdict, ci_results, verdict
from pytilt.loop.pods.confirmations import Confirmations, runs
from pytilt.model.objects import ClusterState, Resource, Runtime, RuntimeState, Session, SessionStatus, Tiltfile
from pytilt.model.pods import Pod
from pytilt.model.times import moment, seconds_between
from pytilt.store.objects import Store

JUDGE_SECONDS = 1.0
"""Between two looks at the clock by `tilt ci`: its timeouts are minutes."""

CONFIRM_SECONDS = 1.5
"""How long pods have to have been healthy before `tilt ci` ends well: a container that ends at once is ready until the
kubelet looks again, which it does once a second."""

LONG_SECONDS = 10.0
"""Pods that have been ready for so long by the cluster's clock are believed it: beside this, seconds that clocks are
apart or leave out do not matter."""

LAST_WORDS_SECONDS = 2.0
"""How long `tilt ci` waits after its verdict for the logs of what has ended: they say why."""


async def run_session(
    store: Store,
    tasks: Mapping[str, Awaitable[None]],
    last_words: Callable[[], Awaitable[None]] | None = None,
    confirmations: Confirmations | None = None,
) -> Verdict:
    """Run all tasks until the verdict of `tilt ci`, or until cancelled.

    Args:
        store: the session's objects.
        tasks: name -> what runs without end. One that fails ends the others, and the session.
        last_words: waits until what ended before the verdict has logged everything; not for long.
        confirmations: of earlier sessions, about pods; None: nothing is known of them.

    Returns:
        The verdict.
    """
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(_as_coroutine(each), name=name) for name, each in tasks.items()]
        found = await judge(store, confirmations)
        results = ci_results(store.snapshot(), found)
        if last_words is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await last_words()
        for task in running:
            task.cancel()
    return replace(found, results=results)


async def judge(store: Store, confirmations: Confirmations | None = None) -> Verdict:
    """Wait for the verdict of a session that ends by itself; without end for one that does not.

    Args:
        store: the session's objects.
        confirmations: see `run_session`.
    """
    async for _ in store.watch(Session):
        session = store.get(Session, "Tiltfile")
        if session is not None and session.ci:
            break
    targets, changed, names = CiTargets(), asyncio.Event(), set[str]()
    looked_at = asyncio.get_running_loop().time()
    found: Verdict | None = None
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(_collect(store, names, changed), name="changes to judge")
        ticking = group.create_task(_tick(changed), name="time to judge")
        while found is None:
            await changed.wait()
            changed.clear()
            taken = frozenset(names)
            names.clear()
            now = asyncio.get_running_loop().time()
            if targets.update(store.snapshot(), taken) or now - looked_at >= JUDGE_SECONDS:
                looked_at = now
                found = await _confirmed(store, targets, confirmations)
        listening.cancel()
        ticking.cancel()
    status = SessionStatus(done=True, error=found.error)
    store.change(Session, "Tiltfile", lambda session: replace(session, status=status))
    return found


async def _confirmed(store: Store, targets: CiTargets, confirmations: Confirmations | None) -> Verdict | None:
    """The verdict of this moment; a good one about pods only if it still holds a little later."""
    found = _found(store, targets)
    if found is None or found.error:
        return found
    healthy = runs(_pods(store))
    remaining = CONFIRM_SECONDS - _least_healthy_seconds(store, confirmations)
    if remaining > 0:
        await asyncio.sleep(remaining)
        found = verdict(store.snapshot(), store.now())
    if confirmations is not None and found is not None and not found.error:
        confirmations.keep(healthy & runs(_pods(store)))
    return found


def _least_healthy_seconds(store: Store, confirmations: Confirmations | None) -> float:
    """How long the pods have been healthy that became so last, apart from those that an earlier session confirmed.

    Where something was applied or synced in this session, nothing from before counts: what comes of it, such as more
    pods, is not seen at once.
    """
    cluster = store.get(ClusterState, "default")
    ahead = cluster.info.clock_ahead_seconds if cluster is not None and cluster.info is not None else None
    now, least = store.now(), math.inf
    for runtime in store.snapshot().all(Runtime):
        state, resource = runtime.status, store.get(Resource, runtime.name)
        if not state.pods or resource is None:
            continue
        if resource.status.adopted:
            if confirmations is None or not confirmations.has_all(state.pods):
                least = min(least, _healthy_seconds(state, now, ahead))
        else:
            begins = (state.since, resource.status.deployed_at)
            least = min(least, *(seconds_between(begin or now, now) for begin in begins))
    return least


def _pods(store: Store) -> Iterator[Pod]:
    return (pod for runtime in store.snapshot().all(Runtime) for pod in runtime.status.pods)


def _healthy_seconds(state: RuntimeState, now: str, ahead: float | None) -> float:
    """How long pods have been healthy.

    Args:
        state: of these pods; it is good.
        now: by this machine's clock.
        ahead: how far the cluster's clock is ahead of it; None: nobody knows, so nothing is read off its clock.
    """
    seen = seconds_between(state.since or now, now)
    restarted = any(container.restarts for pod in state.pods for container in pod.containers)
    if restarted or ahead is None or not all(since := [ready_since(pod) for pod in state.pods]):
        return seen
    # A node's clock may be behind the cluster's, by which pods are created.
    begins = (*since, *(pod.created_at for pod in state.pods))
    by_cluster = seconds_between(max(begins, key=moment), now) + ahead
    return by_cluster if by_cluster >= LONG_SECONDS else seen


def _found(store: Store, targets: CiTargets) -> Verdict | None:
    session = store.get(Session, "Tiltfile")
    return targets.verdict(store.snapshot(), store.now()) if session is not None and session.ci else None


async def _collect(store: Store, names: set[str], changed: asyncio.Event) -> None:
    """Collect the names of the resources that change."""
    async for each in store.watch(Session, Tiltfile, ClusterState, Resource, Runtime):
        names.update(name for kind, name in each.names if kind in (Resource, Runtime))
        changed.set()


async def _tick(changed: asyncio.Event) -> None:
    """Have the state judged now and then, also where nothing changes: time alone may end it."""
    while True:
        await asyncio.sleep(JUDGE_SECONDS)
        changed.set()


async def _as_coroutine(each: Awaitable[None]) -> None:
    await each
