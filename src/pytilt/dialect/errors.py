"""Places in Tiltfiles, and the error of the language that has not met its trace yet."""

from collections.abc import Sequence

from pytilt.errors import TiltfileError, UserError
from pytilt.model.base import Value

_EXCERPT_WIDTH = 120


class Position(Value):
    """A place in a Tiltfile; prints as `file:line:column`.

    Args:
        file: the path as it was given to `run_file`.
        line: counted from 1.
        column: counted from 1, in characters.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Frame(Value):
    """One running function of a Tiltfile and its position.

    Args:
        function: its name; `<toplevel>` for the file itself, `lambda` for a lambda.
        position: the operation that runs now, for a call its opening bracket.
    """

    function: str
    position: Position


class DialectError(UserError):
    """An operation of the language failed; whoever runs the file adds the trace."""


class DisplacedError(DialectError):
    """An operation failed at another place of the running function than the instruction it is at.

    Args:
        message: what went wrong.
        line: the line, counted from 1.
        column: the column, counted from 1.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class StaticError(TiltfileError):
    """The file cannot run at all: its text is not in the grammar, or a name is not defined."""

    def __init__(
        self,
        message: str,
        position: Position,
        *,
        hint: str | None = None,
        excerpt: str = "",
        others: "Sequence[StaticError]" = (),
    ) -> None:
        super().__init__(message, where=str(position), hint=hint, excerpt=excerpt, others=others)
        self.position = position

    def shown_in(self, source: str, others: "Sequence[StaticError]" = ()) -> "StaticError":
        """The same with its line of the source, and with other errors of the same file."""
        excerpt = cut_excerpt(source, self.position.line, self.position.column)
        return StaticError(self.message, self.position, hint=self.hint, excerpt=excerpt, others=others)


class LoadError(DialectError):
    """Another file could not be loaded.

    Args:
        message: which, and why.
        hint: what the user can do about it.
        excerpt: the line of the other file that is the reason.
    """

    def __init__(self, message: str, *, hint: str | None = None, excerpt: str = "") -> None:
        super().__init__(message, hint=hint)
        self.excerpt = excerpt


def cut_excerpt(source: str, line: int, column: int) -> str:
    """A line of a text, indented by four, with a caret below one of its columns; empty where there is no such line.

    A line that is too long to be read is cut around the column.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not 1 <= line <= len(lines) or not lines[line - 1].strip():
        return ""
    text = lines[line - 1].rstrip()
    at = min(max(column - 1, 0), len(text))
    start = max(0, at - _EXCERPT_WIDTH // 2) if len(text) > _EXCERPT_WIDTH else 0
    shown = text[start : start + _EXCERPT_WIDTH]
    before, after = "..." if start else "", "..." if start + _EXCERPT_WIDTH < len(text) else ""
    indent = len(shown) - len(shown.lstrip()) if not start else 0
    shown, at = shown[indent:], max(at - indent, 0)
    blank = "".join("\t" if char == "\t" else " " for char in shown[: at - start])
    return f"    {before}{shown}{after}\n    {' ' * len(before)}{blank}^"
