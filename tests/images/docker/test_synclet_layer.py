import asyncio
import io
import tarfile

import msgspec
import pytest

from pytilt.docker.api import path
from pytilt.docker.engine import Engine
from pytilt.docker.runtime import DockerRuntime
from pytilt.errors import BuildError
from pytilt.images.docker.synclet_layer import SyncletLayers, dockerfile, image_configuration, read_image
from pytilt.model.images import BuiltImage
from pytilt.model.names import ImageName

INSPECTED = b"""{
  "Architecture": "amd64", "Os": "linux", "Created": "2026-01-01T00:00:00Z",
  "Config": {"Entrypoint": ["/app", "a b"], "Cmd": ["one"], "Env": ["A=1"], "StopSignal": "SIGQUIT", "User": "7"},
  "RootFS": {"Type": "layers", "Layers": ["sha256:1"]}
}"""


def test_the_configuration_is_the_images_own_with_one_more_layer():
    made = image_configuration(read_image(INSPECTED), "sha256:2", supervised=False)
    assert made["rootfs"] == {"type": "layers", "diff_ids": ["sha256:1", "sha256:2"]}
    assert made["config"] == msgspec.json.decode(INSPECTED)["Config"]


def test_as_first_process_the_helper_starts_the_images_own_program():
    made = image_configuration(read_image(INSPECTED), "sha256:2", supervised=True)
    config = made["config"]
    assert isinstance(config, dict)
    entrypoint = ["/synclet", "supervise", "--stop-signal=SIGQUIT", "--", "/app", "a b"]
    assert (config["Entrypoint"], config["Cmd"], config["User"]) == (entrypoint, ["one"], "7")
    assert dockerfile("app:1", read_image(INSPECTED).config, supervised=True) == (
        "FROM app:1\nCOPY synclet /synclet\n"
        'ENTRYPOINT ["/synclet", "supervise", "--stop-signal=SIGQUIT", "--", "/app", "a b"]\nCMD ["one"]\n'
    )


@pytest.mark.parametrize("config", ["null", "{}", '{"Entrypoint": null, "Cmd": null, "Env": null, "OnBuild": null}'])
def test_an_image_that_starts_nothing_by_itself_gets_the_helper(config: str):
    found = read_image(b'{"Architecture": "amd64", "Config": %s}' % config.encode())
    assert dockerfile("app:1", found.config, supervised=False) == "FROM app:1\nCOPY synclet /synclet\n"
    made = image_configuration(found, "sha256:2", supervised=True)["config"]
    assert isinstance(made, dict)
    assert made["Entrypoint"] == ["/synclet", "supervise", "--"]


@pytest.mark.parametrize("config", ['{"Entrypoint": "sh -c x"}', '{"OnBuild": 7}', '{"StopSignal": 9}', "[]", '"x"'])
def test_a_configuration_that_is_none_is_a_reason_to_do_without_the_layer(config: str):
    found = read_image(b'{"Architecture": "amd64", "Config": %s}' % config.encode())
    with pytest.raises(BuildError, match="odd way"):
        dockerfile("app:1", found.config, supervised=True)


async def built(engine: Engine, name: ImageName, *changes: str) -> BuiltImage:
    """An image of one small file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("app")
        entry.size = 2
        archive.addfile(entry, io.BytesIO(b"hi"))
    api = await engine.api()
    reference = f"{name}:own"
    params: dict[str, str | tuple[str, ...]] = {"fromSrc": "-", "repo": reference, "changes": changes}
    await api.request("POST", "/images/create", params=params, content=packed.getvalue())
    image_id = await engine.image_id(reference)
    assert image_id
    return BuiltImage(name=name, id=image_id, reference=reference)


@pytest.mark.parametrize("loads", [True, False], ids=["loaded", "built"])
async def test_an_image_from_scratch_gets_the_helper_and_stays_as_it_was(
    engine: Engine, image_name: ImageName, loads: bool
):
    own = await built(engine, image_name, 'CMD ["/synclet", "receive"]')
    made = await SyncletLayers(engine, loads=loads).add(own, supervised=True)
    assert made.reference.startswith(f"{image_name}:tilt-")
    assert await engine.image_id(made.reference) == made.id
    assert await engine.image_id(own.reference) == own.id
    api = await engine.api()
    body = {"Image": made.reference, "OpenStdin": True}
    created = (await api.request("POST", "/containers/create", json=body)).decode(dict[str, object])
    container = str(created["Id"])
    try:
        await api.request("POST", path("containers", container, "start"))
        async with asyncio.timeout(20), DockerRuntime(api).exec(container, ["/synclet", "receive"]) as stream:
            channel, data = await stream.receive()
        assert (channel, data[:9]) == (1, b"\x1esynclet "), "the program that it starts speaks the same"
        assert b"restarts=1" in data
    finally:
        await api.request("DELETE", path("containers", container), params={"force": True})


async def test_an_image_whose_instructions_another_layer_would_carry_out_is_refused(
    engine: Engine, image_name: ImageName
):
    own = await built(engine, image_name, "ONBUILD RUN exit 1")
    with pytest.raises(BuildError, match="ONBUILD"):
        await SyncletLayers(engine).add(own, supervised=False)
