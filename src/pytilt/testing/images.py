"""Fakes of the seams of `pytilt.images`: a builder and a publisher that remember what they were asked."""

from collections.abc import Callable, Mapping
from hashlib import sha256

import msgspec

from pytilt.errors import PytiltError
from pytilt.images.contract import BuildRequest
from pytilt.images.registry_names import cluster_reference
from pytilt.model.base import Value
from pytilt.model.images import BuiltImage, Delivery, Registry
from pytilt.model.logs import Log
from pytilt.model.names import ImageName
from pytilt.model.references import parse

Answer = BuiltImage | PytiltError
"""What a build gives: an image, or an error that is raised."""


class FakeBuilder:
    """A `Builder` that builds nothing.

    Args:
        answers: for a request, or by image name; what is not named, and None, gets an image with an id made of the
            request, so equal requests give equal images.
    """

    def __init__(
        self, answers: Mapping[ImageName, Answer] | Callable[[BuildRequest], Answer | None] | None = None
    ) -> None:
        self._answers = answers or {}
        self.requests: list[BuildRequest] = []
        """What was asked, in order."""
        self.stored: set[str] = set()
        """References of what is in the store; take one out to prune it."""

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Answer; see `Builder.build`."""
        self.requests.append(request)
        log(f"Building {request.image.name}\n")
        answer = self._answers(request) if callable(self._answers) else self._answers.get(request.image.name)
        if isinstance(answer, PytiltError):
            raise answer
        image = answer or built(request.image.name, msgspec.json.encode(request, order="deterministic"))
        self.stored.add(image.reference)
        return image

    async def exists(self, image: BuiltImage) -> bool:
        """Is it in `stored`?"""
        return image.reference in self.stored


class PublishedImage(Value):
    """What a publisher was asked."""

    image: BuiltImage
    registry: Registry | None
    delivery: Delivery


class FakePublisher:
    """A `Publisher` that publishes nothing, and answers with the reference that the real one would.

    Args:
        failures: errors by image name.
    """

    def __init__(self, failures: Mapping[ImageName, PytiltError] | None = None) -> None:
        self._failures = failures or {}
        self.published: list[PublishedImage] = []
        """What was asked, in order."""
        self.gone: set[ImageName] = set()
        """Images that were removed from where they were published; they are there again when they are published."""

    async def publish(self, image: BuiltImage, registry: Registry | None, delivery: Delivery, log: Log) -> str:
        """Answer; see `Publisher.publish`."""
        self.published.append(PublishedImage(image=image, registry=registry, delivery=delivery))
        log(f"Publishing {image.reference}\n")
        if image.name in self._failures:
            raise self._failures[image.name]
        self.gone.discard(image.name)
        return cluster_reference(image, registry)

    async def is_there(
        self,
        image: BuiltImage,
        registry: Registry | None,  # noqa: ARG002 - the seam
        delivery: Delivery,  # noqa: ARG002 - the seam
        *,
        missed: bool = False,  # noqa: ARG002 - the seam
    ) -> bool:
        """Is it not in `gone`?"""
        return image.name not in self.gone


def built(name: ImageName, content: bytes = b"") -> BuiltImage:
    """An image as if it had been built from some content."""
    digest = sha256(content).hexdigest()
    return BuiltImage(name=name, id=f"sha256:{digest}", reference=f"{parse(name).familiar_name}:tilt-{digest[:16]}")
