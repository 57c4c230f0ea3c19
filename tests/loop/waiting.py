"""Waiting in tests: for a state, for a line of the log, for a few turns of the event loop; never for a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from pytilt.model.lines import Selection
from pytilt.model.names import ResourceName
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

T = TypeVar("T")

PATIENCE_SECONDS = 10.0
"""A test that waits so long has failed."""


@asynccontextmanager
async def running(*parts: Awaitable[None]) -> AsyncIterator[asyncio.TaskGroup]:
    """Run what has no end for as long as the block lasts; an error of the block leaves it as it is."""
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_awaited(part), name="part of a test") for part in parts]
        try:
            await asyncio.sleep(0)  # all have begun
            yield group
        except BaseException as error:  # noqa: BLE001 - raised again below, but not as a group
            failure = error
        for task in tasks:
            task.cancel()
    if failure is not None:
        raise failure


async def until(store: Store, found: Callable[[], T | None]) -> T:
    """Wait until something holds of the store.

    Returns:
        The first true value of `found`.
    """
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(store.watch()) as changes:  # type: ignore[type-var]  # an async generator has `aclose`
        async for _ in changes:
            if value := found():
                return value
    raise AssertionError


async def until_logged(logs: LogStore, text: str) -> None:
    """Wait until a line of the log holds a text."""
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(logs.follow()) as batches:  # type: ignore[type-var]  # an async generator has `aclose`
        async for lines in batches:
            if any(text in line.text for line in lines):
                return


def logged(logs: LogStore, resource: str = "") -> str:
    """All lines of the log, or of a resource."""
    wanted = Selection(resources=frozenset({ResourceName(resource)}) if resource else frozenset())
    return "".join(f"{line.text}\n" for line in logs.read(0, wanted, limit=100_000)[0])


async def _awaited(part: Awaitable[None]) -> None:
    await part
