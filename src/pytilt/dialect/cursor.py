"""Stepping through the tokens of a file, and saying what was expected."""

from typing import NoReturn

from pytilt.dialect.errors import Position, StaticError
from pytilt.dialect.scanning import RESERVED, Scanner, Token

_NAMED_KINDS = {
    "eof": "end of file",
    "name": "identifier",
    "int": "int literal",
    "float": "float literal",
    "string": "string literal",
    "bytes": "bytes literal",
}


def describe(kind: str) -> str:
    """What a message calls a kind of token: punctuation in quotes, the rest in words."""
    return _NAMED_KINDS.get(kind) or (kind if kind.isalpha() else f"'{kind}'")


class Cursor:
    """Holds the token that comes next."""

    def __init__(self, file: str, source: str) -> None:
        self._file = file
        self.errors: list[StaticError] = []
        """What is wrong beside the grammar, which does not end the reading."""
        self._scanner = Scanner(file, source)
        self._token: Token = self._scanner.next()
        self._kind = self._token.kind

    def _advance(self) -> Token:
        """Go on by one token and return the one that was passed."""
        passed = self._token
        self._token = self._scanner.next()
        self._kind = self._token.kind
        return passed

    def _take(self, kind: str, hint: str | None = None) -> Token:
        """Pass a token that must be there."""
        if self._kind != kind:
            self._unexpected(describe(kind), hint=hint)
        return self._advance()

    def _take_name(self) -> Token:
        if self._kind == "reserved":
            self._unexpected("identifier")
        if self._kind != "name":
            self._fail_after("not an identifier")
        return self._advance()

    def _fail(self, message: str, line: int, column: int, hint: str | None = None) -> NoReturn:
        raise StaticError(message, Position(file=self._file, line=line, column=column), hint=hint)

    def _note(self, message: str, line: int, column: int) -> None:
        """Keep an error, and go on: there may be more."""
        self.errors.append(StaticError(message, Position(file=self._file, line=line, column=column)))

    def _fail_after(self, message: str, hint: str | None = None) -> NoReturn:
        """Fail behind the token that comes next, where Starlark reports what it did not expect."""
        self._fail(message, *self._token.end, hint=hint)

    def _unexpected(self, wanted: str, *, hint: str | None = None, at_start: bool = False) -> NoReturn:
        token = self._token
        start = (token.line, token.column)
        if token.kind == "reserved":
            word = str(token.value)
            self._fail(f"`{word}` is not part of the language", *start, hint=RESERVED[word])
        self._fail(f"got {describe(token.kind)}, want {wanted}", *(start if at_start else token.end), hint=hint)
