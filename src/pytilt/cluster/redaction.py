"""Taking secrets out of texts: each value in the forms in which programs print it.

A value is found as it is, in JSON, in URLs and in base64, and each line of a value of several lines by itself. The cost
of a search does not grow with the number of secrets: a text is cut into blocks, and whatever of at least `2 * size - 1`
characters is in it holds at least one of them whole.
"""

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from struct import Struct
from urllib.parse import quote, quote_plus

from pytilt.model.regex import regex

SHORTEST = 5
"""Shorter values would take too much out of texts; from Tilt."""

SHORTEST_LINE = 8
"""Shorter lines of a longer value say little, and are found in other texts too often."""

SHORTEST_PART = 8
"""So much base64 of a part of something longer belongs to no other text."""

WRAPPED = (76, 64)
"""Where `base64` and `openssl base64` begin another line."""

_STRUCTURE = regex(r"-----(BEGIN|END) [^-]*-----|[\w. -]+[:=]|\[+[\w. -]*\]+|\W*")
"""Lines that say nothing: the armour of PEM, a key alone, the title of a section, brackets."""

_SIZES = (6, 3)
"""Bytes of a block: large ones are fewer, small ones find short secrets."""

_AT_ONCE = 256
"""Blocks that are cut at once."""

_HTML_SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""What Go escapes in JSON too."""

Span = tuple[int, int, str]
"""Where a secret begins and ends, and what is shown instead."""


class Redactor:
    """Knows secrets, and finds them in texts. A secret is never unlearned."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._indexes: dict[int, defaultdict[bytes, list[str]]] = {}

    def __bool__(self) -> bool:
        """Is there anything to find?"""
        return bool(self._shown)

    @property
    def count(self) -> int:
        """How many secrets it knows."""
        return len(self._values)

    def learn(self, secrets: Iterable[tuple[str, str]]) -> bool:
        """Find these values from now on; returns whether there are new ones among them.

        Args:
            secrets: pairs of a value and what is shown in its place.
        """
        new = [(value, shown) for value, shown in secrets if value not in self._values]
        for value, shown in new:
            self._values[value] = shown
            for form in forms(value):
                if form not in self._shown:
                    self._index(form)
                    self._shown[form] = shown
        return bool(new)

    def __call__(self, text: str) -> str:
        """The text, with the replacement of each secret."""
        return self.replaced(text, lambda _, shown: shown) if self._shown else text

    def replaced(self, text: str, shown: Callable[[str, str], str]) -> str:
        """The text with other words for each secret.

        Args:
            text: any text.
            shown: makes the words of what was found and of what usually replaces it.
        """
        found = self.found(text)
        if not found:
            return text
        parts, end = [], 0
        for begin, after, word in self._places(text, found):
            parts += [text[end:begin], shown(text[begin:after], word)]
            end = after
        return "".join((*parts, text[end:]))

    def found(self, text: str) -> list[str]:
        """The forms of secrets that are in a text."""
        encoded = _encoded(text)
        candidates: set[str] = set()
        for size, index in tuple(self._indexes.items()):  # a thread may search while another learns
            blocks = _blocks(encoded, size)
            if not index.keys().isdisjoint(blocks):
                candidates.update(form for block in blocks if block in index for form in index[block])
        return [form for form in candidates if form in text] if candidates else []

    def _index(self, form: str) -> None:
        """Note the blocks of which one is whole wherever the form occurs: those of its first characters."""
        encoded = _encoded(form)
        size = next(size for size in _SIZES if len(encoded) >= 2 * size - 1)
        index = self._indexes.setdefault(size, defaultdict(list))
        for offset in range(size):
            index[encoded[offset : offset + size]].append(form)

    def _places(self, text: str, found: Iterable[str]) -> list[Span]:
        """Where they occur, in order; overlapping ones are one place."""
        places: list[Span] = []
        for form in found:
            begin = text.find(form)
            while begin >= 0:
                places.append((begin, begin + len(form), self._shown[form]))
                begin = text.find(form, begin + 1)
        merged: list[Span] = []
        for begin, end, word in sorted(places, key=lambda place: (place[0], -place[1])):
            if merged and begin < merged[-1][1]:
                first, last, before = merged[-1]
                merged[-1] = (first, max(last, end), before)
            else:
                merged.append((begin, end, word))
        return merged


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _blocks(encoded: bytes, size: int) -> Sequence[bytes]:
    """Bytes cut into blocks of one size; what is left at the end is none."""
    whole, rest = divmod(len(encoded) // size, _AT_ONCE)
    if not whole:
        return _cut(size, rest).unpack_from(encoded)
    end = whole * _AT_ONCE * size
    many = chain.from_iterable(_cut(size, _AT_ONCE).iter_unpack(memoryview(encoded)[:end]))
    return [*many, *_cut(size, rest).unpack_from(encoded, end)]


@cache
def _cut(size: int, count: int) -> Struct:
    return Struct(f"{size}s" * count)


def forms(value: str) -> set[str]:
    """Every form in which a secret is found; none for one that is too short."""
    raw = value.encode(errors="surrogateescape")
    if len(raw) < SHORTEST:
        return set()
    found = {form for text in (value, value.strip()) for form in _written(text)}
    found |= set(_in_base64(raw)) | set(_in_base64(value.strip().encode(errors="surrogateescape")))
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        found |= {form for line in lines if _says_something(line) for form in _written(line)}
        if "-----BEGIN " in value:
            body = "".join(line for line in lines if not line.startswith("-----") and ":" not in line)
            found |= {body[at : at + width] for width in WRAPPED for at in range(0, len(body), width)}
    return {form for form in found if len(form) >= SHORTEST}


def _says_something(line: str) -> bool:
    return len(line) >= SHORTEST_LINE and _STRUCTURE.fullmatch(line) is None


def _written(text: str) -> Iterator[str]:
    """A text as it is, in JSON once and twice, and in URLs."""
    yield text
    for once in _in_json(text):
        yield once
        yield from _in_json(once)
    yield quote(text, safe="", errors="surrogateescape")
    yield quote_plus(text, errors="surrogateescape")


def _in_json(text: str) -> Iterator[str]:
    for readable in (json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]):
        yield readable
        yield "".join(_HTML_SAFE.get(letter, letter) for letter in readable)


def _in_base64(raw: bytes) -> Iterator[str]:
    """In base64 by itself, in lines, and within something longer, as in `user:password`."""
    if len(raw) < SHORTEST:
        return
    whole = b64encode(raw).decode()
    texts = {whole, whole.rstrip("=")}
    texts |= {whole[at : at + width] for width in WRAPPED if len(whole) > width for at in range(0, len(whole), width)}
    for before in range(3):
        # The text before and after the value decides the characters at its borders.
        inner = b64encode(bytes(before) + raw).decode().rstrip("=")
        whole_groups = len(inner) if (before + len(raw)) % 3 == 0 else len(inner) - 1
        texts.add(inner[-(-before * 8 // 6) : whole_groups])
    for text in texts:
        if text in (whole, whole.rstrip("=")) or len(text) >= SHORTEST_PART:
            yield text
            yield text.replace("+", "-").replace("/", "_")
