"""Builds and pushes that are not done again: a builder and a publisher that remember what they did, across sessions."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec.structs import replace

from pytilt import BUILD
from pytilt.errors import DockerApiError
from pytilt.host.files.digests import FileDigests
from pytilt.host.records import Records
from pytilt.images.contract import Builder, BuildRequest, Publisher
from pytilt.images.dockerfile import image_uses
from pytilt.model.base import Value
from pytilt.model.files import FileRule
from pytilt.model.images import BuiltImage, Delivery, DockerBuild, Registry
from pytilt.model.logs import Log
from pytilt.model.texts import exact_json

FRESH_SECONDS = 10.0
"""Reading files may take long; what the engine has said before that is asked again."""


class ImageLookup(Protocol):
    """Knows which images there are; the `Engine` does."""

    async def image_id(self, reference: str) -> str | None:
        """The id of the image of this name on this machine, None when there is none."""
        ...


class BuildRecord(Value):
    """A build that went well."""

    inputs: str
    """Digest of everything that it depended on."""
    built: BuiltImage


class PushRecord(Value):
    """A push that went well."""

    id: str
    """Of the image."""
    reference: str
    """As the cluster names it."""


class RecordingBuilder:
    """A `Builder` that does not build what was built from the same inputs and is still there.

    Args:
        builder: builds everything else.
        engine: knows which images there are.
        records: of builds of this project.
        digests: of files.
        environ: where build arguments come from that have no value.
    """

    def __init__(
        self, builder: Builder, engine: ImageLookup, records: Records, digests: FileDigests, environ: Mapping[str, str]
    ) -> None:
        self._builder = builder
        self._engine = engine
        self._records = records
        self._digests = digests
        self._environ = environ

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Find the image that the same inputs have made, or build it; see `Builder.build`."""
        name = f"{request.image.name} {request.platform}"
        record = self._records.find("builds", name, BuildRecord)
        # Many images ask at the same time, and what is asked at once is asked in one request.
        began = asyncio.get_running_loop().time()
        inputs, there = await asyncio.gather(self._inputs(request), self._is_there(record))
        if there and asyncio.get_running_loop().time() - began > FRESH_SECONDS:
            there = await self._is_there(record)
        if record is not None and inputs and record.inputs == inputs and there:
            log(f"Unchanged since an earlier session: {record.built.reference}\n")
            return record.built
        built = await self._builder.build(request, log)
        if inputs and inputs == await self._inputs(request):  # else something changed while it was built
            self._records.keep("builds", name, BuildRecord(inputs=inputs, built=built))
        return built

    async def _is_there(self, record: BuildRecord | None) -> bool:
        """Is it in the engine's store, so that it can be checked at all? If nobody knows, it is to be built."""
        try:
            return record is not None and bool(record.built.id) and await self._builder.exists(record.built)
        except DockerApiError:
            return False

    async def exists(self, image: BuiltImage) -> bool:
        """Is the image still in the builder's store?"""
        return await self._builder.exists(image)

    async def _inputs(self, request: BuildRequest) -> str:
        """Digest of everything that a build depends on; empty where nobody can know."""
        build = request.image.build
        if isinstance(build, DockerBuild):
            if build.pull or build.ssh or build.secrets:
                return ""
            rule = FileRule(paths=() if build.context == "-" else (build.context,), ignores=build.context_ignores)
            if build.fast is not None:
                rule = FileRule(paths=tuple(add.local for add in build.fast.adds), ignores=build.context_ignores)
            more = [*self._environment(build), *await self._bases(build)]
        else:
            rule = request.image.files
            more = []
            if not rule.paths:  # it names no files: what it reads is its own affair
                return ""
        try:
            files = await asyncio.to_thread(self._digests.of, rule)
        except OSError:
            return ""
        whole = hashlib.sha256()
        for part in (
            BUILD.encode(),
            exact_json(_timeless(request)),
            *(f"{name} {base.id} {base.reference}".encode() for name, base in sorted(request.bases.items())),
            files.encode(),
            *(each.encode() for each in more),
        ):
            whole.update(hashlib.sha256(part).digest())
        return whole.hexdigest()

    def _environment(self, build: DockerBuild) -> list[str]:
        return [f"{name}={self._environ.get(name, '')}" for name, value in build.build_args if not value]

    async def _bases(self, build: DockerBuild) -> list[str]:
        """The images that the Dockerfile names, as the engine has them now."""
        uses = image_uses(build.contents or "", dict(build.build_args))
        found = []
        for reference in sorted({each.reference for each in uses}):
            try:
                found.append(f"{reference} {await self._engine.image_id(reference)}")
            except DockerApiError:
                found.append(f"{reference} ?")
        return found


def _timeless(request: BuildRequest) -> Value:
    """What of a request decides what is built."""
    image = request.image
    build = image.build
    if isinstance(build, DockerBuild):
        build = replace(build, cache_from=())
    return replace(request, image=replace(image, build=build, files=FileRule()), bases={}, previous=None, changed=())


class RecordingPublisher:
    """A `Publisher` that does not push what it has pushed, and does not load what the cluster was given.

    Args:
        publisher: publishes everything else, and knows what is there.
        records: of pushes of this project.
        cluster_uid: distinguishes clusters that have the same name one after the other.
    """

    def __init__(self, publisher: Publisher, records: Records, cluster_uid: Callable[[], Awaitable[str]]) -> None:
        self._publisher = publisher
        self._records = records
        self._cluster_uid = cluster_uid

    async def publish(self, image: BuiltImage, registry: Registry | None, delivery: Delivery, log: Log) -> str:
        """Find the image where it was published, or bring it there; see `Publisher.publish`.

        Whether it is still there is not asked: what runs it need not know, the rest asks `is_there`.
        """
        if delivery is Delivery.SHARED or not image.id:
            return await self._publisher.publish(image, registry, delivery, log)
        name = await self._name(image, registry, delivery)
        record = self._records.find("pushes", name, PushRecord)
        if record is not None and record.id == image.id:
            log(f"Published by an earlier session: {record.reference}\n")
            return record.reference
        reference = await self._publisher.publish(image, registry, delivery, log)
        self._records.keep("pushes", name, PushRecord(id=image.id, reference=reference))
        return reference

    async def is_there(
        self, image: BuiltImage, registry: Registry | None, delivery: Delivery, *, missed: bool = False
    ) -> bool:
        """Ask, and forget what is not there; see `Publisher.is_there`."""
        found = await self._publisher.is_there(image, registry, delivery, missed=missed)
        if not found:
            self._records.forget("pushes", await self._name(image, registry, delivery))
        return found

    async def _name(self, image: BuiltImage, registry: Registry | None, delivery: Delivery) -> str:
        where = await self._cluster_uid() if delivery is Delivery.KIND_LOAD else exact_json(registry).decode()
        return f"{image.reference} {delivery} {where}"
