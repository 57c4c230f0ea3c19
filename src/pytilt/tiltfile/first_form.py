"""The form that `k8s_resource` had in 2019: a name and the YAML of all that belongs to it, perhaps with its image."""

import re
from typing import NamedTuple

from pytilt.dialect import type_name
from pytilt.errors import UserError
from pytilt.model import references
from pytilt.model.names import ImageName
from pytilt.tiltfile.fast_builds import FastBuildValue
from pytilt.tiltfile.values import Blob

_YAML = (".yaml", ".yml", ".json")
_PORTS = re.compile(r"[\d.:\[\]]+|localhost:[\d:]+")


class FirstForm(NamedTuple):
    """The arguments of such a call."""

    name: str
    yaml: object
    image: ImageName | None
    port_forwards: object
    extra_pod_selectors: object


def is_yaml(second: object) -> bool:
    """Is the second argument the YAML of that form, and not a new name?"""
    return isinstance(second, Blob | list | tuple) or (isinstance(second, str) and second.endswith(_YAML))


def first_form(name: str, second: object, yaml: object, image: object, third: object, fourth: object) -> FirstForm:
    """Read the arguments of a call.

    Args:
        name: of the resource.
        second: the second argument, which may be the YAML.
        yaml: given by name.
        image: given by name.
        third: the third argument: the image, or already the port forwards.
        fourth: the fourth argument: the port forwards after an image, else the selectors.

    Raises:
        UserError: something is missing or of the wrong type.
    """
    if not name:
        raise UserError("k8s_resource: name must not be empty")
    yaml = second if yaml is None else yaml
    if yaml is None or yaml == "":
        raise UserError(
            f'k8s_resource "{name}": `image` and `name` go with the YAML of the resource',
            hint="give its YAML as the second argument, or deploy it with `k8s_yaml` and name the workload only",
        )
    if image is None and _is_image(third):
        image, third, fourth = third, fourth, None
    return FirstForm(name, yaml, _image(name, image), third, fourth)


def _is_image(value: object) -> bool:
    return isinstance(value, FastBuildValue) or (isinstance(value, str) and not _PORTS.fullmatch(value))


def _image(name: str, value: object) -> ImageName | None:
    if value is None or value == "":
        return None
    if isinstance(value, FastBuildValue):
        return value.name
    if not isinstance(value, str):
        raise UserError(f'k8s_resource "{name}": image arg must be a string or fast_build; got {type_name(value)}')
    return references.image_name(value)
