import asyncio

from pytilt.liveupdate.locking import ReceiverLock
from tests.idle import idle


async def test_one_has_it_at_a_time():
    lock, log = ReceiverLock(), list[str]()

    async def speak(name: str) -> None:
        async with lock:
            log.append(f"{name} begins")
            await idle()
            log.append(f"{name} ends")

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(speak(name))
    assert log == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


async def test_it_is_taken_at_once_where_it_is_free():
    lock = ReceiverLock()
    assert lock.take()
    assert not lock.take()
    waiting = asyncio.Event()
    async with asyncio.TaskGroup() as group:

        async def wait() -> None:
            async with lock:
                waiting.set()

        group.create_task(wait())
        await idle()
        assert not waiting.is_set()
        lock.release()
        await asyncio.wait_for(waiting.wait(), 5)
    assert lock.take()


async def test_who_waits_in_vain_takes_nothing():
    lock = ReceiverLock()
    assert lock.take()

    async def wait() -> None:
        async with lock:
            raise AssertionError

    task = asyncio.get_running_loop().create_task(wait())
    await idle()
    task.cancel()
    await asyncio.wait([task])
    lock.release()
    assert lock.take()
