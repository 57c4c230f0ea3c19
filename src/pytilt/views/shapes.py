"""Which fields the objects of each kind of the API have, of which type, and what they mean: from their structs."""

import types
from collections.abc import Collection, Mapping
from enum import IntEnum, StrEnum
from typing import Annotated, Any, NamedTuple, NewType, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from pytilt.model.api.derived.kinds import DERIVED_KINDS
from pytilt.model.api.derived.shared import ObjectMeta
from pytilt.model.api.documentation import documentation
from pytilt.model.api.kinds import API_KINDS
from pytilt.model.api.words import GROUP, KindWords
from pytilt.views.stored_objects import STORED_HERE

NAMES: Mapping[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
"""What JSON's schemas call types."""

_OF_THE_STORE = frozenset({"name", "version", "createdAt", "owner", "status"})
"""Fields of a stored object that are in its metadata, or are its status."""


class FieldType(NamedTuple):
    """The type of a value."""

    name: str
    """For example `string`, `CmdSpec`."""
    struct: type[msgspec.Struct] | None = None
    """Its fields, if it has some of its own."""
    prefix: str = ""
    """`[]` for a list of these, `map[string]` for a mapping to these; both together where one is in the other."""
    choices: tuple[str, ...] = ()
    """All that it may be, where these are few."""
    inner: "tuple[Field, ...]" = ()
    """Its fields, where they are not those of a struct."""

    @property
    def fields(self) -> "tuple[Field, ...]":
        """The fields of such a value, or of one in such a list; none of a plain value."""
        return fields_of(self.struct) if self.struct is not None else self.inner

    @property
    def shown(self) -> str:
        """For people: `[]UIInputSpec`."""
        return f"{self.prefix}{self.name}"


class Field(NamedTuple):
    """A field of an object."""

    name: str
    shape: FieldType
    text: str = ""
    """What it means; empty where nobody has written it down."""
    required: bool = False


class KindShape(NamedTuple):
    """A kind, and what its objects have beside `apiVersion`, `kind` and `metadata`."""

    words: KindWords
    text: str
    parts: tuple[Field, ...]
    """`spec`, `status` or `data`."""


def kind_shape(words: KindWords) -> KindShape:
    """The shape of a kind."""
    if words.group != GROUP:
        return _stored_shape(words)
    made = {each.name: each.type for each in API_KINDS}.get(words.name)
    if made is not None:
        return KindShape(words, documentation(made).text, fields_of(made, only=(*made.content, "status")))
    derived = DERIVED_KINDS[words.name]
    return KindShape(words, documentation(derived).text, fields_of(derived))


def metadata_shape() -> FieldType:
    """The shape of what every object has."""
    return FieldType("ObjectMeta", ObjectMeta)


def fields_of(struct: type[msgspec.Struct], *, only: tuple[str, ...] | None = None) -> tuple[Field, ...]:
    """The fields of a struct, as JSON names them.

    Args:
        struct: which one.
        only: only these.
    """
    texts = documentation(struct).fields
    found = (each for each in fields(struct) if only is None or each.name in only)
    return tuple(_field(each, texts.get(each.name, "")) for each in found)


def _field(info: FieldInfo, text: str) -> Field:
    shape = _shape(info.type)
    if not text and shape.struct is not None:
        text = documentation(shape.struct).text
    return Field(info.encode_name, shape, text, info.required)


def _stored_shape(words: KindWords) -> KindShape:
    source = next(each for plural, each in STORED_HERE if plural == words.plural)
    every = fields_of(source)
    declared = tuple(each for each in every if each.name not in _OF_THE_STORE)
    spec = Field("spec", FieldType("Object", inner=declared), "What was declared, and what is kept of it.")
    status = (each for each in every if each.name == "status")
    return KindShape(words, documentation(source).text, (spec, *status))


def _shape(kind: Any, prefix: str = "") -> FieldType:  # noqa: ANN401 - any annotation
    """The shape that an annotation says."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _shape(inside[0], prefix)
    if isinstance(kind, NewType):
        return _shape(kind.__supertype__, prefix)
    if origin in (Union, types.UnionType):
        shapes = [_shape(each, prefix) for each in inside if each is not type(None)]
        return shapes[0] if len(shapes) == 1 else FieldType(" or ".join(each.name for each in shapes), prefix=prefix)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        word = getattr(kind, "kind", None)
        return FieldType(word if isinstance(word, str) and word else kind.__name__.removeprefix("Api"), kind, prefix)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return FieldType("string", prefix=prefix, choices=tuple(kind))
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return FieldType("integer", prefix=prefix)
    return _container(origin, inside, prefix) or FieldType(NAMES.get(kind, "Object"), prefix=prefix)


def _container(origin: Any, inside: tuple[Any, ...], prefix: str) -> FieldType | None:  # noqa: ANN401 - any annotation
    if not isinstance(origin, type) or not inside:
        return None
    if issubclass(origin, Mapping):
        return _shape(inside[1], f"{prefix}map[string]")
    if issubclass(origin, Collection):
        same = origin is not tuple or inside[1:] in ((), (...,))
        return _shape(inside[0], f"{prefix}[]") if same else FieldType("Object", prefix=f"{prefix}[]")
    return None
