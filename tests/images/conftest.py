"""A real engine, a real runner, and a name for images that is cleaned away."""

import secrets
from collections.abc import AsyncIterator

import msgspec
import pytest

from pytilt.docker.api import path
from pytilt.docker.engine import Engine
from pytilt.host.processes import HostRunner
from pytilt.model.names import ImageName
from tests.engine_fixtures import engine, engine_settings

__all__ = ["engine", "engine_settings"]


class _Listed(msgspec.Struct):
    repo_tags: list[str] | None = msgspec.field(name="RepoTags", default=None)


@pytest.fixture
async def runner() -> AsyncIterator[HostRunner]:
    async with HostRunner() as runner:
        yield runner


@pytest.fixture
async def image_name(engine: Engine) -> AsyncIterator[ImageName]:
    """A name that nobody else uses; all its tags, in a registry too, are removed from the engine in the end."""
    name = f"pytilt-test-{secrets.token_hex(4)}"
    yield ImageName(name)
    api = await engine.api()
    for image in (await api.request("GET", "/images/json")).decode(list[_Listed]):
        for tag in image.repo_tags or []:
            if name in tag:
                await api.request("DELETE", path("images", tag), params={"force": True})
