"""The plain part of YAML, read line by line: what most files of Kubernetes objects are written in.

Block mappings and lists, keys of one word, values on one line (words, quoted texts, flow collections), literal blocks
and comments. Each line becomes a piece of JSON, which the C library reads. Whatever is beyond that, or wrong, is left
to the general reader of `documents`, which knows all of YAML and has the messages. What is read here means the same.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from pytilt.cluster import scalars
from pytilt.model.regex import regex

_OTHER = regex(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML treats in a way of its own: tabs, other line breaks, what is not printable."""
_DEEPEST = 100
_LONGEST_LINE = 1000
"""A key must end within so many characters; a longer line is left to who counts them."""
_BLANK = regex(r" *(?:#.*)?")

_DOUBLE = r'"(?:[^"\\]|\\[nt"\\])*"'
_SINGLE = r"'(?:[^']|'')*'"
_KEY = rf"[\w./$](?:[\w./$-]*[\w./$])?|{_DOUBLE}|{_SINGLE}"
_PLAIN = r"(?:[\w./$+~(]|-{1,2}(?=[\w./$]))(?:[^:# ]|:(?=[^ ])|[ ]+(?=[^# ])|(?<=[^ ])\#)*"
_LINE = regex(
    rf"""
    [ ]*((?:-(?:[ ]+|$))*)              # places in lists
    (?:({_KEY}):(?:[ ]+|$))?
    (\|[-+]?|[\[{{].*|{_DOUBLE}|{_SINGLE}|{_PLAIN})?
    (?:[ ]*|(?:(?<=[ ])|[ ]+)\#.*)$
    """,
    re.VERBOSE,
)
_WORD = r"[A-Za-z0-9_./$+~()=@%*<>;|&!^-]"
_FLOW_PLAIN = rf"(?:[A-Za-z0-9_./$+~(]|-{{1,2}}(?=[A-Za-z0-9_./$])){_WORD}*(?: {_WORD}+|:[A-Za-z0-9_/.-]{_WORD}*)*"
_SCALARS = regex(rf"({_FLOW_PLAIN}|{_DOUBLE}|{_SINGLE})")
_PLACEHOLDER = regex(r'"(s[0-9]+)"(:?)')
_BETWEEN = regex(r"(?::(?= ))? *(?:[\[\]{},] *)*")
"""What is between two scalars of a flow collection."""


class Plain(NamedTuple):
    """One document."""

    value: Any
    line: int
    """Lines before it."""
    column: int
    """Characters before it."""


class _NotPlainError(Exception):
    """There is something in the text that only the general reader understands."""


class _YamlLine(NamedTuple):
    column: int
    """Where its first dash or key is."""
    items: tuple[int, ...]
    """The columns of its dashes."""
    key: str
    """As JSON; empty where it has none."""
    key_column: int
    value: str
    """As JSON, or the head of a literal block; empty where it has none."""


def plain_documents(text: str) -> tuple[Plain, ...] | None:
    """The one document of a text, none where it holds nothing; None where the text is not plain.

    Args:
        text: without separators of documents.
    """
    if _OTHER.search(text):
        return None
    try:
        shaped = None if "|" in text or "#" in text else _in_known_shape(text)
        return _PlainYamlReader(text).read() if shaped is None else (shaped,)
    except (_NotPlainError, msgspec.DecodeError):
        return None


class _Shape(NamedTuple):
    """A document without its scalars."""

    between: tuple[str, ...]
    """The JSON between them."""
    readers: tuple[Callable[[str], str], ...]
    """What makes JSON of each."""
    line: int
    column: int


_NO_SHAPE = _Shape((), (), 0, 0)
_shapes: dict[tuple[str, ...], _Shape | None] = {}
"""Of the documents that were read, by the text between their scalars; None for what was met once."""
_MOST_SHAPES = 1000


def _in_known_shape(text: str) -> Plain | None:
    """A document that is like another one before but for its scalars, which is quick; None for any other."""
    parts = _SCALARS.split(text)
    between = tuple(parts[::2])
    if between not in _shapes:
        if len(_shapes) >= _MOST_SHAPES:
            _shapes.clear()
        _shapes[between] = None
        return None
    shape = _shapes[between] = _shapes[between] or _shape_of(between)
    if shape is _NO_SHAPE or max(map(len, parts)) > _LONGEST_LINE:
        return None
    parts[::2] = shape.between
    parts[1::2] = [read(scalar) for read, scalar in zip(shape.readers, parts[1::2], strict=True)]
    return Plain(msgspec.json.decode("".join(parts)), shape.line, shape.column)


def _shape_of(between: tuple[str, ...]) -> _Shape:
    """The shape of documents with these texts between their scalars, found with words in the place of those."""
    words = [f"s{number}" for number in range(len(between) - 1)]
    reader = _PlainYamlReader("".join(part for pair in zip(between, [*words, ""], strict=True) for part in pair))
    try:
        found = reader.read()
    except (_NotPlainError, msgspec.DecodeError):
        return _NO_SHAPE
    pieces = _PLACEHOLDER.split(reader.json)
    if pieces[1::3] != words or not found:
        return _NO_SHAPE  # some are in one text, or in a comment
    readers = tuple(_key if colon else _scalar for colon in pieces[2::3])
    return _Shape(tuple(pieces[::3]), readers, found[0].line, found[0].column)


