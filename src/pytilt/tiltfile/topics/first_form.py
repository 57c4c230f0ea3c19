"""The form that `k8s_resource` had in 2019: a name and the YAML of all that belongs to it, perhaps with its image."""

from collections.abc import Mapping, Sequence

from pytilt.dialect import type_name
from pytilt.errors import UserError
from pytilt.model import references
from pytilt.model.names import ImageName
from pytilt.tiltfile.arguments.values import Blob
from pytilt.tiltfile.topics.fast_builds import FastBuildValue

_YAML = (".yaml", ".yml", ".json")
_OWN = frozenset({"name", "yaml", "image"})
"""Parameters that only this form has."""


def is_first_form(arguments: Sequence[object], named: Mapping[str, object]) -> bool:
    """Does a call have this form? What is the YAML here is a new name today."""
    return not _OWN.isdisjoint(named) or (len(arguments) > 1 and _is_yaml(arguments[1]))


def first_form_image(name: str, value: object) -> ImageName | None:
    """The image that was given beside the YAML.

    Args:
        name: of the resource.
        value: its name, or what `fast_build` returned; None where none was given.

    Raises:
        UserError: it is no image.
    """
    if value is None or value == "":
        return None
    if isinstance(value, FastBuildValue):
        return value.name
    if not isinstance(value, str):
        raise UserError(f'k8s_resource "{name}": image arg must be a string or fast_build; got {type_name(value)}')
    return references.image_name(value)


def _is_yaml(value: object) -> bool:
    return isinstance(value, Blob | list | tuple) or (isinstance(value, str) and value.endswith(_YAML))
