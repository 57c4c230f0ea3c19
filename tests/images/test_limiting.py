import asyncio

from pytilt.images.contract import BuildRequest
from pytilt.images.limiting import LimitingBuilder
from pytilt.model.images import BuiltImage, DockerBuild, Image
from pytilt.model.logs import Log
from pytilt.model.names import ImageName
from pytilt.testing.images import FakeBuilder
from tests.images.logs import KeptLog


class CountingBuilder(FakeBuilder):
    """Knows how many builds of it ran at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        return await super().build(request, log)


async def test_a_limited_number_of_builds_runs_at_once_and_none_is_forgotten() -> None:
    counting = CountingBuilder()
    limited = LimitingBuilder(counting, 2)
    names = [ImageName(f"web{number}") for number in range(6)]
    logs = [KeptLog() for _ in names]
    async with asyncio.TaskGroup() as group:
        for name, log in zip(names, logs, strict=True):
            image = Image(name=name, build=DockerBuild(context="/src"))
            group.create_task(limited.build(BuildRequest(image=image), log))
    assert counting.most == 2
    assert [request.image.name for request in counting.requests] == names
    assert logs[0].text == "Building web0\n"
    assert logs[5].text == "Waiting for another build to finish\nBuilding web5\n"
