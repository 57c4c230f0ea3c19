r"""Texts with JSON paths in braces, as `-o jsonpath=…` takes them: `{range .items[*]}{.metadata.name}{"\n"}{end}`."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytilt.cluster import json_path
from pytilt.errors import UserError

_PART = re.compile(r"""\{((?:[^{}"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')*)\}|([^{]+)|(\{)""")
_SEVERAL = re.compile(r"[*?:]|\.\.")
"""Is in paths that lead to any number of values, none too."""

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Text(NamedTuple):
    """Words that are printed as they are."""

    text: str


class Path(NamedTuple):
    """A path whose values are printed, with spaces between them."""

    path: str


class Range(NamedTuple):
    """A part that is printed for every value of a path."""

    path: str
    body: tuple["Node", ...]


Node = Text | Path | Range


def parse(template: str) -> tuple[Node, ...]:
    """Read a template.

    Raises:
        UserError: it cannot be read.
    """
    found, rest = _nodes(list(_PART.finditer(template)), template, inside=False)
    assert not rest
    return found


def evaluate(nodes: Sequence[Node], root: object, *, allow_missing: bool = True) -> str:
    """The text for an object.

    Args:
        nodes: the template.
        root: the object.
        allow_missing: print nothing for a path that leads nowhere.

    Raises:
        UserError: a path cannot be read, or leads nowhere.
    """
    return "".join(_pieces(nodes, root, root, allow_missing=allow_missing))


def shown(value: object) -> str:
    """A value as kubectl prints it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def values(path: str, root: object) -> list[object]:
    """Every value that a path leads to.

    Raises:
        UserError: it cannot be read.
    """
    if path.strip("{} ") in ("", ".", "@", "$"):
        return [root]
    return [place.value for place in json_path.find(path, root)]


def _nodes(parts: list[re.Match[str]], template: str, *, inside: bool) -> tuple[tuple[Node, ...], list[re.Match[str]]]:
    """The nodes up to the end of a range or of the template, and what follows."""
    found: list[Node] = []
    while parts:
        part, *parts = parts
        if part[3]:
            raise UserError(f"unclosed action in the JSON path template `{template}`", hint="every `{` needs its `}`")
        if part[1] is None:
            found.append(Text(text=part[2]))
            continue
        word = part[1].strip()
        if word == "end":
            if not inside:
                raise UserError(f"not in range, nothing to end in the JSON path template `{template}`")
            return tuple(found), parts
        if word == "range" or word.startswith("range "):
            body, parts = _nodes(parts, template, inside=True)
            found.append(Range(path=word.removeprefix("range").strip(), body=body))
        elif word[:1] in ("'", '"'):
            found.append(Text(text=_unquoted(word[1:-1])))
        else:
            found.append(Path(path=word))
    if inside:
        raise UserError(f"unmatched range in the JSON path template `{template}`", hint="end it with `{end}`")
    return tuple(found), []


def _pieces(nodes: Sequence[Node], present: object, root: object, *, allow_missing: bool) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Text):
            yield node.text
            continue
        found = values(node.path, root if node.path.startswith("$") else present)
        if not found and not allow_missing and not _SEVERAL.search(node.path):
            raise UserError(f"error executing jsonpath: {node.path} is not found")
        if isinstance(node, Path):
            yield " ".join(map(shown, found))
        else:
            for value in found:
                yield from _pieces(node.body, value, root, allow_missing=allow_missing)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)
