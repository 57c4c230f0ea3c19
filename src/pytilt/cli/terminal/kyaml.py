"""KYAML, the form of YAML that `-o kyaml` prints: braces, brackets, and every text in quotes."""

import json
import re
from collections.abc import Iterator

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Keys that a reader of YAML takes for something else than text."""


def kyaml(thing: object) -> str:
    """A document, with its mark and its newline."""
    return f"---\n{''.join(_pieces(thing, 0))}\n"


def _pieces(thing: object, depth: int) -> Iterator[str]:
    blank = "  " * depth
    if isinstance(thing, dict) and thing:
        yield "{\n"
        for key, value in thing.items():
            yield f"{blank}  {_key(str(key))}: "
            yield from _pieces(value, depth + 1)
            yield ",\n"
        yield f"{blank}}}"
    elif isinstance(thing, list) and thing and all(isinstance(each, dict) and each for each in thing):
        yield "["
        for number, each in enumerate(thing):
            yield ", " if number else ""
            yield from _pieces(each, depth)
        yield "]"
    elif isinstance(thing, list) and thing:
        yield "[\n"
        for each in thing:
            yield f"{blank}  "
            yield from _pieces(each, depth + 1)
            yield ",\n"
        yield f"{blank}]"
    else:
        yield json.dumps(thing, ensure_ascii=False)


def _key(name: str) -> str:
    plain = _PLAIN_KEY.fullmatch(name) and name.lower() not in _WORDS
    return name if plain else json.dumps(name, ensure_ascii=False)
