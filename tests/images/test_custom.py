from pathlib import Path

import pytest

from pytilt.docker.engine import Engine
from pytilt.errors import BuildError
from pytilt.host.processes import HostRunner
from pytilt.images.contract import BuildRequest
from pytilt.images.custom import CustomBuilder, base_variables, expected_reference, expected_variables
from pytilt.model.commands import Command
from pytilt.model.images import BuiltImage, CustomBuild, Image, Registry
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from tests.images.logs import KeptLog

LOCAL = Registry(host="localhost:5001", host_from_cluster="registry:5000")
SINGLE = Registry(host="r.io", single_name="one/repo")
CLI = "/usr/bin:/usr/local/bin:/bin"


def command(script: str, folder: str = "/tmp", **env: str) -> Command:
    return Command(argv=("sh", "-c", script), dir=folder, env=tuple(env.items()))


def request(name: str, build: CustomBuild, registry: Registry | None = None) -> BuildRequest:
    return BuildRequest(image=Image(name=ImageName(name), build=build), registry=registry)


@pytest.mark.parametrize(
    ("build", "registry", "expected"),
    [
        (CustomBuild(command=command("")), None, "shop/web:temp"),
        (CustomBuild(command=command("")), LOCAL, "localhost:5001/shop_web:temp"),
        (CustomBuild(command=command("")), SINGLE, "r.io/one/repo:web-temp"),
        (CustomBuild(command=command(""), tag="v1"), LOCAL, "shop/web:v1"),
        (CustomBuild(command=command(""), outputs_image_ref_to="/out"), LOCAL, None),
    ],
)
def test_a_command_gets_the_reference_that_is_expected(
    build: CustomBuild, registry: Registry | None, expected: str | None
) -> None:
    reference = expected_reference(request("shop/web", build, registry), "temp")
    assert (reference.familiar if reference else None) == expected


def test_a_command_gets_its_variables() -> None:
    asked = request("shop/web", CustomBuild(command=command("")), LOCAL)
    assert expected_variables(asked, expected_reference(asked, "t")) == {
        "EXPECTED_REF": "localhost:5001/shop_web:t",
        "EXPECTED_IMAGE": "shop_web",
        "EXPECTED_TAG": "t",
        "EXPECTED_REGISTRY": "localhost:5001",
        "REGISTRY_HOST": "localhost:5001",
    }


def test_a_command_gets_the_images_it_builds_upon() -> None:
    base, other = ImageName("base"), ImageName("other")
    asked = BuildRequest(
        image=Image(name=ImageName("web"), build=CustomBuild(command=command(""), image_deps=(base, other))),
        bases={base: BuiltImage(name=base, id="1", reference="base:tilt-1")},
    )
    assert base_variables(asked) == {
        "TILT_IMAGE_MAP_0": "base",
        "TILT_IMAGE_0": "base:tilt-1",
        "TILT_IMAGE_MAP_1": "other",
    }


async def test_what_a_command_tagged_is_tagged_by_its_content(
    engine: Engine, runner: HostRunner, engine_settings: Settings, image_name: ImageName
) -> None:
    log = KeptLog()
    script = "echo building $FLAVOR; docker tag busybox $EXPECTED_REF"
    builder = CustomBuilder(engine, runner, engine_settings, clock=lambda: 17.9)
    image = await builder.build(request(image_name, CustomBuild(command=command(script, FLAVOR="mild")), LOCAL), log)
    assert image.reference == f"{image_name}:tilt-{image.id.removeprefix('sha256:')[:16]}"
    assert not image.fixed_reference
    assert await engine.image_id(f"localhost:5001/{image_name}:tilt-build-17") == image.id
    assert await builder.exists(image)
    assert log.text.startswith(
        f"Custom Build: Injecting Environment Variables\n  EXPECTED_REF=localhost:5001/{image_name}:tilt-build-17\n"
    )
    assert f"  DOCKER_HOST={engine_settings.docker_host}\n" in log.text
    assert log.text.endswith("building mild\n")


