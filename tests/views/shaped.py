"""Whether objects have no other fields, and no other types of them, than `tilt explain` says."""

from typing import Any

from pytilt.model.api.words import find_words
from pytilt.views.shapes import Field, FieldType, kind_shape, metadata_shape

PYTHON: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}


def as_explained(item: dict[str, Any]) -> dict[str, Any]:
    """The object, if it is so."""
    group = item["apiVersion"].partition("/")[0]
    words = find_words(f"{item['kind']}.{group}".lower())
    assert words is not None
    parts = {each.name: each for each in kind_shape(words).parts}
    known = {"metadata": Field("metadata", metadata_shape()), **parts}
    for name, value in item.items():
        if name not in ("apiVersion", "kind") and value:
            assert name in known, f"{item['kind']} has no {name}"
            _check(known[name].shape, known[name].shape.prefix, value, f"{item['kind']}.{name}")
    return item


def _check(shape: FieldType, prefix: str, value: object, place: str) -> None:
    if value is None:
        return
    if prefix.startswith("[]"):
        assert isinstance(value, list | tuple), place
        for each in value:
            _check(shape, prefix.removeprefix("[]"), each, place)
    elif prefix:
        assert isinstance(value, dict), place
        for each in value.values():
            _check(shape, prefix.removeprefix("map[string]"), each, place)
    elif shape.struct is not None or shape.inner:
        assert isinstance(value, dict), place
        fields = {each.name: each for each in shape.fields}
        for name, each in value.items():
            assert name in fields, f"{place} has no {name}"
            _check(fields[name].shape, fields[name].shape.prefix, each, f"{place}.{name}")
    elif shape.name in PYTHON:
        assert isinstance(value, PYTHON[shape.name]), f"{place} is {value!r}"
