from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from pytilt.docker.engine import Engine
from pytilt.errors import PublishError
from pytilt.host.processes import HostRunner
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.publishing import DockerPublisher, push_failure
from pytilt.model.images import BuiltImage, Delivery, Registry
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from tests.images.docker.scripted import scripted
from tests.images.logs import KeptLog

WEB = BuiltImage(name=ImageName("shop/web"), id="sha256:1", reference="shop/web:tilt-1")


def publisher(engine: Engine, runner: HostRunner, settings: Settings) -> DockerPublisher:
    return DockerPublisher(engine, RegistryCredentials(settings, runner), runner, settings, kind_cluster="kind-dev")


@pytest.fixture
async def stored_image(engine: Engine, image_name: ImageName) -> BuiltImage:
    image_id = await engine.image_id("busybox")
    assert image_id is not None
    await engine.tag(image_id, f"{image_name}:tilt-1")
    return BuiltImage(name=image_name, id=image_id, reference=f"{image_name}:tilt-1")


async def test_an_image_is_pushed_and_the_cluster_gets_its_own_name_of_it(
    engine: Engine, runner: HostRunner, engine_settings: Settings, stored_image: BuiltImage, local_registry: str
) -> None:
    log = KeptLog()
    registry = Registry(host=local_registry, host_from_cluster="registry:5000")
    push = publisher(engine, runner, engine_settings).publish
    reference = await push(stored_image, registry, Delivery.PUSH, log)
    assert reference == f"registry:5000/{stored_image.reference}"
    async with httpx.AsyncClient() as client:
        tags = await client.get(f"http://{local_registry}/v2/{stored_image.name}/tags/list")
    assert tags.json()["tags"] == ["tilt-1"]
    assert log.text.startswith("Pushing with Docker client\n")
    assert f"The push refers to repository [{local_registry}/{stored_image.name}]\n" in log.text
    asks = publisher(engine, runner, engine_settings).is_there
    assert await asks(stored_image, registry, Delivery.PUSH)
    assert not await asks(replace(stored_image, reference=f"{stored_image.name}:never"), registry, Delivery.PUSH)
    assert await asks(stored_image, None, Delivery.SHARED)
    assert not await asks(replace(stored_image, reference=f"{stored_image.name}:never"), None, Delivery.SHARED)
    assert await asks(stored_image, None, Delivery.KIND_LOAD)
    assert not await asks(stored_image, None, Delivery.KIND_LOAD, missed=True)


async def test_all_images_go_to_one_repository_where_the_registry_wants_that(
    engine: Engine, runner: HostRunner, engine_settings: Settings, stored_image: BuiltImage, local_registry: str
) -> None:
    registry = Registry(host=local_registry, single_name=f"one/{stored_image.name}")
    push = publisher(engine, runner, engine_settings).publish
    reference = await push(stored_image, registry, Delivery.PUSH, KeptLog())
    assert reference == f"{local_registry}/one/{stored_image.name}:{stored_image.name}-tilt-1"


async def test_a_registry_that_is_not_there_is_named(
    engine: Engine, runner: HostRunner, engine_settings: Settings, stored_image: BuiltImage
) -> None:
    push = publisher(engine, runner, engine_settings).publish
    with pytest.raises(PublishError, match=r"cannot push `localhost:1/") as caught:
        await push(stored_image, Registry(host="localhost:1"), Delivery.PUSH, KeptLog())
    assert "see whether the registry at `localhost:1` runs" in str(caught.value.hint)


async def test_a_shared_engine_needs_no_push(tmp_path: Path, runner: HostRunner) -> None:
    log = KeptLog()
    async with scripted(tmp_path, {"/images": [b""]}) as (asked, settings), Engine(settings) as engine:
        publish = publisher(engine, runner, settings).publish
        assert await publish(WEB, None, Delivery.SHARED, log) == "shop/web:tilt-1"
        assert log.text == "Skipping push: building on cluster's container runtime\n"
        assert not asked.targets("/images")
        assert await publish(WEB, Registry(host="r.io"), Delivery.SHARED, log) == "r.io/shop_web:tilt-1"
    (tag,) = asked.targets("/images")
    assert tag.target == "/images/shop/web:tilt-1/tag?repo=r.io%2Fshop_web&tag=tilt-1"


async def test_a_refused_push_says_how_to_log_in(tmp_path: Path, runner: HostRunner) -> None:
    refused = (
        b'{"status":"Preparing","id":"abc"}\n{"errorDetail":{"message":"unauthorized: authentication required"}}\n'
    )
    answers = {"/images/r.io/shop_web/push": [refused], "/images": [b""]}
    async with scripted(tmp_path, answers) as (asked, settings), Engine(settings) as engine:
        with pytest.raises(PublishError, match="authentication required") as caught:
            await publisher(engine, runner, settings).publish(WEB, Registry(host="r.io"), Delivery.PUSH, KeptLog())
    assert "`docker login r.io`" in str(caught.value.hint)
    assert asked.targets("/images/r.io/shop_web/push")[0].headers["x-registry-auth"] == "e30="


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('echo loading; test "$*" = "load docker-image shop/web:tilt-1 --name dev"', ""),
        (
            "echo no nodes; exit 1",
            "Error loading image to KIND: exit status 1\nno nodes",
        ),
        ("", "cannot load the image"),
    ],
)
async def test_kind_loads_images_into_a_cluster_without_registry(
    tmp_path: Path, runner: HostRunner, script: str, expected: str
) -> None:
    if script:
        (tmp_path / "kind").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "kind").chmod(0o755)
    settings = Settings.from_environment({"HOME": str(tmp_path), "PATH": str(tmp_path)})
    log = KeptLog()
    async with Engine(settings) as engine:
        load = publisher(engine, runner, settings).publish(WEB, None, Delivery.KIND_LOAD, log)
        if expected:
            with pytest.raises(PublishError) as caught:
                await load
            assert expected in str(caught.value)
        else:
            assert await load == "shop/web:tilt-1"
            assert log.text == "Loading image to KIND\nloading\n"


@pytest.mark.parametrize(
    ("message", "reference", "hint"),
    [
        ("denied: requested access to the resource is denied", "shop/web:1", "`docker login`;"),
        ("server gave HTTP response to HTTPS client", "r.lan:5000/web:1", "`insecure-registries`"),
        ("dial tcp 1.2.3.4:443: connect: connection refused", "r.lan/web:1", "`r.lan` runs"),
        ("something new", "r.lan/web:1", "`docker push r.lan/web:1`"),
    ],
)
def test_a_failed_push_says_what_to_do(message: str, reference: str, hint: str) -> None:
    assert hint in str(push_failure(message, reference).hint)
