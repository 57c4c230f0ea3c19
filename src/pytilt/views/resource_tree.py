"""What `tilt alpha tree-view` prints: below each resource those that depend on it, as Tilt draws it. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

GOOD = ("ok", "not_applicable", "none", "")
"""The words for what blocks nobody."""

LARGEST = 5000
"""So many lines are drawn at most: without `dedupe`, what several resources depend on is drawn below each."""


class TreeLine(NamedTuple):
    """A line of the tree."""

    lead: str
    """The lines that lead to it."""
    text: str
    state: str = ""
    """`ok`, `warning` or `error`; empty for the head."""
    also: tuple[tuple[str, str], ...] = ()
    """What it depends on beside, each with its state, where it was drawn before."""


class RowStatus(NamedTuple):
    """The two words of a row."""

    update: str
    runtime: str

    @property
    def blocks(self) -> bool:
        """Does what depends on it wait?"""
        return self.update not in GOOD or self.runtime not in GOOD

    @property
    def judged(self) -> tuple[str, str]:
        """The word for people, and the state."""
        update, runtime = self
        for when, word in (
            (update == runtime == "error", "error"),
            (update == "error", "build error"),
            (runtime == "error", "runtime error"),
        ):
            if when:
                return word, "error"
        for when, word in (
            (update == "in_progress", "building"),
            (update == runtime == "pending", "pending"),
            (update == "pending", "build pending"),
            (runtime == "pending", "starting"),
            (runtime == "unknown", "unknown"),
            ("none" in (update, runtime), "not started"),
        ):
            if when:
                return word, "warning"
        return "ok", "ok"


class ResourceTree:
    """Resources, and which depend on which.

    Args:
        statuses: of each resource, in any order.
        dependencies: names of those that each depends on.
        dedupe: draw what is below a resource only once.
    """

    def __init__(
        self, statuses: Mapping[str, RowStatus], dependencies: Mapping[str, Sequence[str]], *, dedupe: bool = False
    ) -> None:
        self._statuses = statuses
        self._above = {name: [each for each in dependencies.get(name, ()) if each in statuses] for name in statuses}
        self._below: dict[str, list[str]] = {name: [] for name in statuses}
        for name in sorted(statuses):
            for each in self._above[name]:
                self._below[each].append(name)
        self._dedupe = dedupe
        self._drawn: set[str] = set()

    def whole(self) -> list[str]:
        """The roots of the whole tree: what depends on nothing."""
        return sorted(name for name in self._statuses if not self._above[name])

    def blockers(self) -> list[str]:
        """The roots of what is blocked, those first that most depend on."""
        bad = {name for name, status in self._statuses.items() if status.blocks}
        found = [name for name in bad if not bad & set(self._above[name])]
        return sorted(found, key=lambda name: (-len(self._descendants([name])), name))

    def lines(self, roots: Sequence[str]) -> list[TreeLine]:
        """The lines below some roots."""
        shown = self._descendants(roots)
        lines = list[TreeLine]()
        for line in self._lines(roots, "", "", shown):
            if len(lines) == LARGEST:
                return [*lines, TreeLine("", "… and more: `--dedupe` draws each only once")]
            lines.append(line)
        return lines

    def counts(self, roots: Sequence[str]) -> tuple[int, dict[str, int]]:
        """How many are drawn, and how many of these are ok, are built, wait, and have failed."""
        names = self._descendants(roots)
        states = Counter(self._counted(self._statuses[name]) for name in names)
        order = ("ok", "building", "pending", "errors")
        return len(names), {word: states[word] for word in order if states[word]}

    def _counted(self, status: RowStatus) -> str:
        state = status.judged[1]
        waiting = "building" if status.update == "in_progress" else "pending"
        return {"ok": "ok", "error": "errors", "warning": waiting}[state]

    def _lines(self, names: Sequence[str], parent: str, lead: str, shown: set[str]) -> Iterator[TreeLine]:
        for number, name in enumerate(names):
            last = number == len(names) - 1
            word, state = self._statuses[name].judged
            again = self._dedupe and name in self._drawn
            also = [each for each in self._above[name] if each != parent and each in shown] if again else []
            marks = tuple((each, self._statuses[each].judged[1]) for each in also)
            yield TreeLine(f"{lead}{'└── ' if last else '├── '}", f"{name} ({word})", state, marks)
            self._drawn.add(name)
            if not again:
                yield from self._lines(self._below[name], name, f"{lead}{'    ' if last else '│   '}", shown)

    def _descendants(self, roots: Sequence[str]) -> set[str]:
        found, left = set[str](), list(roots)
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left += self._below[name]
        return found
