"""Elements, slices and attributes of values."""

from typing import Protocol, runtime_checkable

from pytilt.dialect.containers import StarlarkDict, StarlarkList
from pytilt.dialect.errors import DialectError
from pytilt.dialect.formatting import to_repr
from pytilt.dialect.operators import unhashable
from pytilt.dialect.values import HostValue, type_name
from pytilt.model.regex import regex

_MAX_INDEX = 1 << 31
"""Starlark's indexes have 32 bits."""

_RAW_BYTES = regex("[\udc80-\udcff]")
"""How `decode` carries bytes that are not UTF-8."""


@runtime_checkable
class Indexable(Protocol):
    """A host value whose elements have numbers."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> object: ...


def get_index(container: object, key: object) -> object:
    """`container[key]`.

    Raises:
        DialectError: there is no such element.
    """
    if isinstance(container, dict):
        return _get_key(container, key)
    if isinstance(container, list | tuple):
        if type(key) is int:
            try:
                return container[key]
            except IndexError:
                pass  # said in the words of the language below
        return container[checked_index(container, len(container), key)]
    if isinstance(container, str):
        return _get_character(container, key)
    if isinstance(container, range):
        return container[checked_index(container, len(container), key)]
    if isinstance(container, bytes):
        index = checked_index(container, len(container), key)
        return container[index : index + 1]
    if isinstance(container, HostValue) and isinstance(container, Indexable):
        return container[checked_index(container, len(container), key)]
    raise DialectError(f"unhandled index operation {type_name(container)}[{type_name(key)}]")


def _get_key(container: dict[object, object], key: object) -> object:
    try:
        return container[key]
    except KeyError:
        noun = container.noun if isinstance(container, StarlarkDict) else "dict"
        raise DialectError(f"key {to_repr(key)} not in {noun}") from None
    except TypeError:
        raise unhashable(key) from None


def _get_character(text: str, key: object) -> str:
    """Strings count in bytes of UTF-8, as in Tilt."""
    if text.isascii():
        return text[checked_index(text, len(text), key)]
    encoded = encode(text)
    index = checked_index(text, len(encoded), key)
    return decode(encoded[index : index + 1])


def encode(text: str) -> bytes:
    """The bytes of a string."""
    return text.encode(errors="surrogateescape")


def decode(encoded: bytes) -> str:
    """The string of some bytes; those that are not UTF-8 survive `encode`."""
    return encoded.decode(errors="surrogateescape")


def readable(text: str) -> str:
    """The string with a replacement character for every byte that is not UTF-8."""
    return text if text.isascii() else _RAW_BYTES.sub("\N{REPLACEMENT CHARACTER}", text)


def checked_index(container: object, length: int, key: object) -> int:
    """An index from the front.

    Args:
        container: what is indexed, for the message.
        length: how many elements it has.
        key: the index, negative to count from the end.

    Raises:
        DialectError: the key is no int, or there is no such element.
    """
    if type(key) is not int:
        raise DialectError(f"{type_name(container)} index: got {type_name(key)}, want int")
    if not -_MAX_INDEX <= key < _MAX_INDEX:
        raise DialectError(f"{type_name(container)} index: {key} out of range")
    index = key + length if key < 0 else key
    if not 0 <= index < length:
        raise _out_of_range(container, length, key)
    return index


def _out_of_range(container: object, length: int, key: int) -> DialectError:
    if not length:
        return DialectError(f"index {key} out of range: empty {type_name(container)}")
    return DialectError(f"{type_name(container)} index {key} out of range [{-length}:{length - 1}]")


def set_index(value: object, container: object, key: object) -> None:
    """`container[key] = value`; the value comes first because it is evaluated first.

    Raises:
        DialectError: the container cannot be changed, or has no such element.
    """
    if isinstance(container, dict):
        if isinstance(container, StarlarkDict):
            container.check_mutable("insert into")
        try:
            container[key] = value
        except TypeError:
            raise unhashable(key) from None
    elif isinstance(container, list):
        if type(key) is not int:
            raise DialectError(f"got {type_name(key)}, want int")
        index = checked_index(container, len(container), key)
        if isinstance(container, StarlarkList):
            container.check_mutable("assign to element of")
        container[index] = value
    else:
        raise DialectError(f"{type_name(container)} value does not support item assignment")


def set_attr(_value: object, holder: object, name: str) -> None:
    """`holder.name = value`, which no value allows.

    Raises:
        DialectError: always.
    """
    raise DialectError(f"can't assign to .{name} field of {type_name(holder)}")


def get_slice(container: object, start: object, stop: object, step: object) -> object:
    """`container[start:stop:step]`.

    Raises:
        DialectError: the container cannot be sliced, or a bound is no int.
    """
    if not isinstance(container, str | list | tuple | bytes | range):
        raise DialectError(f"invalid slice operand {type_name(container)}")
    if step is not None and type(step) is not int:
        raise DialectError(f"invalid slice step: got {type_name(step)}, want int")
    if step == 0:
        raise DialectError("zero is not a valid slice step")
    bounds = slice(slice_bound(start, "start"), slice_bound(stop, "end"), step)
    if isinstance(container, list):
        return StarlarkList(container[bounds])
    if isinstance(container, str) and not container.isascii():
        return decode(encode(container)[bounds])
    return container[bounds]


def slice_bound(value: object, which: str) -> int | None:
    """A bound of a slice, None where it is left open.

    Raises:
        DialectError: it is neither an int nor None.
    """
    if type(value) is int and not -_MAX_INDEX <= value < _MAX_INDEX:
        raise DialectError(f"invalid {which} index: {value} out of range")
    if value is None or type(value) is int:
        return value
    raise DialectError(f"invalid {which} index: got {type_name(value)}, want int")
