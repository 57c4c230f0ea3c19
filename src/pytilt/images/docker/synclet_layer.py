"""One more layer for a built image: the helper `synclet`, and if wanted the helper as its first process.

The user's own image stays as it is, under its own name; this one is made upon it. The layer holds nothing but the
helper, with fixed times, so it is the same in all images and travels to a registry once.

An engine that has the layers below is given the one on top and the configuration, which takes a tenth of the time of a
build. Podman, and Docker with containerd's store, want all layers: there it is built.
"""

import asyncio
import contextlib
import hashlib
import io
import json
from collections.abc import AsyncIterator
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from pytilt.docker.api import path
from pytilt.docker.engine import Engine, EngineProduct, content_tag
from pytilt.errors import BuildError, DockerApiError, WorkError
from pytilt.images.docker.options import LABELS, PODMAN_LABELS
from pytilt.images.docker.reading import BuildReader
from pytilt.model.images import BuiltImage
from pytilt.model.logs import Level
from pytilt.model.modules import lazy
from pytilt.model.references import parse
from pytilt.synclet import verbs
from pytilt.synclet.binaries import binary

if TYPE_CHECKING:
    import tarfile
else:
    tarfile = lazy("tarfile")


class _BaseConfig(msgspec.Struct, rename="pascal"):
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    stop_signal: str = ""
    on_build: list[str] | None = None


class _RootFs(msgspec.Struct, rename="pascal"):
    layers: list[str] | None = None


class _BaseImage(msgspec.Struct, rename="pascal"):
    raw: msgspec.Raw = msgspec.field(name="Config", default=msgspec.Raw(b"null"))
    architecture: str = ""
    os: str = ""
    variant: str = ""
    created: str = ""
    root_fs: _RootFs = msgspec.field(name="RootFS", default_factory=_RootFs)

    @property
    def config(self) -> _BaseConfig:
        """The part of the configuration that matters here.

        Raises:
            BuildError: it cannot be understood.
        """
        try:
            return msgspec.json.decode(self.raw, type=_BaseConfig | None) or _BaseConfig()
        except msgspec.DecodeError as error:
            raise _odd(error) from error


class SyncletLayers:
    """Adds the layer, by the container engine; the `HelperLayers` of a session.

    Args:
        engine: what builds.
        loads: try to load the layer alone first.
    """

    def __init__(self, engine: Engine, *, loads: bool = True) -> None:
        self._engine = engine
        self._takes_layers = loads

    async def add(self, image: BuiltImage, *, supervised: bool) -> BuiltImage:
        """See `HelperLayers.add`."""
        api = await self._engine.api()
        try:
            found = read_image((await api.request("GET", path("images", image.reference, "json"))).body)
            config = found.config
            if config.on_build:
                raise BuildError("the image has `ONBUILD` instructions, which another layer would carry out")
            if found.os not in ("", "linux"):
                raise BuildError(f"there is no helper for {found.os}")
            loaded = await self._load(image, found, supervised=supervised)
            if loaded is not None:
                return loaded
            image_id = await self._build(found, dockerfile(image.reference, config, supervised=supervised))
            reference = f"{parse(image.name).familiar_name}:{content_tag(image_id)}"
            await self._engine.tag(image_id, reference)
        except (DockerApiError, WorkError) as error:
            raise BuildError(error.message, hint=error.hint) from error
        return BuiltImage(name=image.name, id=image_id, reference=reference)

    async def _load(self, image: BuiltImage, found: "_BaseImage", *, supervised: bool) -> BuiltImage | None:
        """Give the engine the layer alone; None where it does not take that."""
        if not self._takes_layers or not found.root_fs.layers:
            return None
        layer, digest = await asyncio.to_thread(_layer, found.architecture)
        configuration = msgspec.json.encode(image_configuration(found, digest, supervised=supervised))
        image_id = f"sha256:{hashlib.sha256(configuration).hexdigest()}"
        made = BuiltImage(
            name=image.name,
            id=image_id,
            reference=f"{parse(image.name).familiar_name}:{content_tag(image_id)}",
        )
        if await self._engine.image_id(made.reference) == image_id:
            return made
        content = await asyncio.to_thread(_loadable, made, configuration, layer, len(found.root_fs.layers))
        api = await self._engine.api()
        with contextlib.suppress(DockerApiError):
            headers = {"Content-Type": "application/x-tar"}
            await api.request("POST", "/images/load", params={"quiet": True}, content=content, headers=headers)
            if await self._engine.image_id(made.reference) == image_id:
                return made
        self._takes_layers = False
        return None

    async def _build(self, found: "_BaseImage", text: str) -> str:
        about = await self._engine.about()
        context = await asyncio.to_thread(_context, text, found.architecture)
        podman = about.product is EngineProduct.PODMAN
        params: dict[str, str | int | bool] = {
            "dockerfile": "Dockerfile",
            "labels": json.dumps(PODMAN_LABELS if podman else LABELS),
            "rm": True,
            "forcerm": True,
            "platform": f"linux/{found.architecture}",
        }
        if about.buildkit:
            params["version"] = "2"
        api = await self._engine.api()
        headers = {"Content-Type": "application/x-tar"}
        async with api.stream("POST", "/build", params=params, content=_once(context), headers=headers) as chunks:
            result = await BuildReader(_unheard).read(chunks)
        if result.failure:
            raise BuildError(result.failure)
        image_id = result.image_id or (result.short_id and await self._engine.image_id(result.short_id))
        if not image_id:
            raise BuildError("the container engine did not say what it built")
        return image_id


