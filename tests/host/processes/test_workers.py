import asyncio
import marshal
import os
import signal

from pytilt.host.processes.workers import Worker

SCANNER = "pytilt.store.scanner"
"""It answers each request with how many bytes it scanned."""


class Ends:
    """Remembers what a worker said."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.answered = asyncio.Event()

    def answer(self, message: bytes) -> None:
        self.answers.append(message)
        self.answered.set()


async def test_messages_are_answered_in_order_however_long_they_are():
    ends = Ends()
    worker = Worker(SCANNER, ends.answer, ends.status.set_result)
    sizes = [0, 5_000_000, *range(1, 100)]
    for size in sizes:
        worker.send(marshal.dumps(("x", (b"x" * (size - 1) + b"\n",) if size else (), False, 10**9)))
    while len(ends.answers) < len(sizes):
        ends.answered.clear()
        await ends.answered.wait()
    assert [marshal.loads(answer)[-1] for answer in ends.answers] == sizes
    worker.close()
    await worker.wait_closed()
    assert not ends.status.done()


async def test_one_that_ends_says_how():
    ends = Ends()
    worker = Worker(SCANNER, ends.answer, ends.status.set_result)
    os.kill(worker.pid, signal.SIGKILL)
    assert await ends.status == -signal.SIGKILL
    worker.send(b"nobody hears this")


async def test_one_whose_module_is_wrong_ends_by_itself():
    ends = Ends()
    Worker("pytilt.no_such_module", ends.answer, ends.status.set_result)
    assert await ends.status == 1
