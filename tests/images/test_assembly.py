from pytilt.docker.engine import Engine
from pytilt.host.processes import HostRunner
from pytilt.images.assembly import ImageBuilder, image_builder
from pytilt.images.contract import BuildRequest
from pytilt.images.limiting import LimitingBuilder
from pytilt.model.commands import Command
from pytilt.model.images import BuiltImage, CustomBuild, DockerBuild, Image
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from pytilt.testing.images import FakeBuilder
from tests.images.logs import KeptLog


async def test_each_image_goes_to_the_builder_of_its_kind() -> None:
    docker, custom = FakeBuilder(), FakeBuilder()
    both = ImageBuilder(docker, custom)
    log = KeptLog()
    await both.build(BuildRequest(image=Image(name=ImageName("a"), build=DockerBuild(context="/a"))), log)
    command = Command(argv=("make",), dir="/b")
    await both.build(BuildRequest(image=Image(name=ImageName("b"), build=CustomBuild(command=command))), log)
    assert [request.image.name for request in docker.requests] == ["a"]
    assert [request.image.name for request in custom.requests] == ["b"]
    custom.stored.add("b:mine")
    mine = BuiltImage(name=ImageName("b"), id="", reference="b:mine", fixed_reference=True)
    assert await both.exists(mine)


async def test_a_session_has_one_builder(runner: HostRunner) -> None:
    settings = Settings.from_environment({"HOME": "/nowhere"})
    async with Engine(settings) as engine:
        assert isinstance(image_builder(engine, runner, settings, limit=3), LimitingBuilder)
