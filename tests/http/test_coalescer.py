import asyncio
from collections.abc import Mapping

from pytilt.http.coalescer import MANY, Coalescer

FIRST = "xy"
"""Asked for one by one, so that the next question asks for everything."""
assert len(FIRST) == MANY


class Source:
    """Answers a while after it looked at what is there."""

    def __init__(self, **content: int) -> None:
        self.content = content
        self.asked: list[str] = []
        self.broken = False

    async def one(self, key: str) -> int | None:
        self.asked.append(key)
        found = self.content.get(key)
        await asyncio.sleep(0.2)
        return found

    async def everything(self) -> Mapping[str, int | None]:
        self.asked.append("everything")
        found = dict(self.content)
        await asyncio.sleep(0.1)
        if self.broken:
            raise OSError("broken")
        return found

    def coalescer(self) -> Coalescer[str, int | None]:
        return Coalescer(self.one, self.everything)


async def test_one_question_is_one_request() -> None:
    source = Source(a=1)
    assert await source.coalescer().get("a") == 1
    assert source.asked == ["a"]


async def test_many_questions_at_once_are_one_request() -> None:
    source = Source(a=1, b=2, c=3, d=4)
    coalescer = source.coalescer()
    assert await asyncio.gather(*map(coalescer.get, FIRST + "abcd")) == [None, None, 1, 2, 3, 4]
    assert source.asked == [*FIRST, "everything"]


async def test_who_asks_later_of_many_asks_for_everything_although_the_first_have_their_answers() -> None:
    source, answered = Source(a=1, b=2, c=3), {key: asyncio.Event() for key in FIRST}

    async def one(key: str) -> int | None:
        source.asked.append(key)
        if key in answered:
            await answered[key].wait()
        return source.content.get(key)

    coalescer = Coalescer(one, source.everything)
    async with asyncio.TaskGroup() as group:
        first, second = (group.create_task(coalescer.get(key)) for key in FIRST)
        await asyncio.sleep(0)  # both have asked
        answered[FIRST[0]].set()
        await first
        assert await asyncio.gather(*map(coalescer.get, "abc")) == [1, 2, 3]
        answered[FIRST[1]].set()
        await second
    assert source.asked == [*FIRST, "everything"]
    assert await coalescer.get("a") == 1
    assert source.asked[-1] == "a"


async def test_what_is_not_among_everything_is_asked_for_by_itself() -> None:
    source = Source(a=1)
    coalescer = source.coalescer()
    assert (await asyncio.gather(*map(coalescer.get, FIRST + "ab")))[-2:] == [1, None]
    assert source.asked == [*FIRST, "everything", "b"]


async def test_no_answer_is_older_than_its_question() -> None:
    source = Source(a=1, b=2)
    coalescer = source.coalescer()
    async with asyncio.TaskGroup() as group:
        first = [group.create_task(coalescer.get(key)) for key in FIRST + "ab"]
        await asyncio.sleep(0.05)
        source.content["a"] = 10
        later = [group.create_task(coalescer.get("a")) for _ in range(3)]
    assert [task.result() for task in first][-2:] == [1, 2]
    assert [task.result() for task in later] == [10, 10, 10]
    assert source.asked == [*FIRST, "everything", "everything"]


async def test_a_failure_reaches_who_asked_and_the_next_ask_again() -> None:
    source = Source(a=1, b=2)
    source.broken = True
    coalescer = source.coalescer()
    answers = await asyncio.gather(*map(coalescer.get, FIRST + "a"), return_exceptions=True)
    assert isinstance(answers[-1], OSError)
    source.broken = False
    assert await coalescer.get("a") == 1


async def test_who_gives_up_does_not_disturb_the_others() -> None:
    source = Source(a=1, b=2)
    coalescer = source.coalescer()
    async with asyncio.TaskGroup() as group:
        for key in FIRST:
            group.create_task(coalescer.get(key))
        impatient, patient = (group.create_task(coalescer.get(key)) for key in "ab")
        await asyncio.sleep(0.05)
        impatient.cancel()
    assert impatient.cancelled()
    assert patient.result() == 2
