"""Values to text: `str`, `repr`, the `%` operator and `.format`."""

import math
import re
from types import FunctionType

from pytilt.dialect.containers import StarlarkSet
from pytilt.dialect.errors import DialectError
from pytilt.dialect.values import HostValue, type_name
from pytilt.model.regex import regex

_RAW_BYTES = regex("[\udc80-\udcff]")
_NEEDS_ESCAPE = regex(r'["\\]|[^ -~]')
_NAMED_ESCAPES = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    '"': '\\"', "\\": "\\\\",
}  # fmt: skip
_PLAIN_POWERS = range(-4, 6)
"""The powers of ten that are printed without an exponent; from Go's strconv, which Starlark prints floats with."""
_MAX_CODE_POINT = 0x10FFFF


def to_str(value: object) -> str:
    """What `str(value)` gives in a Tiltfile: strings as they are, everything else like `to_repr`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return _RAW_BYTES.sub("\N{REPLACEMENT CHARACTER}", value.decode(errors="surrogateescape"))
    return to_repr(value)


def to_repr(value: object) -> str:
    """What `repr(value)` gives in a Tiltfile."""
    return _repr(value, ())


def quote(text: str) -> str:
    """A string literal that stands for a text, in double quotes."""
    return f'"{_NEEDS_ESCAPE.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if (named := _NAMED_ESCAPES.get(char)) is not None:
        return named
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable():
        return char
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _repr(value: object, path: tuple[object, ...]) -> str:
    """`path` holds the lists and dicts around the value, so that one that contains itself ends."""
    if value is None or isinstance(value, bool | int):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, float):
        return format_float(value)
    if isinstance(value, list):
        if any(value is outer for outer in path):
            return "[...]"
        return f"[{', '.join(_repr(element, (*path, value)) for element in value)}]"
    if isinstance(value, dict):
        if any(value is outer for outer in path):
            return "{...}"
        return f"{{{', '.join(f'{_repr(k, path)}: {_repr(v, (*path, value))}' for k, v in value.items())}}}"
    if isinstance(value, tuple):
        elements = ", ".join(_repr(element, path) for element in value)
        return f"({elements},)" if len(value) == 1 else f"({elements})"
    return _repr_rare(value, path)


def _repr_rare(value: object, path: tuple[object, ...]) -> str:
    if isinstance(value, StarlarkSet):
        return f"set([{', '.join(_repr(element, path) for element in value)}])"
    if isinstance(value, range):
        return _repr_range(value)
    if isinstance(value, bytes):
        return _repr_bytes(value)
    if isinstance(value, FunctionType):
        return f"<function {function_name(value)}>"
    if isinstance(value, HostValue):
        return str(value)
    return f"<{type_name(value)}>"


def function_name(function: FunctionType) -> str:
    """The name of a function of a Tiltfile."""
    return "lambda" if function.__name__ == "<lambda>" else function.__name__


def _repr_range(value: range) -> str:
    if value.step != 1:
        return f"range({value.start}, {value.stop}, {value.step})"
    return f"range({value.start}, {value.stop})" if value.start else f"range({value.stop})"


def _repr_bytes(value: bytes) -> str:
    return f"b{quote(value.decode(errors='surrogateescape'))}"


def format_float(value: float, conversion: str = "g") -> str:
    """A float as Starlark prints it.

    Args:
        value: the number.
        conversion: `g` for the shortest text that means this number, `e` or `f` for six digits; in capitals, too.
    """
    if math.isinf(value):
        return "+inf" if value > 0 else "-inf"
    if math.isnan(value):
        return "nan"
    if conversion not in "gG":
        return f"%.6{conversion}" % value
    text = _shortest(value)
    return text.upper() if conversion == "G" else text


def _shortest(value: float) -> str:
    sign = "-" if math.copysign(1, value) < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return f"{sign}0.0"
    power = point - 1
    if power not in _PLAIN_POWERS:
        head = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        return f"{sign}{head}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    digits = digits.ljust(point, "0")
    return f"{sign}{digits[:point]}.{digits[point:] or '0'}"


_CONVERSION = regex(r"%(?:(?P<percent>%)|(?:\((?P<key>[^)]*)(?P<closed>\))?)?(?P<kind>.)?)", re.DOTALL)


def interpolate(template: str, arguments: object) -> str:
    """`template % arguments`.

    Raises:
        DialectError: the arguments do not fit the template.
    """
    positional = arguments if isinstance(arguments, tuple) else (arguments,)
    used = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal used
        if match["percent"]:
            return "%"
        if match["key"] is not None:
            argument = _named_argument(match, arguments)
        elif used >= len(positional):
            raise DialectError("not enough arguments for format string")
        else:
            argument = positional[used]
        if match["kind"] is None:
            raise DialectError("incomplete format")
        used += 1
        return _convert(match["kind"], argument)

    text = _CONVERSION.sub(replace, template)
    if used < len(positional) and not isinstance(arguments, dict):
        raise DialectError("too many arguments for format string")
    return text


def _named_argument(match: re.Match[str], arguments: object) -> object:
    if match["closed"] is None:
        raise DialectError("incomplete format key")
    if not isinstance(arguments, dict):
        raise DialectError("format requires a mapping")
    if match["key"] not in arguments:
        raise DialectError(f"key not found: {match['key']}")
    return arguments[match["key"]]


def _convert(kind: str, value: object) -> str:
    if kind == "s":
        return value if isinstance(value, str) else to_repr(value)
    if kind == "r":
        return to_repr(value)
    if kind in "dioxX":
        return _convert_integer(kind, value)
    if kind in "efgEFG":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DialectError(f"%{kind} format requires float, not {type_name(value)}")
        return format_float(float(value), kind)
    if kind == "c":
        return _convert_character(value)
    hint = "flags, widths and precisions are not part of the language" if kind in "#0- +.123456789*" else None
    raise DialectError(f"unknown conversion %{kind}", hint=hint)


def _convert_integer(kind: str, value: object) -> str:
    try:
        number = to_integer(value)
    except DialectError as error:
        raise DialectError(f"%{kind} format requires integer: {error.message}") from error
    return {"o": f"{number:o}", "x": f"{number:x}", "X": f"{number:X}"}.get(kind, str(number))


def _convert_character(value: object) -> str:
    if isinstance(value, str):
        if len(value) != 1:
            raise DialectError("%c format requires a single-character string")
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= _MAX_CODE_POINT:
            raise DialectError(f"%c format requires a valid Unicode code point, got {value}")
        return chr(value)
    raise DialectError(f"%c format requires int or single-character string, not {type_name(value)}")


def to_integer(value: object) -> int:
    """The whole part of a number.

    Raises:
        DialectError: it is no number, or not a finite one.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise DialectError("cannot convert float infinity to integer")
        if math.isnan(value):
            raise DialectError("cannot convert float NaN to integer")
        return int(value)
    raise DialectError(f"cannot convert {type_name(value)} to int")


