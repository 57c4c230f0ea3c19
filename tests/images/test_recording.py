from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.host.files.digests import FileDigests
from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.images.contract import BuildRequest
from pytilt.images.recording import RecordingBuilder, RecordingPublisher
from pytilt.model.commands import Command
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import BuiltImage, CustomBuild, Delivery, DockerBuild, FastBuild, Image, Registry, Sync
from pytilt.model.names import ImageName
from pytilt.testing.images import FakeBuilder, FakePublisher, built
from tests.images.logs import KeptLog

REGISTRY = Registry(host="localhost:5001")
WEB = built(ImageName("web"))


class Lookup:
    """The images of an engine and of a registry."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {"busybox": "sha256:1"}

    async def image_id(self, reference: str) -> str | None:
        return self.ids.get(reference)


class Project:
    """An image of a folder, built by one session after the other."""

    def __init__(self, folder: Path) -> None:
        self.context = folder / "web"
        self.context.mkdir()
        (self.context / "index.html").write_text("1")
        self.records = Records(StateDirectory(folder / "state"))
        self.lookup = Lookup()
        self.builder = FakeBuilder()
        self.environ = {"COLOR": "red"}
        build = DockerBuild(context=str(self.context), contents="FROM busybox\nCOPY . .\n")
        self.image = Image(name=ImageName("web"), build=build)

    @property
    def builds(self) -> int:
        return len(self.builder.requests)

    async def session(self, image: Image | None = None, **fields: object) -> BuiltImage:
        recording = RecordingBuilder(self.builder, self.lookup, self.records, FileDigests(self.records), self.environ)
        return await recording.build(BuildRequest(image=image or self.image, **fields), KeptLog())  # type: ignore[arg-type]  # fields of a request


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


async def test_the_same_inputs_are_built_once(project: Project):
    first = await project.session()
    (project.context / "index.html").write_text("1")
    assert await project.session() == first
    assert project.builds == 1


async def test_an_image_that_is_gone_is_built_again(project: Project):
    first = await project.session()
    project.builder.stored.clear()
    assert await project.session() == first
    assert project.builds == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project.context / "index.html").write_text("2"),
        lambda project: project.lookup.ids.update(busybox="sha256:2"),
        lambda project: setattr(project, "image", replace(project.image, entrypoint=("sh",))),
        lambda project: project.environ.update(COLOR="blue"),
    ],
    ids=["file", "base image", "definition", "environment"],
)
async def test_another_input_asks_for_a_build(project: Project, change):
    build = replace(project.image.build, build_args=(("COLOR", ""),))
    project.image = replace(project.image, build=build)
    await project.session()
    change(project)
    await project.session()
    assert project.builds == 2


async def test_a_base_image_of_the_project_is_an_input(project: Project):
    for content in (b"1", b"2", b"2"):
        await project.session(bases={ImageName("base"): built(ImageName("base"), content)})
    assert project.builds == 2


async def test_what_is_left_out_of_the_context_is_none(project: Project):
    ignores = (Ignore(base=str(project.context), patterns=("*.log",)),)
    project.image = replace(project.image, build=replace(project.image.build, context_ignores=ignores))
    await project.session()
    (project.context / "a.log").write_text("")
    await project.session()
    assert project.builds == 1


@pytest.mark.parametrize("field", [{"pull": True}, {"secrets": ("id=a",)}, {"ssh": ("default",)}])
async def test_a_build_that_depends_on_what_nobody_sees_is_done_each_time(project: Project, field):
    project.image = replace(project.image, build=replace(project.image.build, **field))
    await project.session()
    await project.session()
    assert project.builds == 2


async def test_what_a_fast_build_adds_is_an_input(project: Project):
    adds = (Sync(local=str(project.context), remote="/src"),)
    build = DockerBuild(context="-", contents="FROM busybox", fast=FastBuild(adds=adds))
    image = Image(name=ImageName("web"), build=build)
    first = await project.session(image)
    await project.session(image, previous=first, changed=("/src",))
    assert project.builds == 1
    (project.context / "index.html").write_text("2")
    await project.session(image)
    assert project.builds == 2


@pytest.mark.parametrize(("paths", "builds"), [((), 2), (("index.html",), 1)])
async def test_a_command_is_run_each_time_unless_it_names_its_files(project: Project, paths, builds):
    command = CustomBuild(command=Command(argv=("make",), dir="/"))
    rule = FileRule(paths=tuple(str(project.context / path) for path in paths))
    image = Image(name=ImageName("web"), build=command, files=rule)
    await project.session(image)
    await project.session(image)
    assert project.builds == builds


async def test_files_that_change_during_a_build_are_built_again(project: Project):
    def changing(_: BuildRequest) -> None:
        (project.context / "index.html").write_text("during")

    project.builder = FakeBuilder(changing)
    await project.session()
    await project.session()
    assert project.builds == 2


class Pushes:
    """A project whose image is pushed by one session after the other."""

    def __init__(self, folder: Path) -> None:
        self.publisher = FakePublisher()
        self.uid = "1"

        async def uid() -> str:
            return self.uid

        self._recording = RecordingPublisher(self.publisher, Records(StateDirectory(folder / "state")), uid)

    async def session(self, delivery: Delivery = Delivery.PUSH, registry: Registry | None = REGISTRY) -> str:
        return await self._recording.publish(WEB, registry, delivery, KeptLog())

    async def is_there(self) -> bool:
        return await self._recording.is_there(WEB, REGISTRY, Delivery.PUSH)

    @property
    def count(self) -> int:
        return len(self.publisher.published)


@pytest.fixture
def pushes(tmp_path: Path) -> Pushes:
    return Pushes(tmp_path)


async def test_what_was_pushed_is_not_pushed_again(pushes: Pushes):
    first = await pushes.session()
    assert await pushes.session() == first
    assert await pushes.is_there()
    await pushes.session()
    assert pushes.count == 1


async def test_what_the_registry_has_lost_is_pushed_again(pushes: Pushes):
    await pushes.session()
    pushes.publisher.gone.add(WEB.name)
    assert not await pushes.is_there()
    await pushes.session()
    assert pushes.count == 2


async def test_another_cluster_of_the_same_name_is_loaded_again(pushes: Pushes):
    await pushes.session(Delivery.KIND_LOAD, None)
    await pushes.session(Delivery.KIND_LOAD, None)
    assert pushes.count == 1
    pushes.uid = "2"
    await pushes.session(Delivery.KIND_LOAD, None)
    assert pushes.count == 2
