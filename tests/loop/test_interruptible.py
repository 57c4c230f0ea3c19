import asyncio
import contextlib
import threading

from pytilt.loop.interruptible import ThreadInterruptedError, run_interruptibly


async def test_what_comes_of_the_work_is_the_result():
    assert await run_interruptibly(lambda: 7) == 7


async def test_an_endless_loop_ends_when_its_task_is_cancelled():
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        try:
            while True:
                with contextlib.suppress(Exception):
                    begun.set()
        except ThreadInterruptedError:
            ended.set()
            raise

    async with asyncio.TaskGroup() as group:
        task = group.create_task(run_interruptibly(work))
        await asyncio.to_thread(begun.wait)
        task.cancel()
    assert task.cancelled()
    assert await asyncio.to_thread(ended.wait, 10)
