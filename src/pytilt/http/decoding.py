"""JSON that others wrote: read as what it should be, or refused, whatever it is."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


class MalformedJsonError(ValueError):
    """It is no JSON, or JSON of another shape."""


def decode(body: bytes | str, kind: type[T]) -> T:
    """Read JSON as a value of a type.

    Args:
        body: the JSON.
        kind: what it should be; unknown fields are left out.

    Raises:
        MalformedJsonError: it is not; nesting that is too deep to be read is malformed too.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedJsonError(f"{error}; it begins with {beginning(body)}") from error


def beginning(body: bytes | str) -> str:
    """The first signs of an answer, for people, on one line."""
    text = body[:_SHOWN].decode(errors="replace") if isinstance(body, bytes) else body[:_SHOWN]
    return repr(text) if text else "nothing"


_SHOWN = 60
