"""Images: built when they are stale, published when they are new, each by one task at a time."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from pytilt.errors import BuildError
from pytilt.host.timing import step
from pytilt.images.contract import Builder, BuildRequest, HelperLayers, Publisher
from pytilt.images.fast_build import can_build_upon
from pytilt.images.registry_names import push_name
from pytilt.liveupdate.archive import DiskTree
from pytilt.loop.failures import first_failure
from pytilt.loop.images.restart_safety import restarts_safely
from pytilt.loop.planning import freshness
from pytilt.loop.updates.narration import UpdateSteps
from pytilt.model.clusters import ClusterInfo
from pytilt.model.images import BuiltImage, CustomBuild, Delivery, DockerBuild, Image, Registry
from pytilt.model.names import TILTFILE, ImageName
from pytilt.model.objects import ImageMap, ImageMapStatus, Resource, Tiltfile
from pytilt.model.resources import Declaration
from pytilt.model.updates import DeployedImage, StepName
from pytilt.store.objects import Store


def registry_for(info: ClusterInfo, declaration: Declaration | None) -> Registry | None:
    """Where images are pushed: a registry that the cluster announces wins over `default_registry`, as in Tilt."""
    return info.registry or (declaration.default_registry if declaration else None)


def project_images(declaration: Declaration, registry: Registry | None) -> set[str]:
    """The names, without tags, that the images of a project have in the engine.

    Args:
        declaration: of the Tiltfile.
        registry: where they are pushed.
    """
    images = [image.name for resource in declaration.resources for image in resource.images]
    return {push_name(name, where) for name in images for where in (None, registry)}


def delivery_for(info: ClusterInfo, registry: Registry | None) -> Delivery:
    """How images get into the cluster (`Skipping push` and the kind rule of Tilt)."""
    if info.shares_engine:
        return Delivery.SHARED
    if info.product == "kind" and registry is None:
        return Delivery.KIND_LOAD
    return Delivery.PUSH


class Imaging:
    """Keeps `ImageMap` objects true: the only writer of their status.

    Args:
        store: the session's objects.
        builder: builds them.
        publisher: brings them to the cluster.
        layers: puts the helper into them; None: nothing does.
        restarts: may the helper be put into images of the Tiltfile that do not ask for it, to start programs again?
    """

    def __init__(
        self,
        store: Store,
        builder: Builder,
        publisher: Publisher,
        layers: HelperLayers | None = None,
        *,
        restarts: bool = False,
    ) -> None:
        self._store = store
        self._builder = builder
        self._publisher = publisher
        self._layers = layers
        self._restarts = restarts
        self._lost: set[ImageName] = set()
        """Images that were published and are not there any more."""
        self._locks: defaultdict[ImageName, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ensure(
        self, resource: Resource, info: ClusterInfo, steps: UpdateSteps, *, sequence: int, force: bool = False
    ) -> tuple[DeployedImage, ...]:
        """Make every image of a resource fresh and published; those that do not need each other at the same time.

        Args:
            resource: whose images.
            info: the cluster that will run them.
            steps: takes the progress.
            sequence: changes up to this one must be in the images.
            force: build even what is fresh.

        Returns:
            For every image that is deployed, the reference to write into YAML; and the base images they have.

        Raises:
            BuildError: of the first image that failed; the others are ended.
            PublishError: the same.
        """
        fresh: dict[ImageName, asyncio.Task[ImageMapStatus]] = {}
        images = resource.spec.built_images

        async def one(image: Image) -> ImageMapStatus:
            for base in image.base_images:
                if base in fresh:
                    await fresh[base]
            async with self._locks[image.name]:
                return await self._one(image, info, steps, sequence=sequence, force=force)

        try:
            async with asyncio.TaskGroup() as group:
                for image in images:
                    fresh[image.name] = group.create_task(one(image), name=f"image {image.name}")
        except ExceptionGroup as failures:
            raise first_failure(failures) from None
        return _in_what_is_deployed(images, {name: task.result() for name, task in fresh.items()})

    async def ensure_published(
        self,
        resource: Resource,
        info: ClusterInfo,
        steps: UpdateSteps,
        images: tuple[DeployedImage, ...],
        *,
        sequence: int,
    ) -> tuple[DeployedImage, ...]:
        """Publish again what an earlier session has published and somebody has removed since.

        Args:
            resource: whose images.
            info: the cluster that will run them.
            steps: takes the progress.
            images: what `ensure` has found for it.
            sequence: changes up to this one must be in the images.

        Raises:
            BuildError: see `ensure`.
            PublishError: the same.
        """
        lost = await self.lost(resource, info)
        if not lost:
            return images
        steps.more(len(lost), f"Removed since an earlier session, and published again: {', '.join(lost)}")
        return await self.ensure(resource, info, steps, sequence=sequence)

    async def lost(
        self, resource: Resource, info: ClusterInfo, missed: AbstractSet[str] = frozenset()
    ) -> tuple[ImageName, ...]:
        """The images of a resource that are not where they were published; the next `ensure` publishes them again.

        Args:
            resource: whose images.
            info: the cluster that runs them.
            missed: references that the cluster has reported not to find; only these are looked at. Empty: all.
        """
        registry, delivery, found = self._registry(info), self.delivery(info), list[ImageName]()
        for image in resource.spec.built_images:
            status = self._status(image)
            published = status.layered or status.built
            if published is None or not status.reference or _publishes_itself(image):
                continue
            if missed and status.reference not in missed:
                continue
            if not await self._publisher.is_there(published, registry, delivery, missed=bool(missed)):
                found.append(image.name)
        self._lost.update(found)
        return tuple(found)

    def delivery(self, info: ClusterInfo) -> Delivery:
        """How images get into the cluster."""
        return delivery_for(info, self._registry(info))

    def supervised(self, resource: Resource) -> frozenset[ImageName]:
        """The images of a resource whose first process is the helper."""
        found = {image.name: self._store.get(ImageMap, image.name) for image in resource.spec.images}
        return frozenset(name for name, each in found.items() if each is not None and each.status.supervised)

    async def _one(
        self, image: Image, info: ClusterInfo, steps: UpdateSteps, *, sequence: int, force: bool
    ) -> ImageMapStatus:
        """Build and publish one image if it is stale; return what it is now."""
        state, status = self._store.snapshot(), self._status(image)
        declared = state.get(ImageMap, image.name)
        digest = declared.digest if declared else ""
        registry, published = self._registry(info), status.reference and image.name not in self._lost
        bases = {base: built for base in image.base_images if (built := self._built(base)) is not None}
        upon = tuple(DeployedImage(name=name, reference=base.reference) for name, base in bases.items())
        stale = force or status.digest != digest or status.bases != upon or bool(freshness.unbuilt(state, image))
        built = status.built
        if built is not None and not stale and await self._builder.exists(built):
            if not image.deployed or (published and await self._has_layer(image, status)):
                steps.spare(1 + image.deployed, f"Loading cached image: [{image.name}]")
                return status
            steps.spare(1, f"Loading cached image: [{image.name}]")
        else:
            platform = f"linux/{info.arch}" if info.arch else ""
            exact = frozenset(base for base in bases if (found := state.get(ImageMap, base)) and found.spec.match_exact)
            request = BuildRequest(image=image, bases=bases, exact_bases=exact, platform=platform, registry=registry)
            if status.digest == digest and status.bases == upon and not force:
                request = _upon(request, status, tuple(sorted(freshness.unbuilt(state, image))))
            built = await self._build(request, steps)
        supervised = image.restarts or self._restarts_by_itself(image, built)
        layered = await self._layered(image, built, steps, supervised=supervised)
        made = ImageMapStatus(
            built=built,
            reference=await self._publish(image, layered or built, registry, info, steps) if image.deployed else "",
            sequence=sequence,
            digest=digest,
            bases=upon,
            layered=layered,
            supervised=layered is not None and supervised,
        )
        self._store.change(ImageMap, image.name, lambda before: replace(before, status=made))
        self._lost.discard(image.name)
        return made

    def _registry(self, info: ClusterInfo) -> Registry | None:
        tiltfile = self._store.get(Tiltfile, TILTFILE)
        return registry_for(info, tiltfile.status.declaration if tiltfile else None)

    async def _build(self, request: BuildRequest, steps: UpdateSteps) -> BuiltImage:
        image = request.image
        what = "Building Dockerfile" if isinstance(image.build, DockerBuild) else "Building Custom Build"
        if isinstance(image.build, DockerBuild) and image.build.fast is not None:
            what = "Building from existing" if request.previous is not None else "Building from scratch"
        with steps.step(f"{what}: [{image.name}]") as log, step(StepName.BUILD, image.name):
            return await self._builder.build(request, log)

    def _restarts_by_itself(self, image: Image, built: BuiltImage) -> bool:
        """May its program be started again although the Tiltfile does not say so?"""
        specs = [resource.spec for resource in self._store.snapshot().all(Resource)]
        return self._restarts and built.config is not None and restarts_safely(specs, image, built.config, DiskTree())

    async def _layered(
        self, image: Image, built: BuiltImage, steps: UpdateSteps, *, supervised: bool
    ) -> BuiltImage | None:
        """The image with the helper, where it is to have one. Without it live updates find another way."""
        if self._layers is None or not (image.takes_layer or supervised):
            return None
        try:
            with step(StepName.BUILD, "synclet"):
                return await self._layers.add(built, supervised=supervised)
        except BuildError as problem:
            steps.spare(0, f"The helper for live updates was not added to {image.name}: {problem.message}")
            return None

    async def _has_layer(self, image: Image, status: ImageMapStatus) -> bool:
        """Is the image that was published with the helper still there, if there is to be one?"""
        if status.layered is not None:
            return (image.takes_layer or status.supervised) and await self._builder.exists(status.layered)
        return True

    async def _publish(
        self, image: Image, built: BuiltImage, registry: Registry | None, info: ClusterInfo, steps: UpdateSteps
    ) -> str:
        with steps.step(f"Pushing {built.reference}") as log, step(StepName.PUSH, image.name):
            if _publishes_itself(image):
                log("Skipping push: custom_build() configured to handle push itself\n")
                return built.reference
            return await self._publisher.publish(built, registry, delivery_for(info, registry), log)

    def _built(self, name: ImageName) -> BuiltImage | None:
        found = self._store.get(ImageMap, name)
        return found.status.built if found else None

    def _status(self, image: Image) -> ImageMapStatus:
        found = self._store.get(ImageMap, image.name)
        if found is None:
            raise BuildError(f"image `{image.name}` is not declared any more")
        return found.status


def _publishes_itself(image: Image) -> bool:
    """Does the command that builds it bring it to the cluster?"""
    return isinstance(image.build, CustomBuild) and (image.build.disable_push or image.build.skips_local_docker)


def _upon(request: BuildRequest, status: ImageMapStatus, changed: tuple[str, ...]) -> BuildRequest:
    """The request for an image upon the one before, where that can be."""
    build, previous = request.image.build, status.built
    fast = build.fast if isinstance(build, DockerBuild) else None
    if fast is None or previous is None or not can_build_upon(previous, fast, changed):
        return request
    return replace(request, previous=previous, changed=changed)


def _in_what_is_deployed(
    images: Sequence[Image], made: Mapping[ImageName, ImageMapStatus]
) -> tuple[DeployedImage, ...]:
    deployed = [DeployedImage(name=each.name, reference=made[each.name].reference) for each in images if each.deployed]
    below = [base for each in images for base in made[each.name].bases]
    return tuple({each.name: each for each in (*below, *deployed)}.values())


def step_count(images: Sequence[Image], *, force: bool) -> int:
    """How many steps a full update has: build and push of every image, the deployment, the removal before it."""
    return len(images) + sum(image.deployed for image in images) + 1 + force
