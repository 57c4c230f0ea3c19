"""Going through values: what can be iterated, and that it does not change meanwhile."""

from collections.abc import Iterable, Iterator, Mapping

from pytilt.dialect.containers import StarlarkDict, StarlarkList, StarlarkSet
from pytilt.dialect.errors import DialectError
from pytilt.dialect.values import HostValue, type_name

Shape = int | tuple["Shape | None", ...]
"""How a target takes a value apart: into how many names, or, for nested targets, how each part is taken apart."""


def iterable_or_none(value: object) -> Iterable[object] | None:
    """An iterator over a value, None when it cannot be iterated; strings and bytes cannot."""
    kind = type(value)
    if kind is tuple or kind is range:
        return value  # type: ignore[return-value] # both are iterable
    if isinstance(value, StarlarkList | StarlarkDict | StarlarkSet):
        return value if value.frozen else _guarded(value)
    if isinstance(value, list | dict | tuple | set | frozenset):
        return value
    if isinstance(value, HostValue) and isinstance(value, Iterable):
        return value
    return None


def _guarded(container: StarlarkList | StarlarkDict | StarlarkSet) -> Iterator[object]:
    container.iterating += 1
    try:
        yield from container
    finally:
        container.iterating -= 1


def iterate(value: object) -> Iterable[object]:
    """What a `for` goes through.

    Raises:
        DialectError: the value cannot be iterated.
    """
    elements = iterable_or_none(value)
    if elements is None:
        hint = "use `.elems()` for its characters" if isinstance(value, str) else None
        raise DialectError(f"{type_name(value)} value is not iterable", hint=hint)
    return elements


def iterate_parts(value: object, shape: Shape) -> Iterator[object]:
    """What a `for a, b in` of a comprehension goes through: every element taken apart."""
    for element in iterate(value):
        yield unpack(element, shape)


def unpack(value: object, shape: Shape) -> tuple[object, ...]:
    """The parts of a value, as many as the shape asks for.

    Raises:
        DialectError: there are more, or fewer, or it has no parts.
    """
    want = shape if isinstance(shape, int) else len(shape)
    if type(value) is tuple:
        parts: tuple[object, ...] = value
    else:
        elements = iterable_or_none(value)
        if elements is None:
            raise DialectError(f"got {type_name(value)} in sequence assignment")
        parts = tuple(elements)
    if len(parts) != want:
        amount = "many" if len(parts) > want else "few"
        raise DialectError(f"too {amount} values to unpack (got {len(parts)}, want {want})")
    if isinstance(shape, int):
        return parts
    return tuple(part if inner is None else unpack(part, inner) for part, inner in zip(parts, shape, strict=True))


def star_arguments(value: object) -> Iterable[object]:
    """The arguments that `*value` stands for.

    Raises:
        DialectError: the value cannot be iterated.
    """
    elements = iterable_or_none(value)
    if elements is None:
        raise DialectError(f"argument after * must be iterable, not {type_name(value)}")
    return elements


def double_star_arguments(value: object) -> Mapping[str, object]:
    """The arguments that `**value` stands for.

    Raises:
        DialectError: the value is no dict, or its keys are no strings.
    """
    if not isinstance(value, dict):
        raise DialectError(f"argument after ** must be a mapping, not {type_name(value)}")
    for key in value:
        if not isinstance(key, str):
            raise DialectError(f"keywords must be strings, not {type_name(key)}")
    return value
