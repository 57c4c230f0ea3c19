"""The kinds of the API in the form of OpenAPI 2, for programs that make clients of it. Pure."""

from collections.abc import Iterator
from typing import Any

from pytilt import TILT_VERSION
from pytilt.model.api.documentation import documentation
from pytilt.model.api.words import GROUP, KINDS, VERSION, KindWords
from pytilt.views.shapes import Field, FieldType, kind_shape, metadata_shape

Json = dict[str, Any]

PREFIX = "com.github.tilt-dev.tilt.pkg.apis.core.v1alpha1"
"""Before the names of definitions, as in Tilt."""

_METHODS = {"list": "get", "create": "post", "get": "get", "update": "put", "patch": "patch", "delete": "delete"}


def openapi() -> Json:
    """The description of the group `tilt.dev`."""
    kinds = [each for each in KINDS if each.group == GROUP]
    found: dict[str, Json] = {}
    for each in kinds:
        _define_kind(found, each)
    return {
        "swagger": "2.0",
        "info": {"title": "tilt", "version": TILT_VERSION},
        "paths": {path: item for each in kinds for path, item in _paths(each)},
        "definitions": dict(sorted(found.items())),
    }


def _define_kind(found: dict[str, Json], words: KindWords) -> None:
    kind = kind_shape(words)
    text = FieldType("string")
    shape = FieldType(
        words.name,
        inner=(Field("apiVersion", text), Field("kind", text), Field("metadata", metadata_shape()), *kind.parts),
    )
    _define(found, shape, kind.text)
    found[_name(words.name)]["x-kubernetes-group-version-kind"] = [
        {"group": words.group, "kind": words.name, "version": VERSION}
    ]


def _define(found: dict[str, Json], shape: FieldType, text: str) -> None:
    """Add a definition, and those of all that is inside of it."""
    name = _name(shape.name)
    if name in found:
        return
    fields = shape.fields
    required = [each.name for each in fields if each.required]
    found[name] = {
        **({"description": text} if text else {}),
        "type": "object",
        **({"required": required} if required else {}),
        "properties": {each.name: _schema(found, each) for each in fields},
    }


def _schema(found: dict[str, Json], field: Field) -> Json:
    about = {"description": field.text} if field.text else {}
    return {**about, **_of_shape(found, field.shape, field.shape.prefix)}


def _of_shape(found: dict[str, Json], shape: FieldType, prefix: str) -> Json:
    if prefix.startswith("[]"):
        return {"type": "array", "items": _of_shape(found, shape, prefix.removeprefix("[]"))}
    if prefix:
        inner = prefix.removeprefix("map[string]")
        return {"type": "object", "additionalProperties": _of_shape(found, shape, inner)}
    if shape.struct is not None or shape.inner:
        _define(found, shape, documentation(shape.struct).text if shape.struct is not None else "")
        return {"$ref": f"#/definitions/{_name(shape.name)}"}
    choices = {"enum": list(shape.choices)} if shape.choices else {}
    plain = shape.name in ("string", "integer", "number", "boolean")
    return {"type": shape.name, **choices} if plain else {"type": "object"}


def _name(kind: str) -> str:
    return f"{PREFIX}.{kind}"


def _paths(words: KindWords) -> Iterator[tuple[str, Json]]:
    every = f"/apis/{words.group_version}/{words.plural}"
    yield every, {_METHODS[verb]: _operation(words, verb) for verb in words.verbs if verb in ("list", "create")}
    one = {
        _METHODS[verb]: _operation(words, verb) for verb in words.verbs if verb in ("get", "update", "patch", "delete")
    }
    yield f"{every}/{{name}}", {"parameters": [_NAMED], **one}


_NAMED = {"name": "name", "in": "path", "required": True, "type": "string", "description": "Of the object."}


def _operation(words: KindWords, verb: str) -> Json:
    kind = {"group": words.group, "kind": words.name, "version": VERSION}
    answer = {"$ref": f"#/definitions/{_name(words.name)}"}
    listed = {"type": "object", "properties": {"items": {"type": "array", "items": answer}}}
    return {
        "operationId": f"{verb}{words.name}",
        "produces": ["application/json"],
        "responses": {"200": {"description": "OK", "schema": listed if verb == "list" else answer}},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": kind,
    }
