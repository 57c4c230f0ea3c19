"""Applying several objects: those of equal rank at the same time, what others need first."""

import asyncio
from collections.abc import Sequence

from pytilt.cluster import objects, order
from pytilt.cluster.misspelling import misspelled
from pytilt.cluster.seam import Cluster
from pytilt.errors import ApplyError
from pytilt.loop.failures import first_failure
from pytilt.model.logs import Level, Log
from pytilt.model.resources import KubeObject

PARALLEL_APPLIES = 10
"""Objects of equal rank that are applied at a time; Tilt's number."""


async def apply_objects(
    cluster: Cluster, wanted: Sequence[KubeObject], log: Log, *, seconds: float
) -> list[KubeObject]:
    """Apply objects, and log which.

    Args:
        cluster: takes them.
        wanted: the objects, with everything injected.
        log: takes the progress.
        seconds: the limit of one object.

    Returns:
        The objects as the cluster has them now.

    Raises:
        ApplyError: of the first that was refused; nothing that was applied is undone.
        ClusterUnreachableError: no answer.
    """
    log("Applying YAML to cluster\n")
    limit = asyncio.Semaphore(PARALLEL_APPLIES)

    async def one(each: KubeObject) -> KubeObject:
        async with limit:
            wrong = [f"{objects.ref(each)}: {line}" for line in misspelled(each)]
            for line in wrong:
                log(f"{line}\n", level=Level.WARN)
            try:
                return await cluster.apply(each, timeout=seconds, notify=lambda line: log(f"{line}\n"))
            except ApplyError as error:
                if not wrong:
                    raise
                message = "\n".join([*wrong, error.message])
                raise ApplyError(message, where=error.where, hint=error.hint, output=error.output) from error

    applied: list[KubeObject] = []
    for stage in order.stages(wanted):
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(each), name=f"apply {objects.ref(each)}") for each in stage]
        except ExceptionGroup as failures:
            raise first_failure(failures) from None
        applied += [task.result() for task in tasks]
    log("Objects applied to cluster:\n")
    for each in applied:
        log(f"  → {objects.name(each)}:{objects.kind(each).lower()}\n")
    return applied
