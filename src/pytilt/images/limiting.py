"""Few builds at once, so that a machine stays usable."""

import asyncio

from pytilt.images.contract import Builder, BuildRequest
from pytilt.model.images import BuiltImage
from pytilt.model.logs import Log


class LimitingBuilder:
    """A `Builder` that lets a limited number of builds of another run at a time; the rest wait in order.

    Args:
        builder: does the work.
        limit: how many at once, at least 1.
    """

    def __init__(self, builder: Builder, limit: int) -> None:
        self._builder = builder
        self._slots = asyncio.Semaphore(limit)

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Wait for a free place, then build; see `Builder.build`."""
        if self._slots.locked():
            log("Waiting for another build to finish\n")
        async with self._slots:
            return await self._builder.build(request, log)

    async def exists(self, image: BuiltImage) -> bool:
        """Is the image still in the builder's store?"""
        return await self._builder.exists(image)
