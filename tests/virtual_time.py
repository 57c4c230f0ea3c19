"""Time that does not pass: a loop that jumps to its next timer when there is nothing else to do."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")

EPOCH = 1_700_000_000.0
"""Unix time when a test begins."""
REAL_LOOK = 0.01
"""Seconds between two looks at what threads do, in which time does not jump."""


class _Selector(selectors.DefaultSelector):
    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> Any:
        if self.loop.in_threads:
            return super().select(REAL_LOOK)
        found = super().select(0)
        if not found and timeout is None:
            raise AssertionError("nothing will ever happen here: every task waits, and there is no timer")
        if not found and timeout:
            self.loop.now += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock runs only while all tasks wait, and then at once to the next timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.in_threads = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override] # the very types need Python 3.11's own names
        future = super().run_in_executor(executor, func, *args)
        self.in_threads += 1
        future.add_done_callback(self._returned)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self.in_threads += 1  # the last one waits for the others
        await super().shutdown_default_executor(*args)

    def _returned(self, _: object) -> None:
        self.in_threads -= 1


def unix_time() -> float:
    """The Unix time on a virtual loop."""
    return EPOCH + asyncio.get_running_loop().time()


async def until(holds: Callable[[], object], seconds: float = 600.0) -> None:
    """Wait until something holds, at most so many virtual seconds."""
    pause = 0.01
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)


def virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on a loop of virtual time; it fails if it leaves tasks behind."""

    async def supervised(*args: Any, **more: Any) -> None:
        await test(*args, **more)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left behind: {left}"

    @wraps(test)
    def run(*args: Any, **more: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(supervised(*args, **more))

    return run
