"""Digests of declarations: another digest means that what was built or deployed is not what is declared."""

import hashlib

from msgspec.structs import replace

from pytilt.model.base import Value
from pytilt.model.files import FileRule
from pytilt.model.images import DockerBuild, Image
from pytilt.model.resources import ResourceSpec
from pytilt.model.texts import exact_json


def image_digest(image: Image) -> str:
    """Of all that asks for a build when it changes: not which files are watched, nor where caches come from."""
    build = replace(image.build, cache_from=()) if isinstance(image.build, DockerBuild) else image.build
    return _digest(replace(image, build=build, files=FileRule(), deployed=True))


def resource_digest(resource: ResourceSpec) -> str:
    """Of all that asks for an update when it changes: not labels, links, forwards, dependencies, trigger mode."""
    images = [image_digest(image) for image in resource.images]
    return hashlib.sha256("\n".join([resource.name, _digest(resource.deploy.definition), *images]).encode()).hexdigest()


def _digest(value: Value) -> str:
    return hashlib.sha256(exact_json(value)).hexdigest()
