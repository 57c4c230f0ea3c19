"""Texts as parts of an address (RFC 3986); `urllib.parse` does more, and takes long to import."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quoted(text: str) -> str:
    """A text as one segment of a path, or one part of a query; bytes that are no text stay what they are."""
    return "".join(chr(each) if each in _PLAIN else f"%{each:02X}" for each in text.encode(errors="surrogateescape"))


def query_of(values: Mapping[str, str | list[str]]) -> str:
    """A query; a list is its name once for each value."""
    pairs = ((name, [value] if isinstance(value, str) else value) for name, value in values.items())
    return "&".join(f"{quoted(name)}={quoted(each)}" for name, found in pairs for each in found)
