"""Log lines: who says what, how loud."""

from enum import StrEnum
from typing import Protocol


class Level(StrEnum):
    """How loud a line is, in Tilt's words."""

    DEBUG = "DEBUG"
    VERBOSE = "VERBOSE"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"

    def is_at_least(self, other: "Level") -> bool:
        """Is it as loud as another, or louder?"""
        return _LOUDNESS[self] >= _LOUDNESS[other]


_LOUDNESS = {level: number for number, level in enumerate(Level)}


class Log(Protocol):
    """Where a piece of work writes what it does. Lines appear under the resource that it works for."""

    def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        """Append text; it need not end with a newline, and may hold several lines.

        A line is complete at its newline; what follows the last newline is continued by the next call.

        Args:
            text: what to append, usually ending with a newline.
            level: how loud it is.
            progress: lines of one span with the same non-empty id replace each other where the display can do that.
        """
        ...
