"""What a scalar of YAML means to Kubernetes tools, and the string that it is as a key.

They read YAML 1.1 with go-yaml 2 and send the values on as JSON (sigs.k8s.io/yaml), so the rules are those of both:
`y` and `off` are truth values, `0644` is octal, dates and `12:30` stay strings, a whole float is an integer, and what
JSON has no words for is an error.
"""

import base64
import binascii
import math
import re
import struct
from decimal import Decimal

from pytilt.model.regex import regex

PLAIN = "?"
"""Stands for the tag of a plain scalar that has none: its text decides."""

Scalar = str | int | float | bool | None

_PREFIX = "tag:yaml.org,2002:"
_RESOLVED = frozenset({"bool", "int", "float", "null", "timestamp"})
_WORDS: dict[str, tuple[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), ("null", None)),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), ("bool", True)),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), ("bool", False)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), ("float", math.nan)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), ("float", math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), ("float", -math.inf)),
}
_NUMERIC = frozenset("+-.0123456789")
_INTEGER = regex(
    r"(?P<sign>[-+]?)(?:0[bB](?P<two>[01]+)|0[oO]?(?P<eight>[0-7]+)|0[xX](?P<sixteen>[0-9a-fA-F]+)"
    r"|(?P<ten>0|[1-9][0-9]*))"
)
_BASES = {"two": 2, "eight": 8, "sixteen": 16, "ten": 10}
_FLOAT = regex(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOTTED = regex(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)?")
_TIMESTAMP = regex(r"\d{4}-\d\d?-\d\d?(?:[Tt ]\d\d?:\d\d?:\d\d?(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)?)?", re.ASCII)

_SMALLEST, _LARGEST, _UNSIGNED = -(2**63), 2**63 - 1, 2**64 - 1
"""The integers of 64 bits; others become floats."""
_MOST_DIGITS = 400
"""No number of 64 bits, whole or not, is written with more digits than so many."""
_PLAIN_FLOATS = 1e21
"""Whole floats below this are written without an exponent, so they come back as integers."""
_KEY_DIGITS = 9
"""So many digits distinguish every 32-bit float from every other."""
_SHORT_EXPONENTS = (-4, 5)
"""Between these a float key is written without an exponent."""


def value(tag: str, text: str) -> Scalar:
    """The value of a scalar.

    Args:
        tag: its tag in full, `PLAIN` for a plain scalar without tag.
        text: as written, without quotes.

    Raises:
        ValueError: it has none; the message says why.
    """
    found = _resolved(tag, text)
    return number(found) if isinstance(found, int | float) and not isinstance(found, bool) else found


def key(tag: str, text: str) -> str:
    """The string that a scalar is as a key of a mapping; see `value`."""
    found = _resolved(tag, text)
    if isinstance(found, str):
        return found
    if isinstance(found, bool):
        return "true" if found else "false"
    if found is None:
        raise ValueError("a key cannot be null; quote it if a string is meant")
    if isinstance(found, float):
        return _short(found)
    if found > _LARGEST:
        raise ValueError(f"the key `{text}` is too large a number; quote it")
    return str(found)


def number(found: float) -> int | float:
    """A number as JSON hands it on.

    Raises:
        ValueError: JSON cannot.
    """
    if isinstance(found, int):
        return found if _SMALLEST <= found <= _LARGEST else float(found)
    if not math.isfinite(found):
        name = "NaN" if math.isnan(found) else "+Inf" if found > 0 else "-Inf"
        raise ValueError(f"{name} is no value that Kubernetes knows; quote it if a string is meant")
    if found.is_integer() and abs(found) < _PLAIN_FLOATS and _SMALLEST <= found <= _LARGEST:
        return int(found)
    return found


def _resolved(tag: str, text: str) -> Scalar:
    if tag == PLAIN:
        return _untagged(text)[1]
    name = tag.removeprefix(_PREFIX)
    if name == "binary":
        return _binary(text)
    if name not in _RESOLVED or name == tag:
        return text
    if name == "timestamp" and _TIMESTAMP.fullmatch(text):
        return text
    kind, found = _untagged(text)
    if kind == name:
        return found
    if name == "float" and kind == "int" and isinstance(found, int):
        return float(found)
    raise ValueError(f"`{text}` is no `!!{name}`")


def _untagged(text: str) -> tuple[str, Scalar]:
    """What a text is by itself, and its value."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return "str", text
    if text[0] == ".":
        return _float(text, text.replace("_", "")) if _DOTTED.fullmatch(text) else ("str", text)
    digits = text.replace("_", "")
    if len(digits) <= _MOST_DIGITS and (found := _INTEGER.fullmatch(digits)):
        base = next(name for name in _BASES if found[name])
        whole = int(found["sign"] + found[base], _BASES[base])
        if _SMALLEST <= whole <= (_LARGEST if found["sign"] else _UNSIGNED):
            return "int", whole
    return _float(text, digits) if _FLOAT.fullmatch(digits) else ("str", text)


def _float(text: str, digits: str) -> tuple[str, Scalar]:
    found = float(digits)
    return ("float", found) if math.isfinite(found) else ("str", text)


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"`{text[:40].strip()}` is no `!!binary`: it is not valid base64") from error
    return data.decode(errors="replace")


def _short(found: float) -> str:
    """A float with as few digits as distinguish it from other 32-bit floats, as Go prints it (`%g`)."""
    if math.isnan(found):
        return ".nan"
    try:
        single: float = struct.unpack("f", struct.pack("f", found))[0]
    except OverflowError:
        single = math.copysign(math.inf, found)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    shapes = (f"{single:.{size}e}" for size in range(_KEY_DIGITS))
    digits = next(shape for shape in shapes if struct.pack("f", float(shape)) == struct.pack("f", single))
    mantissa, _, exponent = digits.partition("e")
    shown = f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{exponent}"
    return format(Decimal(shown), "f") if _SHORT_EXPONENTS[0] <= int(exponent) <= _SHORT_EXPONENTS[1] else shown
