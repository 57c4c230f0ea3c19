"""The functions that every Tiltfile has because the language has them."""

import math
import re
from collections.abc import Callable

from pytilt.dialect.arguments import want_bool, want_callable, want_int, want_iterable, want_string
from pytilt.dialect.attributes import attr_names, get_attr, has_attr
from pytilt.dialect.comparing import greater, less
from pytilt.dialect.containers import StarlarkDict, StarlarkList, StarlarkSet
from pytilt.dialect.errors import DialectError
from pytilt.dialect.formatting import to_integer, to_repr, to_str
from pytilt.dialect.functions import Builtin, invoke
from pytilt.dialect.indexing import encode, readable
from pytilt.dialect.iterating import iterable_or_none
from pytilt.dialect.methods import update_dict
from pytilt.dialect.operators import to_float, unhashable
from pytilt.dialect.structs import ModuleValue, StructValue
from pytilt.dialect.values import HostValue, type_name
from pytilt.model.regex import regex

UNIVERSE: dict[str, object] = {}
"""The functions by name; `print` is not among them, it belongs to the host."""

_MISSING = object()
_MAX_CODE_POINT = 0x10FFFF
_MAX_BYTE = 0xFF


def _universal(name: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    def add(function: Callable[..., object]) -> Callable[..., object]:
        UNIVERSE[name] = Builtin(name, function)
        return function

    return add


def _no_keywords(function: str, named: dict[str, object]) -> None:
    if named:
        raise DialectError(f"{function} does not accept keyword arguments")


def _only_argument(function: str, arguments: tuple[object, ...], named: dict[str, object], want: str = "1") -> object:
    _no_keywords(function, named)
    if len(arguments) != 1:
        raise DialectError(f"{function}: got {len(arguments)} arguments, want {want}")
    return arguments[0]


@_universal("abs")
def _abs(x: object, /) -> object:
    if type(x) is int or type(x) is float:
        return abs(x)
    raise DialectError(f"got {type_name(x)}, want int or float")


@_universal("all")
def _all(x: object, /) -> bool:
    return all(want_iterable("all", 1, x))


@_universal("any")
def _any(x: object, /) -> bool:
    return any(want_iterable("any", 1, x))


@_universal("bool")
def _bool(x: object = False, /) -> bool:
    return bool(x)


@_universal("bytes")
def _bytes(*arguments: object, **named: object) -> bytes:
    x = _only_argument("bytes", arguments, named, "exactly 1")
    if isinstance(x, bytes):
        return x
    if isinstance(x, str):
        return readable(x).encode()
    elements = iterable_or_none(x)
    if elements is None:
        raise DialectError(f"bytes: got {type_name(x)}, want string, bytes, or iterable of ints")
    return bytes(_byte(i, element) for i, element in enumerate(elements))


def _byte(index: int, value: object) -> int:
    if type(value) is not int:
        raise DialectError(f"bytes: at index {index}, got {type_name(value)}, want int")
    if not 0 <= value <= _MAX_BYTE:
        raise DialectError(f"bytes: at index {index}, {value} out of range (want value in unsigned 8-bit range)")
    return value


@_universal("chr")
def _chr(*arguments: object, **named: object) -> str:
    x = _only_argument("chr", arguments, named)
    if type(x) is not int:
        raise DialectError(f"chr: got {type_name(x)}, want int")
    if x < 0:
        raise DialectError(f"chr: Unicode code point {x} out of range (<0)")
    if x > _MAX_CODE_POINT:
        raise DialectError(f"chr: Unicode code point U+{x:X} out of range (>0x10FFFF)")
    return chr(x)


@_universal("dict")
def _dict(*arguments: object, **named: object) -> StarlarkDict:
    if len(arguments) > 1:
        raise DialectError(f"dict: got {len(arguments)} arguments, want at most 1")
    result = StarlarkDict()
    update_dict("dict", result, arguments[0] if arguments else (), named)
    return result


@_universal("dir")
def _dir(*arguments: object, **named: object) -> list[str]:
    return attr_names(_only_argument("dir", arguments, named))


@_universal("enumerate")
def _enumerate(x: object, start: object = 0, /) -> StarlarkList:
    return StarlarkList(enumerate(want_iterable("enumerate", 1, x), want_int("enumerate", 2, start)))


@_universal("fail")
def _fail(*arguments: object, sep: object = " ") -> None:
    text = want_string("fail", "sep", sep).join(map(to_str, arguments))
    raise DialectError(f"fail: {text}")


_FLOAT = regex(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SPECIAL_FLOAT = regex(r"[+-]?(inf|infinity|nan)", re.IGNORECASE)


@_universal("float")
def _float(*arguments: object, **named: object) -> float:
    _no_keywords("float", named)
    if len(arguments) > 1:
        raise DialectError(f"float got {len(arguments)} arguments, wants 1")
    x = arguments[0] if arguments else 0.0
    if isinstance(x, str):
        return _parse_float(x)
    if isinstance(x, bool | int | float):
        return to_float(x)
    raise DialectError(f"float got {type_name(x)}, want number or string")


def _parse_float(text: str) -> float:
    if not text:
        raise DialectError("float: empty string")
    if _SPECIAL_FLOAT.fullmatch(text):
        value = float(text)
        return math.nan if math.isnan(value) else value  # the same key of a dict every time
    if not _FLOAT.fullmatch(text):
        raise DialectError(f"invalid float literal: {text}")
    value = float(text)
    if math.isinf(value):
        raise DialectError("floating-point number too large")
    return value


@_universal("getattr")
def _getattr(x: object, name: object, default: object = _MISSING, /) -> object:
    wanted = want_string("getattr", 2, name)
    if has_attr(x, wanted):
        return get_attr(x, wanted)
    if default is not _MISSING:
        return default
    text = x.missing_attr(wanted) if isinstance(x, HostValue) else f"{type_name(x)} has no .{wanted} field or method"
    raise DialectError(f"getattr: {text}")


@_universal("hasattr")
def _hasattr(x: object, name: object, /) -> bool:
    return has_attr(x, want_string("hasattr", 2, name))


@_universal("hash")
def _hash(x: object, /) -> int:
    if isinstance(x, str):
        value = 0
        for char in x:
            value = (31 * value + ord(char)) & 0xFFFFFFFF
        return value - (1 << 32) if value >= 1 << 31 else value
    if isinstance(x, bytes):
        value = 2166136261  # FNV-1a, as in Starlark
        for byte in x:
            value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
        return value
    raise DialectError(f"hash: got {type_name(x)}, want string or bytes")


@_universal("int")
def _int(x: object, base: object = _MISSING) -> int:
    if isinstance(x, str):
        return _parse_int(x, 10 if base is _MISSING else base)
    if base is not _MISSING:
        raise DialectError("int: can't convert non-string with explicit base")
    if isinstance(x, bool):
        return int(x)
    try:
        return to_integer(x)
    except DialectError as error:
        raise DialectError(f"int: {error.message}") from error


def _parse_int(text: str, base: object) -> int:
    if type(base) is not int:
        raise DialectError(f"int: for base, got {type_name(base)}, want int")
    if base != 0 and not 2 <= base <= 36:
        raise DialectError("int: base must be an integer >= 2 && <= 36")
    try:
        if not re.fullmatch(r"[+-]?[0-9A-Za-z]+", text):
            raise ValueError(text)
        return int(text, base)
    except ValueError:
        raise DialectError(f"int: invalid literal with base {base}: {text}") from None


@_universal("len")
def _len(x: object, /) -> int:
    if isinstance(x, str):
        return len(x) if x.isascii() else len(encode(x))
    if isinstance(x, list | dict | tuple | StarlarkSet | range | bytes):
        return len(x)
    if isinstance(x, HostValue) and hasattr(x, "__len__"):
        return len(x)
    raise DialectError(f"len: value of type {type_name(x)} has no len")


@_universal("list")
def _list(x: object = (), /) -> StarlarkList:
    return StarlarkList(want_iterable("list", 1, x))


def _measured(name: str, key: object, elements: list[object]) -> list[object]:
    """What the function `key` gives for every element."""
    measure = want_callable(name, "key", key)
    return [invoke(measure, element) for element in elements]


def _extreme(name: str, better: Callable[[object, object], bool], arguments: tuple[object, ...], key: object) -> object:
    """The element that no other is better than; the first of equals."""
    if not arguments:
        raise DialectError(f"{name} requires at least one positional argument")
    whole = arguments[0] if len(arguments) == 1 else arguments
    found = iterable_or_none(whole)
    if found is None:
        raise DialectError(f"{name}: {type_name(whole)} value is not iterable")
    elements = [*found]
    measured = elements if key is _MISSING else _measured(name, key, elements)
    candidates = list(zip(measured, elements, strict=True))
    if not candidates:
        raise DialectError(f"{name}: argument is an empty sequence")
    best = candidates[0]
    for candidate in candidates[1:]:
        try:
            best = candidate if better(candidate[0], best[0]) else best
        except DialectError as error:
            raise DialectError(f"{name}: {error.message}") from error
    return best[1]


@_universal("max")
def _max(*arguments: object, key: object = _MISSING) -> object:
    return _extreme("max", greater, arguments, key)


@_universal("min")
def _min(*arguments: object, key: object = _MISSING) -> object:
    return _extreme("min", less, arguments, key)


@_universal("module")
def _module(name: object, /, **members: object) -> ModuleValue:
    return ModuleValue(want_string("module", 1, name), members)


@_universal("ord")
def _ord(*arguments: object, **named: object) -> int:
    x = _only_argument("ord", arguments, named)
    if isinstance(x, str):
        if len(x) != 1:
            raise DialectError(f"ord: string encodes {len(x)} Unicode code points, want 1")
        return ord(readable(x))
    if isinstance(x, bytes):
        if len(x) != 1:
            raise DialectError(f"ord: bytes has length {len(x)}, want 1")
        return x[0]
    raise DialectError(f"ord: got {type_name(x)}, want string or bytes")


@_universal("range")
def _range(start: object, stop: object = _MISSING, step: object = 1, /) -> range:
    first = want_int("range", 1, start)
    by = want_int("range", 3, step)
    if by == 0:
        raise DialectError("range: step argument must not be zero")
    return range(0, first, by) if stop is _MISSING else range(first, want_int("range", 2, stop), by)


@_universal("repr")
def _repr(x: object, /) -> str:
    return to_repr(x)


@_universal("reversed")
def _reversed(x: object, /) -> StarlarkList:
    return StarlarkList([*want_iterable("reversed", 1, x)][::-1])


@_universal("set")
def _set(x: object = (), /) -> StarlarkSet:
    elements = [*want_iterable("set", 1, x)]
    try:
        return StarlarkSet(elements)
    except TypeError:
        bad = next(element for element in elements if not _hashable(element))
        raise DialectError(f"set: {unhashable(bad).message}") from None


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


class _SortKey:
    """Orders by the language's `<`."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __lt__(self, other: "_SortKey") -> bool:
        return less(self.value, other.value)


@_universal("sorted")
def _sorted(iterable: object, key: object = _MISSING, reverse: object = False) -> StarlarkList:
    elements = [*want_iterable("sorted", "iterable", iterable)]
    backwards = want_bool("sorted", "reverse", reverse)
    keys = elements if key is _MISSING else _measured("sorted", key, elements)
    pairs = sorted(zip(map(_SortKey, keys), elements, strict=True), key=lambda pair: pair[0], reverse=backwards)
    return StarlarkList(element for _, element in pairs)


@_universal("str")
def _str(*arguments: object, **named: object) -> str:
    return to_str(_only_argument("str", arguments, named, "exactly 1"))


@_universal("struct")
def _struct(*arguments: object, **fields: object) -> StructValue:
    if arguments:
        raise DialectError("struct: unexpected positional arguments")
    return StructValue(fields)


@_universal("tuple")
def _tuple(x: object = (), /) -> tuple[object, ...]:
    return tuple(want_iterable("tuple", 1, x))


@_universal("type")
def _type(*arguments: object, **named: object) -> str:
    return type_name(_only_argument("type", arguments, named, "exactly 1"))


@_universal("zip")
def _zip(*arguments: object, **named: object) -> StarlarkList:
    _no_keywords("zip", named)
    columns = []
    for i, argument in enumerate(arguments, start=1):
        elements = iterable_or_none(argument)
        if elements is None:
            raise DialectError(f"zip: argument #{i} is not iterable: {type_name(argument)}")
        columns.append(elements)
    return StarlarkList(zip(*columns, strict=False))