async def test_a_command_that_pushes_by_itself_leaves_the_name_that_the_cluster_gets(
    engine: Engine, runner: HostRunner, engine_settings: Settings, image_name: ImageName
) -> None:
    build = CustomBuild(command=command("docker tag busybox $EXPECTED_REF"), disable_push=True)
    image = await CustomBuilder(engine, runner, engine_settings).build(request(image_name, build, LOCAL), KeptLog())
    assert await engine.image_id(f"localhost:5001/{image.reference}") == image.id


async def test_a_command_that_tags_nothing_is_reported_what_to_tag(
    engine: Engine, runner: HostRunner, engine_settings: Settings, image_name: ImageName
) -> None:
    asked = request(image_name, CustomBuild(command=command("true")))
    with pytest.raises(BuildError, match="Could not find image in Docker") as caught:
        await CustomBuilder(engine, runner, engine_settings).build(asked, KeptLog())
    assert "`$EXPECTED_REF`" in str(caught.value.hint)


async def test_a_command_may_write_which_reference_it_made(
    engine: Engine, runner: HostRunner, engine_settings: Settings, image_name: ImageName, tmp_path: Path
) -> None:
    out = tmp_path / "ref"
    out.write_text("stale")
    script = f"test ! -e {out} && docker tag busybox {image_name}:mine && echo {image_name}:mine > {out}"
    build = CustomBuild(command=command(script), outputs_image_ref_to=str(out))
    image = await CustomBuilder(engine, runner, engine_settings).build(request(image_name, build, LOCAL), KeptLog())
    assert (image.reference, image.fixed_reference) == (f"{image_name}:mine", True)


@pytest.fixture
def away() -> Settings:
    """No engine is there, and none is needed."""
    return Settings.from_environment({"PATH": CLI, "HOME": "/nowhere", "DOCKER_HOST": "unix:///nowhere"})


async def test_an_image_that_skips_the_engine_is_taken_as_it_is(runner: HostRunner, away: Settings) -> None:
    async with Engine(away) as engine:
        builder = CustomBuilder(engine, runner, away)
        build = CustomBuild(command=command("true"), skips_local_docker=True, tag="v1")
        image = await builder.build(request("shop/web", build, LOCAL), KeptLog())
        assert image == BuiltImage(name=ImageName("shop/web"), id="", reference="shop/web:v1", fixed_reference=True)
        assert await builder.exists(image)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "echo said >&2; exit 3",
            'Custom build "echo said >&2; exit 3" failed: exit status 3\nsaid',
        ),
        ("exit 2", 'Custom build "exit 2" failed: exit status 2'),
    ],
)
async def test_a_failing_command_is_reported_with_its_output(
    runner: HostRunner, away: Settings, script: str, message: str
) -> None:
    async with Engine(away) as engine:
        build = CustomBuild(command=command(script), skips_local_docker=True)
        with pytest.raises(BuildError) as caught:
            await CustomBuilder(engine, runner, away).build(request("web", build), KeptLog())
    assert str(caught.value).startswith(f"{message}\nhint: ")


async def test_a_command_that_cannot_start_is_an_error(runner: HostRunner, away: Settings) -> None:
    async with Engine(away) as engine:
        build = CustomBuild(command=Command(argv=("/nowhere/make",), dir="/tmp"), skips_local_docker=True)
        with pytest.raises(BuildError, match='Custom build "/nowhere/make" failed: '):
            await CustomBuilder(engine, runner, away).build(request("web", build), KeptLog())


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("true", "Could not find image ref in output"),
        ("echo Not An Image > {out}", "was invalid: can't parse"),
        ("echo image > {out}", "image has no tag"),
    ],
)
async def test_a_reference_that_cannot_be_used_is_an_error(
    runner: HostRunner, away: Settings, tmp_path: Path, script: str, message: str
) -> None:
    out = tmp_path / "ref"
    async with Engine(away) as engine:
        build = CustomBuild(
            command=command(script.format(out=out)), skips_local_docker=True, outputs_image_ref_to=str(out)
        )
        with pytest.raises(BuildError, match=message):
            await CustomBuilder(engine, runner, away).build(request("web", build), KeptLog())
