"""The part of a log that is in memory: a window of so many lines that slides over all that is stored."""

from collections import deque
from collections.abc import Sequence

from pytilt.host.output import plain
from pytilt.model.base import Value
from pytilt.model.lines import Line
from pytilt.model.logs import Level
from pytilt.views.loglines import loudness, unfolded

CAPACITY = 4000
"""Lines in memory; the rest stays with the session."""

PAGE = 500
"""Lines that are fetched at once when the window slides."""


class ShownLine(Value):
    """A line as it is drawn, made once."""

    line: Line
    text: str
    level: Level


def shown(line: Line) -> ShownLine:
    """A line with what it looks like."""
    text = plain(line.text)
    return ShownLine(line=line, text=unfolded(text), level=loudness(text, line.level))


class LogWindow:
    """The lines in memory, oldest first.

    Args:
        capacity: how many at most.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self.lines: deque[ShownLine] = deque()
        self.at_end = True
        """Does it reach to the newest line? Else new lines wait with the session until they are asked for."""
        self.at_start = False
        """Does it reach back to the first line?"""

    def append(self, lines: Sequence[Line], *, reading: bool) -> int:
        """Take new lines.

        Args:
            lines: what came.
            reading: does the person read further up? Then the lines that are read stay, and the new ones do not.

        Returns:
            How many of the oldest lines were let go.
        """
        if not self.at_end:
            return 0
        self._extend(lines)
        over = len(self.lines) - self._capacity
        if over <= 0:
            return 0
        if reading:
            self.at_end = False
            for _ in range(over):
                self.lines.pop()
            return 0
        return self._let_go(over)

    def prepend(self, lines: Sequence[Line]) -> int:
        """Take lines from before the window; none means that there are none.

        Returns:
            How many lines were added on top.
        """
        if not lines:
            self.at_start = True
            return 0
        self.lines.extendleft(shown(line) for line in reversed(lines))
        while len(self.lines) > self._capacity:
            self.lines.pop()
            self.at_end = False
        return len(lines)

    def extend(self, lines: Sequence[Line], *, more: bool) -> int:
        """Take lines from after the window.

        Args:
            lines: what comes next.
            more: are there more after them?

        Returns:
            How many of the oldest lines were let go.
        """
        self._extend(lines)
        self.at_end = not more
        return self._let_go(len(self.lines) - self._capacity)

    def _extend(self, lines: Sequence[Line]) -> None:
        for line in lines:
            last = self.lines[-1].line if self.lines else None
            if line.progress and last and (last.span, last.progress) == (line.span, line.progress):
                self.lines.pop()
            self.lines.append(shown(line))

    def _let_go(self, count: int) -> int:
        if count <= 0:
            return 0
        self.at_start = False
        for _ in range(count):
            self.lines.popleft()
        return count