class _PlainYamlReader:
    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._at = 0
        self.json = ""
        """The document as JSON, once it is read."""
        self._json: list[str] = []
        self._columns: list[int] = []
        """Of the mappings and lists that are open."""
        self._closers: list[str] = []
        self._fresh = True
        """Has what was opened last no entry yet?"""
        self._waits = False
        """Was there a key, or a dash, whose value must follow?"""

    def read(self) -> tuple[Plain, ...]:
        first = -1
        lines = self._lines
        while self._at < len(lines):
            text = lines[self._at]
            self._at += 1
            if _BLANK.fullmatch(text):
                continue
            line = _parsed(text)
            if first < 0:
                first = self._at - 1
                self._open(line.column, bool(line.items))
                column = line.column
            else:
                self._place(line.column, bool(line.items))
            self._add(line)
        if first < 0:
            return ()
        if self._waits:
            self._json.append("null")
        self._json += reversed(self._closers)
        self.json = "".join(self._json)
        return (Plain(msgspec.json.decode(self.json), first, column),)

    def _place(self, column: int, is_item: bool) -> None:
        """Open or close what must be open for a line that begins at a column."""
        columns, closers = self._columns, self._closers
        if self._waits:
            self._waits = False
            if column > columns[-1] or (is_item and column == columns[-1] and closers[-1] == "}"):
                self._open(column, is_item)
                return
            self._json.append("null")
        wanted = "]" if is_item else "}"
        while column < columns[-1] or (column == columns[-1] and closers[-1] != wanted):
            columns.pop()
            self._json.append(closers.pop())
            if not columns:
                raise _NotPlainError
        if column != columns[-1]:
            raise _NotPlainError
        self._fresh = False

    def _open(self, column: int, is_list: bool) -> None:
        if len(self._columns) >= _DEEPEST:
            raise _NotPlainError
        self._columns.append(column)
        self._json.append("[" if is_list else "{")
        self._closers.append("]" if is_list else "}")
        self._fresh = True

    def _add(self, line: _YamlLine) -> None:
        """Take the entries of a line: those of lists, and what comes last."""
        json = self._json
        for place, column in enumerate(line.items):
            if place:
                self._open(column, is_list=True)
            if not self._fresh:
                json.append(",")
            self._fresh = False
        if line.key:
            if line.items:
                self._open(line.key_column, is_list=False)
            json.append(line.key if self._fresh else f",{line.key}")
            self._fresh = False
        if not line.value:
            self._waits = True
        elif line.value[0] == "|":
            json.append(self._literal(line.value[1:]))
        else:
            json.append(line.value)

    def _literal(self, chomp: str) -> str:
        """The text of the lines that follow and are indented more than the mapping or list around."""
        lines, start, around = self._lines, self._at, self._columns[-1]
        width = 0
        while self._at < len(lines):
            text = lines[self._at]
            indent = len(text) - len(text.lstrip(" "))
            if indent < len(text):
                if indent <= around:
                    break
                if not width:
                    width = indent
                    if any(len(blank) > width for blank in lines[start : self._at]):
                        raise _NotPlainError
                if indent < width:
                    raise _NotPlainError
            self._at += 1
        if not width or self._at == len(lines):
            raise _NotPlainError  # how it ends at the end of the text is not for here
        held = "\n".join([line[width:] for line in lines[start : self._at]]) + "\n"
        kept = held if chomp == "+" else held.rstrip("\n") + ("" if chomp else "\n")
        return _quoted(kept)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> _YamlLine:
    found = _LINE.match(text)
    if found is None or len(text) > _LONGEST_LINE:
        raise _NotPlainError
    dashes, key, value = found.groups()
    if not dashes and not key:
        raise _NotPlainError
    start = found.start(1)
    items = tuple(start + place for place, char in enumerate(dashes) if char == "-")
    column = found.start(2) if key else 0
    if value and value[0] != "|":
        value = _flow(value) if value[0] in "[{" else _scalar(value)
    return _YamlLine(
        column=items[0] if items else column,
        items=items,
        key=_key(key) if key else "",
        key_column=column,
        value=value or "",
    )


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    """The JSON of a key, with its colon."""
    if text[0] in "'\"":
        return f"{_scalar(text)}:"
    try:
        return f"{_quoted(scalars.key(scalars.PLAIN, text))}:"
    except ValueError:
        raise _NotPlainError from None


@lru_cache(maxsize=4096)
def _scalar(text: str) -> str:
    """The JSON of a scalar."""
    if text[0] == '"':
        return text
    if text[0] == "'":
        return _quoted(text[1:-1].replace("''", "'"))
    try:
        return msgspec.json.encode(scalars.value(scalars.PLAIN, text)).decode()
    except ValueError:
        raise _NotPlainError from None


def _flow(text: str) -> str:
    """The JSON of a flow collection. Where its grammar is not that of JSON, JSON's reader finds out."""
    parts = _SCALARS.split(text)
    between, readers = _shape(tuple(parts[::2]))
    parts[::2] = between
    parts[1::2] = [read(scalar) for read, scalar in zip(readers, parts[1::2], strict=True)]
    return "".join(parts)


@lru_cache(maxsize=1024)
def _shape(between: tuple[str, ...]) -> tuple[list[str], list[Callable[[str], str]]]:
    """What stands between the scalars of a flow collection, as JSON, and how each scalar is read."""
    depth = 0
    for place, text in enumerate(between):
        if not _BETWEEN.fullmatch(text) or (place > 0) is (depth <= 0):
            raise _NotPlainError
        depth += text.count("[") + text.count("{") - text.count("]") - text.count("}")
    if depth:
        raise _NotPlainError
    bare = [text.replace(" ", "").removeprefix(":") for text in between]
    return bare, [_key if text.startswith(":") else _scalar for text in between[1:]]


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
