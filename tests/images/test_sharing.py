import asyncio

import pytest

from pytilt.errors import BuildError
from pytilt.images.contract import BuildRequest
from pytilt.images.sharing import SharingBuilder
from pytilt.model.images import BuiltImage, DockerBuild, Image
from pytilt.model.logs import Log
from pytilt.model.names import ImageName
from pytilt.testing.images import FakeBuilder
from tests.images.logs import KeptLog


class HeldBuilder(FakeBuilder):
    """Builds when it is let go."""

    def __init__(self) -> None:
        super().__init__(lambda _: self.failure)
        self.failure: BuildError | None = None
        self.started = asyncio.Event()
        self.go = asyncio.Event()

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        self.started.set()
        await self.go.wait()
        return await super().build(request, log)


def request(inputs: str = "1", name: str = "web") -> BuildRequest:
    return BuildRequest(image=Image(name=ImageName(name), build=DockerBuild(context="/src")), inputs=inputs)


async def test_those_who_need_the_same_image_wait_on_one_build_and_see_its_log() -> None:
    held = HeldBuilder()
    shared = SharingBuilder(held)
    logs = [KeptLog(), KeptLog(), KeptLog()]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(shared.build(request(), log)) for log in logs]
        await held.started.wait()
        held.go.set()
    assert len({task.result().id for task in tasks}) == 1
    assert len(held.requests) == 1
    assert [log.text for log in logs] == ["Building web\n"] * 3


async def test_those_who_wait_get_the_same_error() -> None:
    held = HeldBuilder()
    held.failure = BuildError("no")
    shared = SharingBuilder(held)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(raised(shared)) for _ in range(2)]
        await held.started.wait()
        held.go.set()
    assert [task.result() for task in tasks] == ["no", "no"]
    assert len(held.requests) == 1


async def raised(shared: SharingBuilder) -> str:
    with pytest.raises(BuildError) as caught:
        await shared.build(request(), KeptLog())
    return caught.value.message


async def test_when_the_one_who_builds_is_cancelled_another_builds() -> None:
    held = HeldBuilder()
    shared = SharingBuilder(held)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.build(request(), KeptLog()))
        await held.started.wait()
        second = group.create_task(shared.build(request(), KeptLog()))
        await asyncio.sleep(0)
        held.started.clear()
        first.cancel()
        await held.started.wait()
        held.go.set()
    assert first.cancelled()
    assert second.result().name == "web"
    assert len(held.requests) == 1


async def test_what_was_built_is_used_until_its_inputs_change_or_it_is_gone() -> None:
    fake = FakeBuilder()
    shared = SharingBuilder(fake)
    first = await shared.build(request("1"), KeptLog())
    log = KeptLog()
    assert await shared.build(request("1"), log) == first
    assert log.text == f"Already built: {first.reference}\n"
    assert len(fake.requests) == 1
    await shared.build(request("2"), KeptLog())
    assert len(fake.requests) == 2
    await shared.build(request("1"), KeptLog())
    assert len(fake.requests) == 3
    fake.stored.clear()
    await shared.build(request("1"), KeptLog())
    assert len(fake.requests) == 4


async def test_without_inputs_nothing_is_shared() -> None:
    fake = FakeBuilder()
    shared = SharingBuilder(fake)
    image = await shared.build(request(""), KeptLog())
    await shared.build(request(""), KeptLog())
    assert len(fake.requests) == 2
    assert await shared.exists(image)
