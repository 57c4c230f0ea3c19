import pytest

from pytilt.errors import BuildError, PublishError
from pytilt.images.contract import BuildRequest
from pytilt.model.images import Delivery, DockerBuild, Image, Registry
from pytilt.model.names import ImageName
from pytilt.testing.images import FakeBuilder, FakePublisher, built

WEB = ImageName("shop/web")
REQUEST = BuildRequest(image=Image(name=WEB, build=DockerBuild(context="/src")))


def quiet(*_: object, **__: object) -> None:
    """No log."""


async def test_a_fake_builder_gives_equal_images_for_equal_requests() -> None:
    fake = FakeBuilder()
    image = await fake.build(REQUEST, quiet)
    assert image == await fake.build(REQUEST, quiet)
    assert image.reference == f"shop/web:tilt-{image.id.removeprefix('sha256:')[:16]}"
    assert fake.requests == [REQUEST, REQUEST]
    assert await fake.exists(image)
    fake.stored.clear()
    assert not await fake.exists(image)


async def test_a_fake_builder_answers_what_it_was_reported() -> None:
    assert await FakeBuilder({WEB: built(WEB, b"7")}).build(REQUEST, quiet) == built(WEB, b"7")
    with pytest.raises(BuildError, match="broken"):
        await FakeBuilder(lambda _: BuildError("broken")).build(REQUEST, quiet)


async def test_a_fake_publisher_answers_with_the_clusters_reference() -> None:
    fake = FakePublisher()
    registry = Registry(host="localhost:5001", host_from_cluster="registry:5000")
    reference = await fake.publish(built(WEB), registry, Delivery.PUSH, quiet)
    assert reference.startswith("registry:5000/shop_web:tilt-")
    assert [(item.image, item.delivery) for item in fake.published] == [(built(WEB), Delivery.PUSH)]
    with pytest.raises(PublishError, match="denied"):
        await FakePublisher({WEB: PublishError("denied")}).publish(built(WEB), None, Delivery.PUSH, quiet)
