"""The methods of strings and bytes."""

from collections.abc import Iterator, Sequence

from pytilt.dialect.arguments import want_bool, want_int, want_iterable, want_string
from pytilt.dialect.containers import StarlarkList
from pytilt.dialect.errors import DialectError
from pytilt.dialect.formatting import format_fields, to_repr
from pytilt.dialect.indexing import decode, encode, readable, slice_bound
from pytilt.dialect.methods import Methods
from pytilt.dialect.values import HostValue, type_name


class TextParts(HostValue):
    """What `codepoints()` and its like give: the parts of a string or of bytes, to go through.

    Args:
        whole: what it was called on.
        method: the name of the method.
        parts: the parts.
    """

    def __init__(self, whole: str | bytes, method: str, parts: Sequence[object]) -> None:
        self.type_name = f"{type_name(whole)}.{'codepoints' if method.startswith('codepoint') else 'elems'}"
        self._whole = whole
        self._method = method
        self._parts = parts

    def __iter__(self) -> Iterator[object]:
        return iter(self._parts)

    def __str__(self) -> str:
        return f"{to_repr(self._whole)}.{self._method}()"


class TextElements(TextParts):
    """What `elems()` of a string gives: its parts have numbers, too."""

    def __len__(self) -> int:
        return len(self._parts)

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, index: int) -> object:
        return self._parts[index]


def _elems(text: str, /) -> TextElements:
    return TextElements(text, "elems", [decode(bytes([byte])) for byte in encode(text)])


def _elem_ords(text: str, /) -> TextElements:
    return TextElements(text, "elem_ords", [*encode(text)])


def _codepoints(text: str, /) -> TextParts:
    return TextParts(text, "codepoints", [*readable(text)])


def _codepoint_ords(text: str, /) -> TextParts:
    return TextParts(text, "codepoint_ords", [ord(char) for char in readable(text)])


def _bytes_elems(data: bytes, /) -> TextParts:
    return TextParts(data, "elems", [*data])


def _window(method: str, text: str, start: object, end: object) -> tuple[str, int]:
    """The part of a text between two bounds, and where it starts, in bytes."""
    try:
        bounds = slice(slice_bound(start, "start"), slice_bound(end, "end"))
    except DialectError as error:
        raise DialectError(f"{method}: {error.message}") from error
    encoded = encode(text)
    first, last, _ = bounds.indices(len(encoded))
    return decode(encoded[first:last]), first


def _count(text: str, part: object, start: object = None, end: object = None, /) -> int:
    return _window("count", text, start, end)[0].count(want_string("count", 1, part))


def _search(method: str, text: str, part: object, start: object, end: object, *, last: bool) -> int:
    """Where a part is, -1 when it is nowhere."""
    wanted = want_string(method, 1, part)
    window, first = _window(method, text, start, end)
    encoded = encode(window)
    found = encoded.rfind(encode(wanted)) if last else encoded.find(encode(wanted))
    return found if found < 0 else found + first


def _find(text: str, part: object, start: object = None, end: object = None, /) -> int:
    return _search("find", text, part, start, end, last=False)


def _rfind(text: str, part: object, start: object = None, end: object = None, /) -> int:
    return _search("rfind", text, part, start, end, last=True)


def _index(text: str, part: object, start: object = None, end: object = None, /) -> int:
    found = _search("index", text, part, start, end, last=False)
    if found < 0:
        raise DialectError("index: substring not found")
    return found


def _rindex(text: str, part: object, start: object = None, end: object = None, /) -> int:
    found = _search("rindex", text, part, start, end, last=True)
    if found < 0:
        raise DialectError("rindex: substring not found")
    return found


def _affixes(method: str, affix: object) -> tuple[str, ...]:
    if isinstance(affix, str):
        return (affix,)
    if not isinstance(affix, tuple):
        raise DialectError(f"{method}: got {type_name(affix)}, want string or tuple of string")
    for i, part in enumerate(affix):
        if not isinstance(part, str):
            raise DialectError(f"{method}: want string, got {type_name(part)}, for element {i}")
    return affix


def _startswith(text: str, prefix: object, start: object = None, end: object = None, /) -> bool:
    return _window("startswith", text, start, end)[0].startswith(_affixes("startswith", prefix))


def _endswith(text: str, suffix: object, start: object = None, end: object = None, /) -> bool:
    return _window("endswith", text, start, end)[0].endswith(_affixes("endswith", suffix))


def _format(text: str, /, *arguments: object, **named: object) -> str:
    return format_fields(text, arguments, named)


