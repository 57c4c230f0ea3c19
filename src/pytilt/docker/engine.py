"""The container engine of a session: found when it is first needed, asked once what it is."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from enum import StrEnum
from types import TracebackType
from typing import Self

import msgspec

from pytilt.docker.api import DockerApi, path
from pytilt.docker.discovery import connected
from pytilt.docker.machine import Machine
from pytilt.errors import DockerApiError
from pytilt.http.coalescer import Coalescer
from pytilt.http.shared_work import SharedWork
from pytilt.model.base import Value
from pytilt.model.images import ImageConfig
from pytilt.model.references import parse
from pytilt.model.regex import regex
from pytilt.settings import Settings

_BUILDKIT_API = (1, 39)
"""Docker 18.09, the first that builds with BuildKit when asked to."""

_ON_BUILD = regex(r"(?:/bin/sh -c #\(nop\) +)?ONBUILD\b", re.IGNORECASE)
"""How the history of an image shows such an instruction, by each builder."""

_PODMAN_HEADER = "libpod-api-version"


class EngineProduct(StrEnum):
    """Whose engine it is."""

    DOCKER = "docker"
    PODMAN = "podman"


class About(Value):
    """What an engine says of itself."""

    product: EngineProduct
    version: str
    platform: str
    """For example `linux/amd64`."""
    buildkit: bool
    """Can it build with BuildKit when asked to?"""


class _Version(msgspec.Struct, rename="pascal"):
    version: str = ""
    api_version: str = ""
    os: str = ""
    arch: str = ""


class _InspectedConfig(msgspec.Struct, rename="pascal"):
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    env: list[str] | None = None
    working_dir: str = ""
    user: str = ""
    volumes: dict[str, msgspec.Raw] | None = None


class _InspectedImage(msgspec.Struct, rename="pascal"):
    id: str
    config: _InspectedConfig | None = None


class _Listed(msgspec.Struct, rename="pascal"):
    id: str
    repo_tags: list[str] | None = None


class _Layer(msgspec.Struct, rename="pascal"):
    created_by: str = ""


class Engine:
    """The container engine; one for a whole session.

    Args:
        settings: what the environment says.
        machine: where to look; None: this machine.
    """

    def __init__(self, settings: Settings, machine: Machine | None = None) -> None:
        self._settings = settings
        self._machine = machine
        self._closing = AsyncExitStack()
        self._finding = SharedWork()
        self._api: DockerApi | None = None
        self._about: About | None = None
        self._image_ids = Coalescer(self._image_id, self._all_image_ids)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api = None
        await self._closing.aclose()

    async def api(self) -> DockerApi:
        """The connection; looked for until an engine was found once.

        Raises:
            EngineUnreachableError: none answers; the hint says how to get one.
        """
        await self._finding.ensure(lambda: self._api is None, self._connect)
        assert self._api is not None
        return self._api

    async def _connect(self) -> None:
        self._api = await self._closing.enter_async_context(connected(self._settings, self._machine))

    async def about(self) -> About:
        """What it is.

        Raises:
            EngineUnreachableError: none answers.
        """
        if self._about is None:
            api = await self.api()
            ping = await api.request("GET", "/_ping")
            version = (await api.request("GET", "/version")).decode(_Version)
            self._about = about(_PODMAN_HEADER in ping.headers, version)
        return self._about

    async def image_id(self, reference: str) -> str | None:
        """The id of the image of this name, None when there is none.

        Raises:
            EngineUnreachableError: no engine answers.
        """
        return await self._image_ids.get(reference)

    async def _image_id(self, reference: str) -> str | None:
        api = await self.api()
        try:
            return (await api.request("GET", path("images", reference, "json"))).decode(_InspectedImage).id
        except DockerApiError as error:
            if error.status == 404:
                return None
            raise

    async def _all_image_ids(self) -> Mapping[str, str | None]:
        """The ids of all images that have names, by these, also without the tag that is meant without one."""
        api = await self.api()
        ids: dict[str, str | None] = {}
        for image in (await api.request("GET", "/images/json")).decode(list[_Listed]):
            for tag in image.repo_tags or ():
                ids[tag] = ids[tag.removesuffix(":latest")] = image.id
        return ids

    async def image_config(self, image: str) -> ImageConfig:
        """What an image says of the containers that run it.

        Args:
            image: its id or a name.

        Raises:
            DockerApiError: there is no such image.
            EngineUnreachableError: no engine answers.
        """
        api = await self.api()
        inspected, history = await asyncio.gather(
            api.request("GET", path("images", image, "json")), api.request("GET", path("images", image, "history"))
        )
        config = inspected.decode(_InspectedImage).config or _InspectedConfig()
        return ImageConfig(
            entrypoint=tuple(config.entrypoint or ()),
            command=tuple(config.cmd or ()),
            environment=tuple((name, value) for name, _, value in (each.partition("=") for each in config.env or ())),
            working_dir=config.working_dir,
            user=config.user,
            volumes=tuple(config.volumes or ()),
            triggers=sum(_ON_BUILD.match(each.created_by) is not None for each in history.decode(list[_Layer])),
        )

    async def is_in_registry(self, reference: str, auth: str) -> bool:
        """Has its registry an image of this name?

        Args:
            reference: a name with a tag.
            auth: the header with the credentials for the registry.

        Raises:
            DockerApiError: the registry refuses, does not answer, or the engine does not ask registries.
            EngineUnreachableError: no engine answers.
        """
        api = await self.api()
        try:
            await api.request("GET", path("distribution", reference, "json"), headers={"X-Registry-Auth": auth})
        except DockerApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def tag(self, image: str, reference: str) -> None:
        """Give an image another name.

        Args:
            image: its id or a name.
            reference: the new name, with a tag.

        Raises:
            DockerApiError: there is no such image.
            EngineUnreachableError: no engine answers.
        """
        api = await self.api()
        wanted = parse(reference)
        params = {"repo": wanted.familiar_name, "tag": wanted.tag or "latest"}
        await api.request("POST", path("images", image, "tag"), params=params)


def about(podman: bool, version: _Version) -> About:
    """What an engine's answers mean."""
    numbers = tuple(int(part) for part in re.findall(r"\b[0-9]{1,9}\b", version.api_version))
    return About(
        product=EngineProduct.PODMAN if podman else EngineProduct.DOCKER,
        version=version.version,
        platform=f"{version.os}/{version.arch}",
        buildkit=not podman and version.os == "linux" and numbers >= _BUILDKIT_API,
    )


def content_tag(image_id: str) -> str:
    """The tag that an image gets from its content, as in Tilt: `tilt-` and 16 hex digits."""
    return f"tilt-{image_id.removeprefix('sha256:')[:16]}"
