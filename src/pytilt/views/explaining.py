"""What `tilt explain` prints, in kubectl's layout. Pure."""

import textwrap
from collections.abc import Iterator, Sequence

from pytilt.errors import UserError
from pytilt.model.api.words import VERSION, KindWords
from pytilt.views.shapes import Field, FieldType, KindShape, kind_shape, metadata_shape

WIDTH = 80
NOTHING = "<no description>"


def explain(words: KindWords, path: Sequence[str], *, recursive: bool) -> str:
    """The text about a kind, or about one of its fields.

    Args:
        words: the kind.
        path: the names of fields, each inside of the one before.
        recursive: the names and types of all fields below, without what they mean.

    Raises:
        UserError: there is no such field.
    """
    kind = kind_shape(words)
    field = _found(kind, path) if path else None
    inner = field.shape.fields if field is not None else _top(kind)
    lines = [f"GROUP:      {words.group}", f"KIND:       {words.name}", f"VERSION:    {VERSION}", ""]
    if field is not None:
        lines += [f"FIELD: {field.name} <{field.shape.shown}>{_mark(field)}", *_choices(field.shape, ""), "", ""]
    text = field.text if field is not None else kind.text
    lines += ["DESCRIPTION:", *_paragraphs(text, "    "), "    "]
    if inner:
        lines += ["FIELDS:", *(_tree(inner, "  ") if recursive else _list(inner))]
    return "\n".join(lines) + "\n"


def _found(kind: KindShape, path: Sequence[str]) -> Field:
    fields, field = _top(kind), None
    for name in path:
        field = next((each for each in fields if each.name == name), None)
        if field is None:
            known = ", ".join(each.name for each in fields)
            raise UserError(f'field "{name}" does not exist', hint=f"there are: {known}" if known else None)
        fields = field.shape.fields
    assert field is not None
    return field


def _top(kind: KindShape) -> tuple[Field, ...]:
    text = FieldType("string")
    return (
        Field("apiVersion", text, "Group and version of the API: " + kind.words.group_version),
        Field("kind", text, f"The kind of the object: {kind.words.name}"),
        Field("metadata", metadata_shape(), "What every object has."),
        *kind.parts,
    )


def _list(fields: Sequence[Field]) -> Iterator[str]:
    """Fields with what they mean."""
    for field in sorted(fields, key=lambda each: each.name):
        yield f"  {field.name}\t<{field.shape.shown}>{_mark(field)}"
        yield from _choices(field.shape, "  ")
        yield from _paragraphs(field.text, "    ")
        yield ""


def _tree(fields: Sequence[Field], blank: str, above: tuple[FieldType, ...] = ()) -> Iterator[str]:
    """The names and types of fields, and of those inside of them."""
    for field in sorted(fields, key=lambda each: each.name):
        yield f"{blank}{field.name}\t<{field.shape.shown}>{_mark(field)}"
        yield from _choices(field.shape, blank)
        if field.shape not in above:  # else it is inside of itself
            yield from _tree(field.shape.fields, f"{blank}  ", (*above, field.shape))


def _choices(shape: FieldType, blank: str) -> Iterator[str]:
    if shape.choices:
        yield f"{blank}enum: {', '.join(shape.choices)}"


def _mark(field: Field) -> str:
    return " -required-" if field.required else ""


def _paragraphs(text: str, blank: str) -> Iterator[str]:
    for paragraph in (text or NOTHING).split("\n\n"):
        yield from textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent=blank,
            subsequent_indent=blank,
            break_long_words=False,
            break_on_hyphens=False,
        )
