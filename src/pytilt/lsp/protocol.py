"""The part of the Language Server Protocol that is spoken here: its values, and its messages on a stream."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, BinaryIO

import msgspec

from pytilt.errors import UserError
from pytilt.model.base import Value

_LONGEST = 64 * 1024 * 1024
"""Bytes of one message; a Tiltfile is far smaller."""

_LONGEST_HEADER = 1024
"""Bytes of one line before a message."""


class TextPosition(Value):
    """A place in a text: both counted from 0, characters in units of UTF-16."""

    line: int
    character: int


class TextRange(Value):
    """From one place to another, which does not belong to it."""

    start: TextPosition
    end: TextPosition


class TextLocation(Value):
    """A range of a file."""

    uri: str
    range: TextRange


class CompletionKind(IntEnum):
    """What is proposed; the numbers are the protocol's."""

    METHOD = 2
    FUNCTION = 3
    FIELD = 5
    VARIABLE = 6
    MODULE = 9
    KEYWORD = 14


class SymbolKind(IntEnum):
    """What a file defines; the numbers are the protocol's."""

    FUNCTION = 12
    VARIABLE = 13


class RpcMessage(msgspec.Struct):
    """A message of the client: one with an `id` is to be answered."""

    method: str = ""
    id: int | str | None = None
    params: Any = None


class TextDocument(Value):
    """A document that the client has opened."""

    uri: str
    text: str = ""


class TextChange(Value):
    """The whole new text: the server asks for no less."""

    text: str


class DocumentParams(Value):
    """The parameters of what concerns a document, or a place in it."""

    text_document: TextDocument
    position: TextPosition = TextPosition(line=0, character=0)
    content_changes: tuple[TextChange, ...] = ()


def read_message(stream: BinaryIO) -> bytes | None:
    """The next message; None at the end of the stream.

    Raises:
        UserError: what comes is no such message.
    """
    length: int | None = None
    while (line := stream.readline(_LONGEST_HEADER)).strip():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value) if value.strip().isdigit() else None
    if not line:
        return None
    if length is None or length > _LONGEST:
        raise UserError(
            "a message without a `Content-Length`",
            hint="an editor starts this command and speaks the Language Server Protocol with it",
        )
    body = stream.read(length)
    return body if len(body) == length else None


def write_message(stream: BinaryIO, message: Mapping[str, object]) -> None:
    """Write one message."""
    body = msgspec.json.encode({"jsonrpc": "2.0", **message})
    stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream.flush()
