"""Objects written as Kubernetes' own tools write them: keys sorted, blocks, quotes only where they are needed.

Much quicker than a general writer of YAML, which `yaml.dump` uses where the order of the keys counts.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from pytilt.model.regex import regex
from pytilt.model.resources import KubeObject

_PLAIN = regex(r"[^\W\d][\w./@=+,;()$~^\\-]*(?:[ :][\w./@=+,;()$~^\\-]+)*|/[\w./@=+,;()$~^\\-]*")
"""What needs no quotes, but for the words below; it leaves out a little that could."""

_WORDS = frozenset("true false yes no on off y n null nan".split())  # noqa: SIM905 - read at a glance
"""Words that readers take for something else than text."""


def block_yaml(wanted: Iterable[KubeObject]) -> str:
    """Write objects as one YAML text, an empty line and `---` between them."""
    return "\n---\n".join(map(_document, wanted))


def _document(o: KubeObject) -> str:
    lines: list[str] = []
    _mapping(o, "", lines)
    return "\n".join(lines) + "\n"


def _mapping(value: Mapping[str, object], indent: str, lines: list[str], first: str | None = None) -> None:
    """Add the lines of a mapping; `first` is what comes before its first key, in place of the indentation."""
    before = indent if first is None else first
    for key in sorted(value):
        held = value[key]
        start = f"{before}{_scalar(key) if isinstance(key, str) else json.dumps(key)}:"
        before = indent
        if isinstance(held, str):
            lines.append(f"{start} {_text(held, indent + '  ') if chr(10) in held else _scalar(held)}")
        elif isinstance(held, dict) and held:
            lines.append(start)
            _mapping(held, indent + "  ", lines)
        elif isinstance(held, list) and held:
            lines.append(start)
            _items(held, indent, lines)
        else:
            lines.append(f"{start} {_leaf(held, indent + '  ')}")


def _items(value: list[object], indent: str, lines: list[str], first: str | None = None) -> None:
    before = indent if first is None else first
    for held in value:
        start = f"{before}- "
        before = indent
        if isinstance(held, dict) and held:
            _mapping(held, indent + "  ", lines, start)
        elif isinstance(held, list) and held:
            _items(held, indent + "  ", lines, start)
        else:
            lines.append(start + _leaf(held, indent + "  "))


def _text(value: str, indent: str) -> str:
    return _literal(value, indent) or _scalar(value)


def _leaf(value: object, indent: str) -> str:
    if isinstance(value, str):
        return _text(value, indent) if "\n" in value else _scalar(value)
    if isinstance(value, int):
        return repr(value) if type(value) is int else "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return json.dumps(value)


def _literal(text: str, indent: str) -> str:
    """Several lines as a block; empty where that would not give back the same text."""
    kept = text.rstrip("\n")
    if not kept or kept[0] in " \t\n" or not all(c.isprintable() or c in "\n\t" for c in kept):
        return ""
    chomp = {0: "-", 1: ""}.get(len(text) - len(kept), "+")
    body = "\n".join(f"{indent}{line}" if line else "" for line in text.removesuffix("\n").split("\n"))
    return f"|{chomp}\n{body}"


@lru_cache(maxsize=4096)
def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable() and not re.fullmatch(r"[-+.]?[0-9][0-9_.,:eExXoO+-]*", text) and text.lower() not in _WORDS:
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else json.dumps(text)
