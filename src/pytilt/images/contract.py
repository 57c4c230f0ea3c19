"""The two contracts: `build(request) -> image` and `publish(image) -> reference`. Nothing else knows how."""

from collections.abc import Mapping
from typing import Protocol

from pytilt.model.base import Value
from pytilt.model.images import BuiltImage, Delivery, Image, Registry
from pytilt.model.logs import Log
from pytilt.model.names import ImageName


class BuildRequest(Value):
    """One image to build."""

    image: Image
    bases: Mapping[ImageName, BuiltImage] = {}
    """The images it builds upon, fresh; their references replace the names in the Dockerfile."""
    exact_bases: frozenset[ImageName] = frozenset()
    """Those of the bases that only a reference with the same tag means (`Image.match_exact`)."""
    platform: str = ""
    """The cluster's, for example `linux/amd64`, for an image that names none itself; empty: the engine's own."""
    registry: Registry | None = None
    """Where the image will be pushed; a custom build command gets it in a variable."""
    previous: BuiltImage | None = None
    """The image before, of the same definition, where the new one may be built upon it."""
    changed: tuple[str, ...] = ()
    """The files that changed since then, sorted."""


class Builder(Protocol):
    """Makes images."""

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Build and tag `NAME:tilt-<16 hex digits of the image's digest>`; progress goes to the log.

        Raises:
            BuildError: the Dockerfile or the command failed; the message repeats the failing step's output.
            EngineUnreachableError: no engine answers.
        """
        ...

    async def exists(self, image: BuiltImage) -> bool:
        """Is the image still in the builder's store?"""
        ...


class HelperLayers(Protocol):
    """Puts the helper `synclet` into images."""

    async def add(self, image: BuiltImage, *, supervised: bool) -> BuiltImage:
        """Make an image that has the helper besides; the given one stays as it is.

        Args:
            image: one that was built.
            supervised: is the helper to be the first process, which starts the image's own program?

        Raises:
            BuildError: the image cannot have one.
            EngineUnreachableError: no engine answers.
        """
        ...


class Publisher(Protocol):
    """Brings built images to where the cluster finds them."""

    async def publish(self, image: BuiltImage, registry: Registry | None, delivery: Delivery, log: Log) -> str:
        """Push, load, or leave the image where it is.

        Returns:
            The reference to write into the cluster's YAML.

        Raises:
            PublishError: the registry refused, with its own words and a hint.
            EngineUnreachableError: no engine answers.
        """
        ...

    async def is_there(
        self, image: BuiltImage, registry: Registry | None, delivery: Delivery, *, missed: bool = False
    ) -> bool:
        """Does the cluster find what was published? If nobody says so, it does not, and `publish` brings it again.

        Args:
            image: what was published.
            registry: where to.
            delivery: how.
            missed: has the cluster reported that it does not find it?

        Raises:
            EngineUnreachableError: no engine answers.
        """
        ...
