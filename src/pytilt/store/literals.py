"""What a regular expression says of the lines that have it, read from its syntax tree: which words are in them.

Imported by the scanner: nothing may be imported here but the standard library, and not `typing`, which takes as long as
all the rest of what the scanner itself imports.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

PARSER = "_parser"
"""Where `re` has its parser. It is no documented interface: where it is another one, nothing is known of a pattern."""

NEWLINE = 10

Words = tuple[str, ...]
"""At least one of them is in each line that has the pattern."""


class RequiredWords:
    """What is known of the lines that have a pattern.

    Args:
        choices: each of these is true of every line; none: nothing is known.
        bare: is the pattern nothing but the one word, so that each line with the word has it?
        one_line: does it never match a newline, so that several lines can be searched at once?
    """

    def __init__(self, choices: tuple[Words, ...] = (), *, bare: bool = False, one_line: bool = False) -> None:
        self.choices = choices
        self.bare = bare
        self.one_line = one_line


def required(pattern: str, flags: int) -> RequiredWords:
    """What is known of the lines that have a pattern.

    Args:
        pattern: a regular expression that can be compiled.
        flags: those that it was compiled with; where capitals do not matter, the words are in small letters.
    """
    folded = bool(flags & re.IGNORECASE)
    try:
        parsed = getattr(re, PARSER).parse(pattern, flags)
        tree = _PatternTree(folded=folded, dot_matches_all=bool(flags & re.DOTALL))
        choices = tuple(tree.choices(parsed))
        one_line = tree.is_on_one_line(parsed)
        bare = one_line and len(choices) == 1 and [*map(_letter, parsed)] == [*choices[0][0]]
        return RequiredWords(choices, bare=bare, one_line=one_line)
    except (AttributeError, TypeError, ValueError, KeyError, RecursionError):
        return RequiredWords()


def _letter(node: tuple[Any, Any]) -> str:
    operation, value = node
    return chr(value).lower() if str(operation) == "LITERAL" else ""


class _PatternTree:
    """Reads the tree that the parser of `re` makes of a pattern: lists of an operation and what belongs to it."""

    def __init__(self, *, folded: bool, dot_matches_all: bool) -> None:
        self._folded = folded
        self._dot_matches_all = dot_matches_all

    def choices(self, nodes: Iterable[tuple[Any, Any]]) -> Iterator[Words]:
        """What is known of the lines that have all of these nodes, one after the other."""
        run = ""
        for operation, value in nodes:
            name = str(operation)
            if name == "LITERAL" and not (self._folded and value > 127):
                run += chr(value).lower() if self._folded else chr(value)
                continue
            repeated = self._repeated_letter(name, value)
            if repeated:
                run += repeated
            if run:
                yield (run,)
            run = repeated
            if not repeated:
                yield from self._within(name, value)
        if run:
            yield (run,)

    def _repeated_letter(self, name: str, value: Any) -> str:  # noqa: ANN401 - it differs with each operation
        """The letter that is there at least once; empty where it is something else that is repeated."""
        if not name.endswith("_REPEAT") or not value[0] or len(value[2]) != 1:
            return ""
        (operation, letter), *_ = value[2]
        if str(operation) != "LITERAL" or (self._folded and letter > 127):
            return ""
        return chr(letter).lower() if self._folded else chr(letter)

    def _within(self, name: str, value: Any) -> Iterator[Words]:  # noqa: ANN401 - it differs with each operation
        """What is known of the lines that have a node with others in it."""
        if name.endswith("_REPEAT") and value[0]:
            yield from self.choices(value[2])
        elif name == "ATOMIC_GROUP":
            yield from self.choices(value)
        elif name == "SUBPATTERN":
            _, added, removed, nodes = value
            if not (added | removed) & re.IGNORECASE:
                yield from self.choices(nodes)
        elif name == "BRANCH":
            best = [max(self.choices(nodes), key=_shortest, default=()) for nodes in value[1]]
            if all(best):
                yield tuple(word for words in best for word in words)

    def is_on_one_line(self, nodes: Iterable[tuple[Any, Any]]) -> bool:
        """Does none of these nodes match a newline, or know where the text begins and ends?"""
        return all(self._is_on_one_line(str(operation), value) for operation, value in nodes)

    def _is_on_one_line(self, name: str, value: Any) -> bool:  # noqa: ANN401 - it differs with each operation
        if name == "LITERAL":
            return bool(value != NEWLINE)
        if name == "ANY":
            return not self._dot_matches_all
        if name == "AT":
            return not str(value).endswith("_STRING")
        if name == "IN":
            return not any(_may_be_newline(str(operation), inner) for operation, inner in value)
        if name == "BRANCH":
            return all(map(self.is_on_one_line, value[1]))
        if name.endswith("_REPEAT"):
            return self.is_on_one_line(value[2])
        if name in ("ASSERT", "ASSERT_NOT"):
            return self.is_on_one_line(value[1])
        if name == "ATOMIC_GROUP":
            return self.is_on_one_line(value)
        if name == "SUBPATTERN":
            return not value[1] and not value[2] and self.is_on_one_line(value[3])
        return name == "GROUPREF"


def _may_be_newline(name: str, value: Any) -> bool:  # noqa: ANN401 - it differs with each operation
    """May this part of a set of letters be a newline?"""
    if name == "LITERAL":
        return bool(value == NEWLINE)
    if name == "RANGE":
        return bool(value[0] <= NEWLINE <= value[1])
    if name == "CATEGORY":
        return str(value) not in ("CATEGORY_DIGIT", "CATEGORY_WORD")
    return True


def _shortest(words: Words) -> int:
    return min(map(len, words))