def read_image(answer: bytes) -> _BaseImage:
    """What an engine says of an image.

    Raises:
        BuildError: it cannot be understood.
    """
    try:
        return msgspec.json.decode(answer, type=_BaseImage)
    except msgspec.DecodeError as error:
        raise _odd(error) from error


def _odd(error: msgspec.DecodeError) -> BuildError:
    return BuildError(f"the container engine describes the image in an odd way: {error}")


def dockerfile(reference: str, config: _BaseConfig, *, supervised: bool) -> str:
    """The Dockerfile of the layer.

    Args:
        reference: the user's image.
        config: what that says of its containers.
        supervised: is the helper to be their first process?
    """
    lines = [f"FROM {reference}", f"COPY synclet {verbs.PATH}"]
    if supervised:
        entrypoint = [verbs.PATH, *verbs.supervise(config.entrypoint or (), config.stop_signal)]
        lines.append(f"ENTRYPOINT {json.dumps(entrypoint)}")
        if config.cmd:  # an entry point of its own makes an image forget the command that it inherits
            lines.append(f"CMD {json.dumps(config.cmd)}")
    return "\n".join(lines) + "\n"


def image_configuration(found: _BaseImage, layer: str, *, supervised: bool) -> dict[str, object]:
    """The configuration of the image with the layer.

    Args:
        found: the user's image.
        layer: digest of the layer on top.
        supervised: is the helper to be the first process?
    """
    config: dict[str, object] = msgspec.json.decode(found.raw) or {}
    if supervised:
        words = found.config.entrypoint or ()
        config["Entrypoint"] = [verbs.PATH, *verbs.supervise(words, found.config.stop_signal)]
    return {
        "architecture": found.architecture,
        "os": found.os or "linux",
        **({"variant": found.variant} if found.variant else {}),
        "created": found.created or "1970-01-01T00:00:00Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [*(found.root_fs.layers or ()), layer]},
    }


@cache
def _layer(architecture: str) -> tuple[bytes, str]:
    """The layer, and its digest."""
    layer = _tar((verbs.PATH.lstrip("/"), binary(architecture), 0o755))
    return layer, f"sha256:{hashlib.sha256(layer).hexdigest()}"


def _loadable(made: BuiltImage, configuration: bytes, layer: bytes, below: int) -> bytes:
    """What an engine loads: the layers below are named, and are not in it."""
    layers = [*(f"{number}/layer.tar" for number in range(below)), "synclet/layer.tar"]
    manifest = [{"Config": "config.json", "RepoTags": [made.reference], "Layers": layers}]
    return _tar(
        ("manifest.json", json.dumps(manifest).encode(), 0o644),
        ("config.json", configuration, 0o644),
        ("synclet/layer.tar", layer, 0o644),
    )


def _context(text: str, architecture: str) -> bytes:
    return _tar(("Dockerfile", text.encode(), 0o644), ("synclet", binary(architecture), 0o755))


def _tar(*entries: tuple[str, bytes, int]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content, mode in entries:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _unheard(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
    """Nobody asked for this build, so nobody has to read how it goes."""