_FIELD = regex(r"\{\{|\}\}|\{(?P<field>[^}]*)(?P<closed>\})?|\}")


def format_fields(template: str, arguments: tuple[object, ...], named: dict[str, object]) -> str:
    """`template.format(*arguments, **named)`.

    Raises:
        DialectError: the template is not well formed, or an argument is missing.
    """
    numbering: str | None = None
    used = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal numbering, used
        if match.group() in {"{{", "}}"}:
            return match.group()[0]
        if match.group() == "}":
            raise DialectError("format: single '}' in format")
        if match["closed"] is None:
            raise DialectError("format: unmatched '{' in format")
        name, conversion, spec = _split_field(match["field"])
        if name == "" or name.isdecimal():
            kind = "automatic field numbering" if name == "" else "manual field specification"
            if numbering not in {None, kind}:
                raise DialectError(f"format: cannot switch from {numbering} to {kind}")
            numbering = kind
            index = int(name or used)
            used += name == ""
            if index >= len(arguments):
                raise DialectError("format: tuple index out of range")
            value = arguments[index]
        else:
            value = _field_by_name(name, named)
        return _format_field(value, conversion, spec)

    return _FIELD.sub(replace, template)


def _split_field(field: str) -> tuple[str, str, str]:
    """The name, conversion and spec of `name!conversion:spec`."""
    name, mark, rest = field.partition("!")
    if mark:
        conversion, _, spec = rest.partition(":")
        return name, conversion, spec
    name, _, spec = field.partition(":")
    return name, "s", spec


def _field_by_name(name: str, named: dict[str, object]) -> object:
    if name in named:
        return named[name]
    if "." in name:
        raise DialectError(f"format: attribute syntax x.y is not supported in replacement fields: {name}")
    if "[" in name:
        raise DialectError(f"format: element syntax a[i] is not supported in replacement fields: {name}")
    if "{" in name:
        raise DialectError("format: nested replacement fields not supported")
    raise DialectError(f"format: keyword {name} not found")


def _format_field(value: object, conversion: str, spec: str) -> str:
    if spec:
        raise DialectError(f"format spec features not supported in replacement fields: {spec}")
    if conversion == "s":
        return value if isinstance(value, str) else to_repr(value)
    if conversion == "r":
        return to_repr(value)
    raise DialectError(f"format: unknown conversion {quote(conversion)}")
