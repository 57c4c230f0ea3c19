"""`ConfigMap`: keys and values that other objects look at, such as what is disabled."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from pytilt.model.api.metadata import ApiObject


class ConfigMap(ApiObject):
    """Keys and values, written by the declarer."""

    kind: ClassVar[str] = "ConfigMap"
    content: ClassVar[tuple[str, ...]] = ("data",)

    data: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Keys and values."""
