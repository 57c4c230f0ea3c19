import asyncio
import threading
import time

import pytest

from pytilt.loop.evaluation.interruptible import ThreadInterruptedError, run_interruptibly

ENDLESS = compile("while True:\n  turn()\n", "/p/Tiltfile", "exec")


async def started(work: object) -> "asyncio.Task[object]":
    """A task that does it in a thread, and has begun."""
    begun = threading.Event()

    def begin() -> object:
        begun.set()
        return work()  # type: ignore[operator]  # a function

    task = asyncio.get_running_loop().create_task(run_interruptibly(begin))
    while not begun.is_set():  # noqa: ASYNC110 - it is another thread that sets it
        await asyncio.sleep(0.001)
    return task


async def cancelled(task: "asyncio.Task[object]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_endless_loop_of_a_tiltfile_ends():
    ended = threading.Event()

    def work() -> None:
        try:
            exec(ENDLESS, {"turn": lambda: None})
        except ThreadInterruptedError:
            ended.set()
            raise

    await cancelled(await started(work))
    assert await asyncio.to_thread(ended.wait, 10)


async def test_code_that_is_no_tiltfiles_is_never_interrupted():
    lock, ended = threading.Lock(), threading.Event()

    def work() -> None:
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            with lock:
                pass
        ended.set()

    await cancelled(await started(work))
    assert await asyncio.to_thread(ended.wait, 10)
    assert lock.acquire(timeout=1)


async def test_what_work_returns_or_raises_is_passed_on():
    assert await run_interruptibly(lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        await run_interruptibly(lambda: 1 // 0)
