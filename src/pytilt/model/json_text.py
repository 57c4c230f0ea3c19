"""JSON as commands and sessions exchange it, read and written by the C half of Python's `json` alone.

The Python half compiles regular expressions when it is imported, which takes longer than a session takes to answer.
"""

from __future__ import annotations

from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Json = dict[str, Any]
else:
    Json = dict

_BLANKS = " \t\n\r"
_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class _ScannerContext:
    """What the C half asks of a decoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _NUMBERS.__getitem__


_scan = make_scanner(_ScannerContext())  # type: ignore[arg-type]  # it reads these attributes and no more


def loads(text: str | bytes) -> Any:  # noqa: ANN401 - whatever the text holds
    """The value of a text, as `json.loads` returns it.

    Raises:
        ValueError: it is not JSON.
    """
    stripped = (text if isinstance(text, str) else text.decode()).strip(_BLANKS)
    try:
        value, end = _scan(stripped, 0)
    except StopIteration:
        raise ValueError("no JSON value") from None
    if end != len(stripped):
        raise ValueError(f"more than one JSON value: extra data at character {end}")
    return value


def dumps(value: object, *, ascii_only: bool = True) -> str:
    """The text of a value, without blanks.

    Args:
        value: of objects, lists, texts, numbers, truth values and None.
        ascii_only: write other characters by their numbers; else as they are.

    Raises:
        TypeError: a value in it is none of these.
        ValueError: it contains itself.
    """
    escape = encode_basestring_ascii if ascii_only else encode_basestring
    encode = make_encoder({}, _refuse, escape, None, ":", ",", False, False, True)
    return "".join(encode(value, 0))


def indented(value: object, width: int, *, ascii_only: bool = True) -> str:
    """The text of a value for people, as `json.dumps` lays it out; the names in its objects are texts.

    Args:
        value: as for `dumps`.
        width: by how many blanks inner lines are indented.
        ascii_only: as for `dumps`.
    """
    return "".join(_pieces(value, "\n", " " * width, ascii_only=ascii_only))


def _pieces(value: object, newline: str, indent: str, *, ascii_only: bool) -> Iterator[str]:
    inner = newline + indent
    if isinstance(value, dict) and value:
        for number, (name, each) in enumerate(value.items()):
            yield f"{',' if number else '{'}{inner}{dumps(name, ascii_only=ascii_only)}: "
            yield from _pieces(each, inner, indent, ascii_only=ascii_only)
        yield f"{newline}}}"
    elif isinstance(value, list | tuple) and value:
        for number, each in enumerate(value):
            yield f"{',' if number else '['}{inner}"
            yield from _pieces(each, inner, indent, ascii_only=ascii_only)
        yield f"{newline}]"
    else:
        yield dumps(value, ascii_only=ascii_only)


def _refuse(value: object) -> None:
    raise TypeError(f"a {type(value).__name__} is no JSON value")
