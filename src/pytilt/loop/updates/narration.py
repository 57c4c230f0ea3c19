"""What an update says in the log: its heading, its steps, its recap; the forms are Tilt's."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pytilt.model.logs import Level, Log
from pytilt.model.updates import Reason

INDENT = "     "
SHOWN_FILES = 5
"""Files that a heading names before it says `...`."""


def heading(reason: Reason, changed_files: Sequence[str], root: str) -> str:
    """The first line of an update.

    Args:
        reason: why it runs.
        changed_files: absolute paths.
        root: paths below this directory are shown relative to it.
    """
    if reason & Reason.INITIAL_BUILD or reason.triggered or not changed_files:
        return reason.shown
    names = [_short(path, root) for path in changed_files[:SHOWN_FILES]]
    if len(changed_files) > SHOWN_FILES:
        names.append("...")
    count = len(changed_files)
    return f"{count} {'File' if count == 1 else 'Files'} Changed: [{' '.join(names)}]"


def pause_text(files: Sequence[str], root: str) -> str:
    """What is said of runs that change each time what they depend on.

    Args:
        files: absolute paths.
        root: paths below this directory are shown relative to it.
    """
    names = ", ".join(f"`{_short(path, root)}`" for path in files[:SHOWN_FILES])
    return (
        f"Paused: each run changes {names}, which it depends on, and so asks for the next\n"
        "hint: leave it out with `ignore=`; another change or a trigger runs it again\n"
    )


def _short(path: str, root: str) -> str:
    return "." if path == root else path.removeprefix(f"{root.rstrip('/')}/")


class UpdateSteps:
    """The numbered steps of one update.

    Args:
        log: takes them.
        total: how many there will be.
        clock: seconds that only count up.
    """

    def __init__(self, log: Log, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._total = total
        self._clock = clock
        self._began = clock()
        self._done: list[tuple[int, float, str]] = []
        self._started = 0

    @contextmanager
    def step(self, title: str) -> Iterator[Log]:
        """Do one step; what is logged inside is indented below its title."""
        self._started += 1
        number, began = self._started, self._clock()
        self._log(f"STEP {number}/{self._total} — {title}\n")
        indented = _Indented(self._log)
        try:
            yield indented
        finally:
            indented.close()
        self._log("\n")
        self._done.append((number, self._clock() - began, title))

    def spare(self, count: int, why: str) -> None:
        """Some of the steps are not needed; the numbers that follow count without them."""
        self._total -= count
        self._log(f"{why}\n")

    def more(self, count: int, why: str) -> None:
        """Steps are needed that nobody had foreseen."""
        self._total += count
        self._log(f"{why}\n")

    def recap(self) -> None:
        """Log how long each step took, and all together."""
        for number, seconds, title in sorted(self._done):
            self._log(f"{INDENT}Step {number} - {seconds:.2f}s ({title})\n")
        self._log(f"{INDENT}DONE IN: {self._clock() - self._began:.2f}s \n")
        self._log("\n")


class _Indented:
    """What one step logs, line by line: steps that run at the same time do not mix theirs."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._begun: list[str] = []
        """Of a line; joined once."""

    def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        self._begun.append(text)
        if "\n" in text:
            *lines, rest = "".join(self._begun).split("\n")
            self._begun = [rest]
            self._log("".join(f"{INDENT}{line}\n" for line in lines), level=level, progress=progress)

    def close(self) -> None:
        if any(self._begun):
            self("\n")
