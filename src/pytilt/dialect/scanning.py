"""Text to tokens, one at a time, with the positions that messages need."""

import re
from typing import NamedTuple

from pytilt.dialect.errors import Position, StaticError
from pytilt.dialect.literals import LiteralError, parse_number, unquote

KEYWORDS = frozenset(
    "and break continue def elif else for if in lambda load not or pass return while".split()  # noqa: SIM905 - a word list reads best so
)

RESERVED = {
    "as": None,
    "async": None,
    "await": None,
    "class": "use `struct(name=value)` to keep values together",
    "del": "use `.pop(key)` to take something out of a dict or a list",
    "except": "a Tiltfile cannot catch errors; test the condition first",
    "finally": "a Tiltfile cannot catch errors",
    "from": "use `load('path', 'name')`",
    "global": "a function cannot rebind a global; keep the value in a dict or return it",
    "import": "use `load('path', 'name')`; `os`, `sys`, `shlex` and `config` are there without it",
    "is": "use `==` or `!=`",
    "nonlocal": "a function cannot rebind an outer variable; keep the value in a dict or return it",
    "raise": "use `fail('message')`",
    "try": "a Tiltfile cannot catch errors; test the condition first",
    "with": None,
    "yield": "build a list and return it",
}
"""Words of Python that the language keeps for itself, and what to write instead."""

_SPACE = re.compile(r"[ \t]*(?:#[^\n]*)?")
_INDENT = re.compile(r"[ \t]*")
_NAME = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|0[oO][0-7]*|0[bB][01]*|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]*)?")
_STRING_START = re.compile(r"(?:rb|[rb])?(?=['\"])")
_PUNCTUATION = re.compile(r"\*\*|//=|//|<<=|<<|>>=|>>|[=!<>+\-*/%&|^]=|[-+*/%&|^<>=~.,:;()\[\]{}]")
_QUICK = re.compile(
    r"""[ \t]*(?:
    (?P<name>[A-Za-z_]\w*)(?![\w'"])
    |(?P<string>'[^'\\\n]*'(?!')|"[^"\\\n]*"(?!"))
    |(?P<int>0|[1-9][0-9]{0,17})(?![\w.])
    |(?P<other>[,:.](?![0-9])|[()\[\]{}]|==?)
    )""",
    re.VERBOSE,
)
"""Tokens as nearly all are: names, strings on one line without escapes, decimal numbers, the usual punctuation."""
_STRING_ENDS = {quote: re.compile(rf"(?:[^\\]|\\.)*?{quote}", re.DOTALL) for quote in ("'", '"', "'''", '"""')}
_HINTS = {
    "@": "decorators are not part of the language; call the function yourself",
    "!": "use `not` or `!=`",
    "`": "use quotes",
    "$": None,
}
TAB_WIDTH = 8
"""A tab goes on to the next multiple of this many columns, as in Starlark."""


class Token(NamedTuple):
    """One word of the text.

    `kind` is `name`, `int`, `float`, `string`, `bytes`, `newline`, `indent`, `outdent`, `eof` or `reserved`;
    keywords and punctuation are their own kind. `end` is the place after it, where parse errors are reported.
    """

    kind: str
    value: object
    line: int
    column: int
    end: tuple[int, int]


