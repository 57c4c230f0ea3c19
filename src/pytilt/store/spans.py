"""Writers of the log."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from pytilt.model.lines import Source
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId

STATE_SECONDS = 0.25
"""At least so long between two states of a line that a program writes over, as progress bars do."""


LONGEST_LINE = 1024**2
"""So many characters are held of a line that has no end yet; what follows is another line. To pass on as many
holds the event loop for some 10 ms."""

COLLECTED = 512 * 1024
"""So many characters are collected to be passed on later; more of them are passed on at once."""


class Appender(Protocol):
    """What takes the lines."""

    @property
    def seconds(self) -> Callable[[], float]:
        """A clock that never goes back."""
        ...

    def append_text(self, source: Source, text: str) -> None:
        """Append lines, with newlines between them."""
        ...


Later = Callable[[Callable[[], None]], asyncio.Handle]
"""Has a function called soon, as the `call_soon` of an event loop does, or after a while."""


class Span:
    """One writer of the log: a build, a pod, a process. It is a `pytilt.model.logs.Log`.

    Args:
        store: takes the lines.
        resource: to which they belong.
        span: its id.
        build: is it that of an update?
        later: lines are collected and passed on when this calls back; None: each at once.
        longest: characters of a line.
    """

    def __init__(
        self,
        store: Appender,
        resource: ResourceName,
        span: SpanId,
        *,
        build: bool,
        later: Later | None = None,
        longest: int = LONGEST_LINE,
    ) -> None:
        self._longest = longest
        self._store = store
        self._later = later
        self._flushing: asyncio.Handle | None = None
        self._waiting: list[tuple[Source, list[str]]] = []
        """What is passed on later: texts of one source that follow each other are one."""
        self._collected = 0
        """Characters of that."""
        self.resource = resource
        self.id = span
        self._build = build
        self._plain = Source(resource=resource, span=span, build=build)
        self._rest: list[str] = []
        """The pieces of a line that has no newline yet; joined once, as a line can have a hundred megabytes."""
        self._begun = 0
        """Characters of them."""
        self._level = Level.INFO
        """Of that line."""
        self._states = 0
        """Lines that were shown before they were complete."""
        self._state_at = -STATE_SECONDS
        self._progress = ""
        """Of the line that is being rewritten."""

    def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        """Append text; complete lines go to the log at once, the rest with its newline or before another level."""
        if level is not self._level:
            self._end_line()
            self._level = level
        lines, newline, rest = text.rpartition("\n")
        if newline:
            if self._rest:
                lines = "".join((*self._rest, lines))
                self._forget()
            self._append(lines, level, progress or self._rewritten())
        if rest:
            self._rest.append(rest)
            self._begun += len(rest)
            if "\r" in rest:
                self._rewrite(level)
            elif self._begun > self._longest:
                self._end_line()

    def aside(self, text: str, *, level: Level = Level.INFO) -> None:
        """Append whole lines of somebody else, such as a probe; a line that has no newline yet goes on after them."""
        self._append(text.removesuffix("\n"), level, "")

    def header(self, text: str) -> None:
        """Append the line with which an update begins."""
        source = Source(resource=self.resource, span=self.id, build=self._build, start=True)
        self._pass_on(source, text)

    def close(self) -> None:
        """Append what has no newline yet, and what was to be passed on later."""
        self._end_line()
        if self._flushing is not None:
            self._flushing.cancel()
        self._flush()

    def _end_line(self) -> None:
        if self._rest:
            rest = "".join(self._rest)
            self._forget()
            self._append(rest, self._level, self._rewritten())

    def _forget(self) -> None:
        self._rest.clear()
        self._begun = 0

    def _rewrite(self, level: Level) -> None:
        """Keep only the last state of a line that has no newline yet, and show it now and then."""
        rest = "".join(self._rest)
        state = _last_state(rest)
        self._rest[:] = [f"{state}\r" if rest.endswith("\r") else state]
        self._begun = len(self._rest[0])
        if len(state) == len(rest.rstrip("\r")) and not self._progress:  # a newline may follow
            return
        if not self._progress:
            self._states += 1
            self._progress = f"{self.id} {self._states}"
        now = self._store.seconds()
        if now - self._state_at >= STATE_SECONDS:
            self._state_at = now
            self._append(state, level, self._progress)

    def _rewritten(self) -> str:
        """The id under which states of the line that is complete now were shown."""
        progress, self._progress = self._progress, ""
        return progress

    def _append(self, text: str, level: Level, progress: str) -> None:
        source = self._plain
        if level is not Level.INFO or progress:
            source = Source(resource=self.resource, span=self.id, level=level, progress=progress, build=self._build)
        self._pass_on(source, text)

    def _pass_on(self, source: Source, text: str) -> None:
        text = _clean(text)
        if self._later is None:
            self._store.append_text(source, text)
            return
        if not self._waiting:
            self._flushing = self._later(self._flush)
        if self._waiting and self._waiting[-1][0] is source:
            self._waiting[-1][1].append(text)
        else:
            self._waiting.append((source, [text]))
        self._collected += len(text)
        if self._collected > COLLECTED and self._flushing is not None:
            self._flushing.cancel()
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._collected = self._waiting, [], 0
        for source, texts in waiting:
            self._store.append_text(source, "\n".join(texts))


def _clean(text: str) -> str:
    """Lines without what was written over, and with a `?` for every byte that was no UTF-8, as in names of files."""
    if "\r" in text:
        text = "\n".join(_last_state(line) if "\r" in line else line for line in text.split("\n"))
    return text if text.isascii() else text.encode(errors="replace").decode()


def _last_state(line: str) -> str:
    """A line without what was written over; carriage returns at its end belong to its newline.

    Not by a regular expression: of a megabyte without a newline one would look at every character again for each.
    """
    line = line.rstrip("\r")
    return line[line.rfind("\r") + 1 :]
