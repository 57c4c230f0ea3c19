import asyncio

from pytilt.http.shared_work import SharedWork


class Trial:
    def __init__(self) -> None:
        self.work = SharedWork()
        self.begun = 0
        self.done = False
        self.may_end = asyncio.Event()

    async def ensure(self) -> None:
        await self.work.ensure(lambda: not self.done, self.do)

    async def do(self) -> None:
        self.begun += 1
        await self.may_end.wait()
        self.done = True


async def test_one_does_it_and_all_others_go_on_at_the_same_time() -> None:
    trial = Trial()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(trial.ensure()) for _ in range(50)]
        await asyncio.sleep(0)
        trial.may_end.set()
        await waiting[0]
        await asyncio.sleep(0)
        assert all(each.done() for each in waiting)
    await trial.ensure()
    assert trial.begun == 1


async def test_what_one_fails_at_the_next_tries_again() -> None:
    trial = Trial()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise OSError("broken")

    trial.may_end.set()
    answers = await asyncio.gather(trial.work.ensure(lambda: True, fail), trial.ensure(), return_exceptions=True)
    assert isinstance(answers[0], OSError)
    assert answers[1] is None
    assert trial.begun == 1


async def test_who_gives_up_leaves_it_to_the_next() -> None:
    trial = Trial()
    async with asyncio.TaskGroup() as group:
        impatient, patient = group.create_task(trial.ensure()), group.create_task(trial.ensure())
        await asyncio.sleep(0)
        impatient.cancel()
        trial.may_end.set()
    assert patient.done()
    assert trial.done
