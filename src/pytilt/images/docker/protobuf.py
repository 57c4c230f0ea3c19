"""Reading and writing protocol buffers, as much of them as BuildKit's messages use.

The wire format: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_WIDTH = {_FIXED64: 8, _FIXED32: 4}


def fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The fields of a message in order: number, value of a number, value of anything else.

    Raises:
        ValueError: the bytes are no message.
    """
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
            yield number, value, b""
            continue
        if kind == _LENGTH:
            width, position = _varint(data, position)
        elif kind in _WIDTH:
            width = _WIDTH[kind]
        else:
            raise ValueError(f"unknown wire type {kind}")
        if position + width > len(data):
            raise ValueError("the message is cut off")
        yield number, 0, data[position : position + width]
        position += width


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data):
            raise ValueError("the message is cut off")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def number_field(number: int, value: int) -> bytes:
    """A field that is a number, at least 0; that is the default, which is left out."""
    return _written(number << 3 | _VARINT) + _written(value) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """A field that is a text, bytes or a message; empty ones are left out."""
    return _written(number << 3 | _LENGTH) + _written(len(value)) + value if value else b""


def _written(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*digits, value))