class Scanner:
    """Cuts the text of one file into tokens; `next` gives one after the other."""

    def __init__(self, file: str, source: str) -> None:
        self._file = file
        self._text = source.replace("\r\n", "\n").replace("\r", "\n")
        self._at = 0
        self._line = 1
        self._line_start = 0
        self._depth = 0
        self._indents = [0]
        self._dents = 0
        self._fresh_line = True

    def next(self) -> Token:
        """The next token; at the end `eof`, again and again.

        Raises:
            StaticError: the text has something that is no token.
        """
        if not self._fresh_line and not self._dents and (found := _QUICK.match(self._text, self._at)) is not None:
            token = self._quick(found)
            if token is not None:
                return token
        return self._any()

    def _any(self) -> Token:
        """The next token, whatever it is."""
        while True:
            was_fresh, blank = self._fresh_line, False
            if was_fresh:
                blank = self._start_line()
            if self._dents:
                return self._pending_dent()
            self._at = self._match(_SPACE).end()
            char = self._text[self._at : self._at + 1]
            if char == "\n":
                if (token := self._end_line(blank)) is not None:
                    return token
            elif char == "":
                if len(self._indents) == 1:
                    return self._token("eof", None, 0)
                self._fresh_line = True
                if not was_fresh:
                    return self._token("newline", None, 0)
                self._dents = 1 - len(self._indents)
                self._indents = [0]
            elif char == "\\":
                self._continue_line()
            else:
                return self._word(char)

    def _quick(self, found: re.Match[str]) -> Token | None:
        """The token of a match; None where more must be looked at."""
        kind = found.lastgroup or ""
        value: object = None
        start, end = found.span(kind)
        text = self._text[start:end]
        if kind == "name":
            if text in KEYWORDS:
                kind = text
            elif text in RESERVED:
                kind, value = "reserved", text
            else:
                value = text
        elif kind == "string":
            value = text[1:-1]
        elif kind == "int":
            value = int(text)
        else:
            kind = text
            if text in "([{":
                self._depth += 1
            elif text in ")]}":
                if self._depth == 0:
                    return None
                self._depth -= 1
        self._at = end
        before = 1 - self._line_start
        return Token(kind, value, self._line, start + before, (self._line, end + before))

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        assert match is not None, "the pattern matches nothing, too"
        return match

    def _column(self) -> int:
        return self._at - self._line_start + 1

    def _fail(self, message: str, at: int | None = None, hint: str | None = None) -> StaticError:
        if at is not None:
            self._at = at
        return StaticError(message, Position(file=self._file, line=self._line, column=self._column()), hint=hint)

    def _token(self, kind: str, value: object, length: int) -> Token:
        line, column = self._line, self._column()
        passed = self._text[self._at : self._at + length]
        self._at += length
        if "\n" in passed:
            self._line += passed.count("\n")
            self._line_start = self._at - len(passed) + passed.rfind("\n") + 1
        return Token(kind, value, line, column, (self._line, self._column()))

    def _newline(self) -> Token:
        return self._token("newline", None, 1)

    def _start_line(self) -> bool:
        """Measure the indentation; return whether the line is blank."""
        self._fresh_line = False
        space = self._match(_INDENT)
        self._at = space.end()
        if self._text[self._at : self._at + 1] in ("#", "\n", ""):
            return True
        if self._depth == 0:
            self._indent_to(len(space.group().expandtabs(TAB_WIDTH)))
        return False

    def _indent_to(self, width: int) -> None:
        if width > self._indents[-1]:
            self._indents.append(width)
            self._dents += 1
        while width < self._indents[-1]:
            self._indents.pop()
            self._dents -= 1
        if width != self._indents[-1]:
            raise self._fail("unindent does not match any outer indentation level")

    def _pending_dent(self) -> Token:
        if self._dents < 0:
            self._dents += 1
            return self._token("outdent", None, 0)
        self._dents -= 1
        return self._token("indent", None, 0)

    def _end_line(self, blank: bool) -> Token | None:
        """The token of a line's end, None where it means nothing."""
        self._fresh_line = True
        newline = self._newline()
        return None if self._depth > 0 or blank else newline

    def _continue_line(self) -> None:
        if self._text[self._at + 1 : self._at + 2] != "\n":
            raise self._fail("stray backslash in program", self._at + 1)
        self._token("", None, 2)

    def _word(self, char: str) -> Token:
        if _STRING_START.match(self._text, self._at):
            return self._string()
        if (name := _NAME.match(self._text, self._at)) is not None:
            return self._name(name.group())
        number = _NUMBER.match(self._text, self._at)
        if number is not None:
            return self._number(number.group())
        punctuation = _PUNCTUATION.match(self._text, self._at)
        if punctuation is None:
            raise self._fail(f"unexpected input character '{char}'", hint=_HINTS.get(char))
        if char in "([{":
            self._depth += 1
        elif char in ")]}":
            if self._depth == 0:
                raise self._fail(f"unexpected '{char}'")
            self._depth -= 1
        return self._token(punctuation.group(), None, punctuation.end() - self._at)

    def _name(self, name: str) -> Token:
        if name in KEYWORDS:
            return self._token(name, None, len(name))
        if name in RESERVED:
            return self._token("reserved", name, len(name))
        if self._text[self._at + len(name) : self._at + len(name) + 1] in ("'", '"') and name.lower() in {
            "f",
            "fr",
            "rf",
        }:
            raise self._fail(
                "f-strings are not part of the language", hint="use `'%s' % value` or `'{}'.format(value)`"
            )
        return self._token("name", name, len(name))

    def _number(self, text: str) -> Token:
        try:
            value = parse_number(text)
        except LiteralError as error:
            raise self._fail(str(error), self._at + (error.offset or 0)) from error
        return self._token("float" if isinstance(value, float) else "int", value, len(text))

    def _string(self) -> Token:
        prefix = self._match(_STRING_START).group()
        start = self._at + len(prefix)
        quote = self._text[start] * 3 if self._text.startswith(self._text[start] * 3, start) else self._text[start]
        body = _STRING_ENDS[quote].match(self._text, start + len(quote))
        if body is None:
            newline = len(quote) == 1 and "\n" in self._text[start:]
            raise self._fail("unexpected newline in string" if newline else "unexpected EOF in string")
        content = body.group()[: -len(quote)]
        if len(quote) == 1 and re.search(r"(?<!\\)(?:\\\\)*\n", content):
            raise self._fail("unexpected newline in string")
        try:
            value = unquote(content, raw="r" in prefix, is_bytes="b" in prefix)
        except LiteralError as error:
            raise self._fail(str(error)) from error
        return self._token("bytes" if "b" in prefix else "string", value, body.end() - self._at)
