import io
import tarfile

import pytest

from pytilt.docker.api import path
from pytilt.docker.engine import Engine
from pytilt.images.docker.restart_helper import NAME, ensure, is_wanted


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM tiltdev/restart-helper:2025-02-17 as restart-helper\nFROM app\n", True),
        ("FROM app\nCOPY --from=docker.io/tiltdev/restart-helper:1 /entr /\n", True),
        ("ARG H=tiltdev/restart-helper\nFROM $H\n", True),
        ("FROM app as tiltdev\nFROM tiltdev\n", False),
        ("FROM registry.example/tiltdev/restart-helper:1\n", False),
        ("", False),
    ],
)
def test_a_dockerfile_wants_it_that_names_the_extensions_image(dockerfile: str, expected: bool):
    assert is_wanted(dockerfile, {}) is expected


async def test_it_has_both_programs_of_the_extensions_image_and_is_made_once(engine: Engine):
    reference = await ensure(engine, "")
    assert reference.startswith(f"{NAME}:")
    made = await engine.image_id(reference)
    assert await ensure(engine, "") == reference
    assert await engine.image_id(reference) == made
    api = await engine.api()
    saved = (await api.request("GET", path("images", reference, "get"))).body
    with tarfile.open(fileobj=io.BytesIO(saved)) as image:
        layers = [name for name in image.getnames() if name.endswith("layer.tar")]
        layer = image.extractfile(layers[0])
        assert layer is not None
        with tarfile.open(fileobj=layer) as files:
            assert sorted(files.getnames()) == ["entr", "tilt-restart-wrapper"]
