"""Putting the parts together: one builder for every kind of image."""

import asyncio
from importlib import import_module

from pytilt.docker.engine import Engine
from pytilt.host.processes import Runner
from pytilt.images.contract import Builder, BuildRequest
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.custom import CustomBuilder
from pytilt.images.limiting import LimitingBuilder
from pytilt.model.images import BuiltImage, DockerBuild
from pytilt.model.logs import Log
from pytilt.settings import Settings


class ImageBuilder:
    """A `Builder` that hands each image to the builder of its kind.

    Args:
        docker: for `docker_build`.
        custom: for `custom_build`.
    """

    def __init__(self, docker: Builder, custom: Builder) -> None:
        self._docker = docker
        self._custom = custom

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Build; see `Builder.build`."""
        builder = self._docker if isinstance(request.image.build, DockerBuild) else self._custom
        return await builder.build(request, log)

    async def exists(self, image: BuiltImage) -> bool:
        """Is the image still in the builder's store?"""
        return await (self._custom if image.fixed_reference else self._docker).exists(image)


class LateDockerBuilder:
    """The `Builder` of `docker_build`, which is imported for the first build: most sessions find their images built.

    Args:
        engine: what builds.
        runner: starts helpers and the docker CLI.
        settings: their environment.
    """

    def __init__(self, engine: Engine, runner: Runner, settings: Settings) -> None:
        self._engine = engine
        self._runner = runner
        self._settings = settings
        self._builder: Builder | None = None

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Build; see `Builder.build`."""
        await asyncio.to_thread(import_module, "pytilt.images.docker.building")
        if self._builder is None:
            from pytilt.images.docker.building import DockerBuilder
            from pytilt.images.docker.client_build import ClientBuilder

            credentials = RegistryCredentials(self._settings, self._runner)
            client = ClientBuilder(self._engine, self._runner, self._settings)
            self._builder = DockerBuilder(self._engine, credentials, client, self._settings)
        return await self._builder.build(request, log)

    async def exists(self, image: BuiltImage) -> bool:
        """Is the image still in the engine's store, under its name?"""
        return await self._engine.image_id(image.reference) == image.id


def image_builder(engine: Engine, runner: Runner, settings: Settings, *, limit: int) -> Builder:
    """The builder of a session: for every kind of image, a few at once.

    Args:
        engine: the container engine.
        runner: starts commands, helpers and the docker CLI.
        settings: their environment.
        limit: how many builds at once.
    """
    docker, custom = LateDockerBuilder(engine, runner, settings), CustomBuilder(engine, runner, settings)
    return LimitingBuilder(ImageBuilder(docker, custom), limit)
