"""Deleting objects and seeing them gone, for a while; what does not go is named with what keeps it."""

import asyncio
from collections.abc import Sequence

from pytilt.cluster import finalizers
from pytilt.cluster.finalizers import is_foreign
from pytilt.cluster.seam import Cluster, Notify
from pytilt.errors import WorkError
from pytilt.loop.failures import first_failure
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject

SILENT_SECONDS = 1.0
"""So long nothing is said of a wait: most objects go at once."""

PARALLEL_REQUESTS = 10

KEEP = ("tilt.dev/down-policy", "keep")
"""Objects with this annotation outlive `tilt down`."""


class ObjectDeletion:
    """Deletes objects.

    Args:
        cluster: where they are.
        notify: called with what is waited for.
        seconds: how long they are waited for.
    """

    def __init__(self, cluster: Cluster, notify: Notify, seconds: float) -> None:
        self._cluster = cluster
        self._notify = notify
        self._seconds = seconds

    async def run(self, refs: Sequence[ObjectRef]) -> tuple[list[ObjectRef], list[str]]:
        """Delete objects at the same time, and wait until they are gone.

        Returns:
            Those that are still there, and what the cluster said where it refused.

        Raises:
            ClusterUnreachableError: no answer.
        """
        refused: list[str] = []

        async def one(ref: ObjectRef) -> None:
            try:
                await self._cluster.delete(ref, wait=True)
            except WorkError as problem:
                refused.append(str(problem))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {group.create_task(one(ref), name=f"delete {ref}"): ref for ref in refs}
                pending = await _wait(set(tasks), min(SILENT_SECONDS, self._seconds / 2))
                if pending:
                    names = ", ".join(sorted(str(tasks[task]) for task in pending))
                    self._notify(f"Waiting up to {self._seconds:g}s until they are gone: {names}")
                    pending = await _wait(pending, self._seconds)
                for task in pending:
                    task.cancel()
        except ExceptionGroup as failures:
            raise first_failure(failures) from None
        return [ref for task, ref in tasks.items() if task in pending], refused

    async def described(self, refs: Sequence[ObjectRef]) -> list[str]:
        """Those that are there, each with what keeps it."""
        return [finalizers.described(ref, each) for ref, each in await self._present(refs)]

    async def held(self, refs: Sequence[ObjectRef]) -> list[ObjectRef]:
        """Those that wait for a controller of somebody's to remove its finalizer."""
        return [ref for ref, each in await self._present(refs) if any(map(is_foreign, finalizers.finalizers(each)))]

    async def _present(self, refs: Sequence[ObjectRef]) -> list[tuple[ObjectRef, KubeObject]]:
        limit = asyncio.Semaphore(PARALLEL_REQUESTS)

        async def one(ref: ObjectRef) -> KubeObject | None:
            async with limit:
                return await self._cluster.get(ref)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [(ref, group.create_task(one(ref), name=f"get {ref}")) for ref in refs]
        except ExceptionGroup as failures:
            raise first_failure(failures) from None
        return [(ref, found) for ref, task in tasks if (found := task.result()) is not None]


async def _wait(tasks: set[asyncio.Task[None]], seconds: float) -> set[asyncio.Task[None]]:
    return (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else set()
