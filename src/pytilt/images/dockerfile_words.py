"""The words of a Dockerfile's instruction: split and expanded as Docker does it. Pure."""

import json
import re
from collections.abc import Callable, Iterator

from pytilt.images.dockerfile import Instruction
from pytilt.model.regex import regex

Lookup = Callable[[str], str | None]
"""The value of a variable; None when it is not set. Raises `UnknownVariableError` where nobody can know."""

_NAME = regex(r"\w+")
_FLAG = regex(r"--[a-z-]+(?:=\S*)?(?=\s|$)")
_SPLIT = regex(r"\S+")


class UnknownVariableError(Exception):
    """A variable has a value that only the builder knows."""


class Words:
    """What an instruction says.

    Args:
        instruction: it.
    """

    def __init__(self, instruction: Instruction) -> None:
        self.name = instruction.keyword
        rest = instruction.text[len(instruction.keyword) :].strip()
        self.flags: list[tuple[str, str]] = []
        while found := _FLAG.match(rest):
            name, _, value = found[0][2:].partition("=")
            self.flags.append((name, value))
            rest = rest[found.end() :].lstrip()
        self.rest = rest
        """All of it behind the flags."""

    def flag(self, name: str) -> str | None:
        """The value of a flag, the last one; empty for one without value, None when it is not there."""
        return next((value for each, value in reversed(self.flags) if each == name), None)

    @property
    def listed(self) -> list[str]:
        """The words behind the flags: of a JSON list, or what spaces part."""
        if self.rest.startswith("["):
            try:
                found = json.loads(self.rest)
            except ValueError:
                found = None
            if isinstance(found, list) and all(isinstance(each, str) for each in found):
                return found
        return _SPLIT.findall(self.rest)

    @property
    def quoted(self) -> list[str]:
        """The words behind the flags, parted by spaces that are neither quoted nor escaped; still with their quotes."""
        words, word, quote, escaped = list[str](), "", "", False
        for character in self.rest:
            if not (quote or escaped) and character.isspace():
                words += [word] if word else []
                word = ""
                continue
            word += character
            if escaped:
                escaped = False
            elif character == "\\" and quote != "'":
                escaped = True
            elif character == quote:
                quote = ""
            elif not quote and character in "\"'":
                quote = character
        return [*words, word] if word else words


def settings(words: Words) -> Iterator[tuple[str, str | None]]:
    """The names and values of `ENV`, `ARG` and `LABEL`, not yet expanded; None for a name without one."""
    found = words.quoted
    if found and "=" not in found[0] and len(found) > 1:  # `ENV NAME all of the rest`
        yield found[0], words.rest[len(found[0]) :].strip()
        return
    for word in found:
        name, equals, value = word.partition("=")
        yield name, value if equals else None


def expanded(word: str, lookup: Lookup) -> str:
    """A word without its quotes and with the values of its variables.

    Raises:
        UnknownVariableError: a value is not known, or the form is none that is known here.
    """
    return _Expansion(word, lookup).text()


class _Expansion:
    """One word, read from left to right."""

    def __init__(self, word: str, lookup: Lookup) -> None:
        self._word = word
        self._lookup = lookup
        self._at = 0

    def text(self) -> str:
        pieces, quote = list[str](), ""
        while self._at < len(self._word):
            character = self._word[self._at]
            self._at += 1
            if quote == "'":
                quote = "" if character == "'" else quote
                pieces += [] if character == "'" else [character]
            elif character == "\\":
                pieces.append(self._escaped(quote))
            elif character == "$":
                pieces.append(self._variable())
            elif character == quote:
                quote = ""
            elif not quote and character in "\"'":
                quote = character
            else:
                pieces.append(character)
        return "".join(pieces)

    def _escaped(self, quote: str) -> str:
        character = self._word[self._at : self._at + 1]
        if quote and character not in ('"', "$", "\\"):
            return "\\"
        self._at += 1
        return character

    def _variable(self) -> str:
        if self._word.startswith("{", self._at):
            return self._braced()
        found = _NAME.match(self._word, self._at)
        if found is None:
            return "$"
        self._at = found.end()
        return self._lookup(found[0]) or ""

    def _braced(self) -> str:
        end, depth = self._at, 0
        while end < len(self._word):
            depth += {"{": 1, "}": -1}.get(self._word[end], 0)
            end += 1
            if not depth:
                break
        inside = self._word[self._at + 1 : end - 1]
        self._at = end
        found = _NAME.match(inside)
        if found is None or depth:
            raise UnknownVariableError(inside)
        rest = inside[found.end() :]
        if not rest:
            return self._lookup(found[0]) or ""
        operator = re.match(r":?[-+]", rest)
        if operator is None:
            raise UnknownVariableError(inside)
        value = self._lookup(found[0])
        present = bool(value) if operator[0].startswith(":") else value is not None
        other = rest[operator.end() :]
        if operator[0].endswith("+"):
            return expanded(other, self._lookup) if present else ""
        return value or "" if present else expanded(other, self._lookup)
