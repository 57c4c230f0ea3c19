"""The image that Tilt's extension `restart_process` copies its wrapper from, made of our own helper instead of pulled.

The extension's Dockerfiles begin with `FROM tiltdev/restart-helper:DATE as restart-helper` and copy two programs out of
it: the wrapper, which starts the user's program again when a file is written, and the watcher that the wrapper needs.
Ours needs none, so that one is empty.
"""

import asyncio
import hashlib
import io
import tarfile

from pytilt.docker.engine import Engine
from pytilt.images.dockerfile import image_uses
from pytilt.model.names import ImageName
from pytilt.model.references import try_parse
from pytilt.synclet.binaries import binary

TILTS_NAME = ImageName("tiltdev/restart-helper")
NAME = "localhost/pytilt/restart-helper"
"""With a host, since Podman and Docker complete a name without one differently."""
WRAPPER, WATCHER = "tilt-restart-wrapper", "entr"


def is_wanted(dockerfile: str, build_args: dict[str, str]) -> bool:
    """Does a Dockerfile take anything from the extension's image?"""
    uses = image_uses(dockerfile, build_args)
    return any((found := try_parse(use.reference)) and found.familiar_name == TILTS_NAME for use in uses)


async def ensure(engine: Engine, platform: str) -> str:
    """The reference of an image that has what the extension's image has, made first if need be.

    Args:
        engine: where it is to be.
        platform: of the image that is built, for example `linux/arm64`; empty: the engine's own.

    Raises:
        ApplyError: this installation has no helper for the platform.
        DockerApiError: the engine refuses the image.
        EngineUnreachableError: no engine answers.
    """
    architecture = (platform or (await engine.about()).platform).split("/")[1]
    layer = await asyncio.to_thread(_layer, architecture)
    reference = f"{NAME}:{hashlib.sha256(layer).hexdigest()[:12]}"
    if await engine.image_id(reference) is None:
        api = await engine.api()
        params = {"fromSrc": "-", "repo": reference, "platform": f"linux/{architecture}"}
        headers = {"Content-Type": "application/x-tar"}
        await api.request("POST", "/images/create", params=params, content=layer, headers=headers)
    return reference


def _layer(architecture: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in ((WRAPPER, binary(architecture)), (WATCHER, b"")):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
