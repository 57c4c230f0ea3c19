"""Texts that hold bytes which are no UTF-8, as files, names of files and the output of commands may.

Such a byte travels as a lone surrogate (`surrogateescape`) and comes out as the same byte again; only what people see
has another character in its place.
"""

import json

import msgspec


def exact_json(value: object) -> bytes:
    """JSON in which keys are sorted, for digests and keys: every text, also one with such bytes, gives another one."""
    try:
        return msgspec.json.encode(value, order="deterministic")
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value, order="deterministic")).encode("ascii")


def from_bytes(data: bytes) -> str:
    """The text of a file or of a command's output."""
    return data.decode(errors="surrogateescape")


def to_bytes(text: str) -> bytes:
    """The bytes that such a text was made of."""
    return text.encode(errors="surrogateescape")


def shown(text: str) -> str:
    """The text for people."""
    return text if text.isascii() else text.encode(errors="surrogateescape").decode(errors="replace")
