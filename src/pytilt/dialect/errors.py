"""Places in Tiltfiles, and the error of the language that has not met its trace yet."""

from pytilt.errors import TiltfileError, UserError
from pytilt.model.base import Value


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

    def __init__(self, message: str, position: Position, *, hint: str | None = None) -> None:
        super().__init__(message, where=str(position), hint=hint)
