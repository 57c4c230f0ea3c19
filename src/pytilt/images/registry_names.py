"""The names of images in a registry: where they are pushed, and how the cluster's YAML names them."""

import posixpath
import re

from pytilt.model.images import BuiltImage, Registry
from pytilt.model.names import ImageName
from pytilt.model.references import parse


def escaped(name: str) -> str:
    """A name as one path component, as Tilt writes names below a default registry."""
    return re.sub(r"[/:@]", "_", name)


def push_name(name: ImageName, registry: Registry | None) -> str:
    """The repository an image is pushed to, without tag."""
    return _name_in(name, registry, registry.host) if registry and registry.host else parse(name).familiar_name


def push_reference(image: BuiltImage, registry: Registry | None) -> str:
    """Name and tag under which the builder pushes an image."""
    if image.fixed_reference or registry is None or not registry.host:
        return image.reference
    return f"{push_name(image.name, registry)}:{tag_for(image.name, parse(image.reference).tag, registry)}"


def cluster_reference(image: BuiltImage, registry: Registry | None) -> str:
    """Name and tag under which the cluster pulls an image."""
    if registry is None or not registry.host:
        return image.reference
    host = registry.host_from_cluster or registry.host
    if image.fixed_reference:
        below = image.reference.startswith(f"{registry.host}/")
        return host + image.reference.removeprefix(registry.host) if below else image.reference
    return f"{_name_in(image.name, registry, host)}:{tag_for(image.name, parse(image.reference).tag, registry)}"


def tag_for(name: ImageName, tag: str, registry: Registry | None) -> str:
    """The tag in a registry; where all images share one repository, the tag distinguishes them."""
    if registry is None or not registry.single_name:
        return tag
    return f"{escaped(posixpath.basename(parse(name).familiar_name))}-{tag}"


def _name_in(name: ImageName, registry: Registry, host: str) -> str:
    familiar = parse(name).familiar_name
    for own in (registry.host, registry.host_from_cluster):
        if own and familiar.startswith(f"{own}/"):  # the Tiltfile names the registry itself
            return host + familiar.removeprefix(own)
    return f"{host}/{registry.single_name or escaped(familiar)}"
