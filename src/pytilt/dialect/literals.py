"""What the literals of the language mean: numbers, and the escapes of strings."""

import re

_ESCAPE = re.compile(r"\\(?:[0-7]{1,3}|x.{0,2}|u.{0,4}|U.{0,8}|.)", re.DOTALL)
_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"',
    "\n": "",
}  # fmt: skip
_OBSOLETE_OCTAL = re.compile(r"0+[0-7]*[1-7][0-7]*")
_MAX_CODE_POINT = 0x10FFFF
_MOST_DIGITS = 4000
_MAX_ASCII = 0x7F
_MAX_BYTE = 0xFF


class LiteralError(ValueError):
    """The literal has no meaning.

    Args:
        message: what is wrong with it.
        offset: where to report it, in characters from its start.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


def parse_number(text: str) -> int | float:
    """The number that a literal stands for.

    Raises:
        LiteralError: digits are missing, or it is octal without `0o`.
    """
    prefix = text[:2].lower()
    if prefix in {"0x", "0o", "0b"}:
        if len(text) == len(prefix):
            kind = {"0x": "hex", "0o": "octal", "0b": "binary"}[prefix]
            raise LiteralError(f"invalid {kind} literal", 0 if kind == "hex" else len(prefix))
        return int(text, 0)
    if any(mark in text for mark in ".eE"):
        if text[-1] in "+-eE":
            raise LiteralError("invalid float literal", len(text))
        return float(text)
    if _OBSOLETE_OCTAL.fullmatch(text):
        raise LiteralError(f"obsolete form of octal literal; use 0o{text[1:]}", len(text))
    if text.startswith("0") and text.strip("0"):
        raise LiteralError("invalid int literal", 0)
    if len(text) > _MOST_DIGITS:
        raise LiteralError(f"int literal with more than {_MOST_DIGITS} digits", 0)
    return int(text)


def unquote(content: str, *, raw: bool, is_bytes: bool) -> str | bytes:
    """The value of the text between the quotes.

    Args:
        content: the text without quotes and prefix.
        raw: backslashes stand for themselves.
        is_bytes: the literal has the prefix `b`.

    Raises:
        LiteralError: an escape is unknown, cut off, or out of range.
    """
    if not is_bytes:
        return content if raw or "\\" not in content else _ESCAPE.sub(lambda match: _escape(match.group()), content)
    parts: list[bytes] = []
    end = 0
    for match in () if raw else _ESCAPE.finditer(content):
        parts += (_encoded(content[end : match.start()]), _byte_escape(match.group()))
        end = match.end()
    return b"".join((*parts, _encoded(content[end:])))


def _encoded(content: str) -> bytes:
    """The bytes of the file: one that is no UTF-8 stands for itself."""
    return content.encode(errors="surrogateescape")


def _escape(escape: str) -> str:
    if (simple := _SIMPLE.get(escape[1])) is not None:
        return simple
    code = _code(escape)
    if escape[1] in "x01234567" and code > _MAX_ASCII:
        kind = "hex" if escape[1] == "x" else "octal"
        shown = escape if kind == "hex" else f"\\{code:o}"
        raise LiteralError(
            f"non-ASCII {kind} escape {shown} (use \\u{code:04X} for the UTF-8 encoding of U+{code:04X})"
        )
    return chr(code)


def _byte_escape(escape: str) -> bytes:
    if (simple := _SIMPLE.get(escape[1])) is not None:
        return simple.encode()
    code = _code(escape)
    if escape[1] in "uU":
        return chr(code).encode()
    if code > _MAX_BYTE:
        raise LiteralError(f"invalid escape sequence \\{code:03o}")
    return bytes([code])


def _code(escape: str) -> int:
    mark, digits = escape[1], escape[2:]
    if mark in "01234567":
        return int(escape[1:], 8)
    length = {"x": 2, "u": 4, "U": 8}.get(mark)
    if length is None:
        raise LiteralError(f"invalid escape sequence {escape}")
    if len(digits) < length:
        raise LiteralError(f"truncated escape sequence {escape}")
    if re.fullmatch(r"[0-9a-fA-F]+", digits) is None:
        raise LiteralError(f"invalid escape sequence {escape}")
    code = int(digits, 16)
    if code > _MAX_CODE_POINT:
        raise LiteralError(f"code point out of range: {escape} (max \\U0010ffff)")
    if 0xD800 <= code < 0xE000:
        raise LiteralError(f"invalid Unicode code point U+{code:04X}")
    return code