def _join(text: str, parts: object, /) -> str:
    strings: list[str] = []
    for part in want_iterable("join", 1, parts):
        if not isinstance(part, str):
            raise DialectError(f"join: in list, want string, got {type_name(part)}")
        strings.append(part)
    return text.join(strings)


def _separator(method: str, separator: object) -> str:
    wanted = want_string(method, 1, separator)
    if not wanted:
        raise DialectError(f"{method}: empty separator")
    return wanted


def _partition(text: str, separator: object, /) -> tuple[str, str, str]:
    return text.partition(_separator("partition", separator))


def _rpartition(text: str, separator: object, /) -> tuple[str, str, str]:
    return text.rpartition(_separator("rpartition", separator))


def _removeprefix(text: str, prefix: object, /) -> str:
    return text.removeprefix(want_string("removeprefix", 1, prefix))


def _removesuffix(text: str, suffix: object, /) -> str:
    return text.removesuffix(want_string("removesuffix", 1, suffix))


def _replace(text: str, old: object, new: object, count: object = -1, /) -> str:
    return text.replace(want_string("replace", 1, old), want_string("replace", 2, new), want_int("replace", 3, count))


def _split_arguments(method: str, separator: object, most: object) -> tuple[str | None, int]:
    """The separator, None for white space, and how often to split, -1 for everywhere."""
    limit = max(want_int(method, 2, most), -1)
    if separator is None:
        return None, limit
    if not isinstance(separator, str):
        raise DialectError(f"split: got {type_name(separator)} for separator, want string")
    if not separator:
        raise DialectError("split: empty separator")
    return separator, limit


def _split(text: str, separator: object = None, most: object = -1, /) -> StarlarkList:
    by, limit = _split_arguments("split", separator, most)
    return StarlarkList(text.split(by, limit))


def _rsplit(text: str, separator: object = None, most: object = -1, /) -> StarlarkList:
    by, limit = _split_arguments("rsplit", separator, most)
    return StarlarkList(text.rsplit(by, limit))


def _splitlines(text: str, keepends: object = False, /) -> StarlarkList:
    keep = want_bool("splitlines", 1, keepends)
    lines = text.split("\n")
    last = lines.pop()
    ended = [line + "\n" for line in lines] if keep else lines
    return StarlarkList([*ended, last] if last else ended)


def _strip(text: str, characters: object = "", /) -> str:
    return text.strip(want_string("strip", 1, characters) or None)


def _lstrip(text: str, characters: object = "", /) -> str:
    return text.lstrip(want_string("lstrip", 1, characters) or None)


def _rstrip(text: str, characters: object = "", /) -> str:
    return text.rstrip(want_string("rstrip", 1, characters) or None)


def _capitalize(text: str, /) -> str:
    return text[:1].title() + text[1:].lower()


def _lower(text: str, /) -> str:
    return text.lower()


def _upper(text: str, /) -> str:
    return text.upper()


def _title(text: str, /) -> str:
    return text.title()


def _isalnum(text: str, /) -> bool:
    return bool(text) and all(char.isalpha() or char.isdecimal() for char in text)


def _isalpha(text: str, /) -> bool:
    return text.isalpha()


def _isdigit(text: str, /) -> bool:
    return text.isdecimal()


def _islower(text: str, /) -> bool:
    return text.islower()


def _isspace(text: str, /) -> bool:
    return text.isspace()


def _istitle(text: str, /) -> bool:
    """Capitals outside of ASCII do not count, as in Go."""
    return text.istitle() and not any(char.isupper() and not char.isascii() for char in text)


def _isupper(text: str, /) -> bool:
    return text.isupper()


STRING_METHODS: Methods = {
    "capitalize": _capitalize, "codepoint_ords": _codepoint_ords, "codepoints": _codepoints, "count": _count,
    "elem_ords": _elem_ords, "elems": _elems, "endswith": _endswith, "find": _find, "format": _format, "index": _index,
    "isalnum": _isalnum, "isalpha": _isalpha, "isdigit": _isdigit, "islower": _islower, "isspace": _isspace,
    "istitle": _istitle, "isupper": _isupper, "join": _join, "lower": _lower, "lstrip": _lstrip,
    "partition": _partition, "removeprefix": _removeprefix, "removesuffix": _removesuffix, "replace": _replace,
    "rfind": _rfind, "rindex": _rindex, "rpartition": _rpartition, "rsplit": _rsplit, "rstrip": _rstrip,
    "split": _split, "splitlines": _splitlines, "startswith": _startswith, "strip": _strip, "title": _title,
    "upper": _upper,
}  # fmt: skip
BYTES_METHODS: Methods = {"elems": _bytes_elems}
