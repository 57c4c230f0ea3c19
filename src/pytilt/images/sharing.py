"""One build for all who need the same image of the same inputs."""

import asyncio

from pytilt.errors import PytiltError
from pytilt.images.contract import Builder, BuildRequest
from pytilt.model.images import BuiltImage
from pytilt.model.logs import Level, Log
from pytilt.model.names import ImageName
from pytilt.model.texts import exact_json


class SharingBuilder:
    """A `Builder` that builds what equal requests ask for once, and tells all who wait what it logs.

    Requests are equal when they ask for the same image of the same inputs (`BuildRequest.inputs`); without inputs
    nothing is shared. The latest image of each name is kept, and used again while the builder still has it.

    Args:
        builder: does the work.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._running: dict[bytes, _Shared] = {}
        self._latest: dict[ImageName, tuple[bytes, BuiltImage]] = {}

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Build, join a build that runs, or hand out what was built; see `Builder.build`."""
        if not request.inputs:
            return await self._builder.build(request, log)
        key = exact_json(request)
        while running := self._running.get(key):
            image = await running.join(log)
            if image is not None:
                return image
        return await self._lead(key, request, log)

    async def exists(self, image: BuiltImage) -> bool:
        """Is the image still in the builder's store?"""
        return await self._builder.exists(image)

    async def _lead(self, key: bytes, request: BuildRequest, log: Log) -> BuiltImage:
        shared = self._running[key] = _Shared(log)
        try:
            shared.image = await self._kept(key, request, shared.tell)
            shared.image = shared.image or await self._builder.build(request, shared.tell)
        except PytiltError as error:
            shared.failure = error
            raise
        finally:
            del self._running[key]
            shared.ended.set()
        self._latest[request.image.name] = (key, shared.image)
        return shared.image

    async def _kept(self, key: bytes, request: BuildRequest, log: Log) -> BuiltImage | None:
        known, image = self._latest.get(request.image.name, (b"", None))
        if image is None or known != key or not await self._builder.exists(image):
            return None
        log(f"Already built: {image.reference}\n")
        return image


class _Shared:
    """A build that runs, for one who leads it and others who wait."""

    def __init__(self, log: Log) -> None:
        self._logs = [log]
        self._told: list[tuple[str, Level, str]] = []
        self.ended = asyncio.Event()
        self.image: BuiltImage | None = None
        self.failure: PytiltError | None = None

    def tell(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        """The log of the build: everyone's."""
        self._told.append((text, level, progress))
        for log in self._logs:
            log(text, level=level, progress=progress)

    async def join(self, log: Log) -> BuiltImage | None:
        """Wait for the end, None when who led the build was cancelled.

        Raises:
            PytiltError: what the build failed with.
        """
        for text, level, progress in self._told:
            log(text, level=level, progress=progress)
        self._logs.append(log)
        try:
            await self.ended.wait()
        finally:
            self._logs.remove(log)
        if self.failure is not None:
            raise self.failure
        return self.image
