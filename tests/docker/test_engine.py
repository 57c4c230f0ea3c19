import asyncio
from pathlib import Path

import pytest

from pytilt.docker.engine import Engine, EngineProduct, content_tag
from pytilt.errors import DockerApiError, EngineUnreachableError
from pytilt.settings import Settings
from tests.images.docker.scripted import scripted


@pytest.mark.parametrize(
    ("version", "buildkit"),
    [
        (b'{"Version":"27.0","ApiVersion":"1.46","Os":"linux","Arch":"arm64"}', True),
        (b'{"Version":"18.06","ApiVersion":"1.38","Os":"linux","Arch":"amd64"}', False),
        (b'{"Version":"27.0","ApiVersion":"1.46","Os":"windows","Arch":"amd64"}', False),
        (b"{}", False),
    ],
)
async def test_an_engine_says_what_it_can(tmp_path: Path, version: bytes, buildkit: bool) -> None:
    async with scripted(tmp_path, {"/version": [version]}) as (asked, settings), Engine(settings) as engine:
        about = await engine.about()
        assert (about.product, about.buildkit) == (EngineProduct.DOCKER, buildkit)
        assert await engine.about() is about
        assert len(asked.targets("/version")) == 1


async def test_an_engine_is_looked_for_until_it_is_found(tmp_path: Path) -> None:
    settings = Settings.from_environment({"HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/engine.sock"})
    async with Engine(settings) as engine:
        with pytest.raises(EngineUnreachableError):
            await engine.api()
        async with scripted(tmp_path, {}) as (asked, _):
            assert await engine.api() is await engine.api()
            assert len(asked.targets("/_ping")) == 1


async def test_what_is_wrong_with_an_engine_is_not_taken_for_a_missing_image(tmp_path: Path) -> None:
    async with scripted(tmp_path, {"/images": [b"500 broken"]}) as (_, settings), Engine(settings) as engine:
        with pytest.raises(DockerApiError, match="broken"):
            await engine.image_id("web")


async def test_the_real_engine_knows_its_images(engine: Engine) -> None:
    assert (await engine.image_id("busybox") or "").startswith("sha256:")
    assert await engine.image_id("pytilt-test-none:1") is None
    assert (await engine.about()).platform.startswith("linux/")


async def test_many_who_ask_for_images_at_once_are_answered_by_one_list(tmp_path: Path) -> None:
    images = b'[{"Id":"sha256:1","RepoTags":["web:latest","web:v1"]},{"Id":"sha256:2","RepoTags":null}]'
    one = b'{"Id":"sha256:3"}'
    async with (
        scripted(tmp_path, {"/images/json": [images], "/images/": [one] * 3}) as (asked, settings),
        Engine(settings) as engine,
    ):
        await engine.api()
        names = ["a", "b", "web", "web:v1", "other"]
        found = await asyncio.gather(*map(engine.image_id, names))
        assert found == ["sha256:3", "sha256:3", "sha256:1", "sha256:1", "sha256:3"]
        assert len(asked.targets("/images/json")) == 1


async def test_the_real_engine_answers_many_as_it_answers_one(engine: Engine) -> None:
    alone = await engine.image_id("busybox")
    assert await asyncio.gather(*[engine.image_id("busybox")] * 5, engine.image_id("pytilt-test-none:1")) == [
        *[alone] * 5,
        None,
    ]


def test_the_tag_of_an_image_identifies_its_content() -> None:
    assert content_tag("sha256:0123456789abcdef0123456789abcdef") == "tilt-0123456789abcdef"
