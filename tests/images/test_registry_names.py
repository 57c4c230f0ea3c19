import pytest

from pytilt.images.registry_names import cluster_reference, push_name, push_reference, tag_for
from pytilt.model.images import BuiltImage, Registry
from pytilt.model.names import ImageName
from pytilt.model.references import parse

DIGEST = "sha256:" + "0123456789abcdef" * 4
LOCAL = Registry(host="localhost:5001")
BEHIND = Registry(host="localhost:5001", host_from_cluster="registry:5000")
SINGLE = Registry(host="1.ecr.amazonaws.com", single_name="team/dev")


@pytest.mark.parametrize(
    ("name", "registry", "pushed", "pulled"),
    [
        ("shop/web", None, "shop/web:tilt-1", "shop/web:tilt-1"),
        ("shop/web", LOCAL, "localhost:5001/shop_web:tilt-1", "localhost:5001/shop_web:tilt-1"),
        ("shop/web:a", LOCAL, "localhost:5001/shop_web:tilt-1", "localhost:5001/shop_web:tilt-1"),
        ("gcr.io:443/a/b", LOCAL, "localhost:5001/gcr.io_443_a_b:tilt-1", "localhost:5001/gcr.io_443_a_b:tilt-1"),
        ("localhost:5001/shop/web", LOCAL, "localhost:5001/shop/web:tilt-1", "localhost:5001/shop/web:tilt-1"),
        ("shop/web", BEHIND, "localhost:5001/shop_web:tilt-1", "registry:5000/shop_web:tilt-1"),
        ("localhost:5001/web", BEHIND, "localhost:5001/web:tilt-1", "registry:5000/web:tilt-1"),
        ("registry:5000/web", BEHIND, "localhost:5001/web:tilt-1", "registry:5000/web:tilt-1"),
        (
            "shop/web",
            SINGLE,
            "1.ecr.amazonaws.com/team/dev:web-tilt-1",
            "1.ecr.amazonaws.com/team/dev:web-tilt-1",
        ),
    ],
)
def test_images_are_renamed_for_a_registry(name: str, registry: Registry | None, pushed: str, pulled: str) -> None:
    reference = f"{parse(name).familiar_name}:tilt-1"
    image = BuiltImage(name=ImageName(name), id=DIGEST, reference=reference)
    assert push_reference(image, registry) == pushed
    assert cluster_reference(image, registry) == pulled
    assert push_name(image.name, registry) + ":" + tag_for(image.name, "tilt-1", registry) == pushed


@pytest.mark.parametrize(
    ("reference", "pulled"),
    [
        ("localhost:5001/other:7", "registry:5000/other:7"),
        ("shop/other:7", "shop/other:7"),
    ],
)
def test_a_reference_chosen_by_its_command_keeps_its_name(reference: str, pulled: str) -> None:
    image = BuiltImage(name=ImageName("shop/web"), id="", reference=reference, fixed_reference=True)
    assert push_reference(image, BEHIND) == reference
    assert cluster_reference(image, BEHIND) == pulled
