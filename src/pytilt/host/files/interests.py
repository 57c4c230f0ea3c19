"""Who wants to know about which paths: file rules, turned round."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from pytilt.host.ignoring import Matcher, compile_ignores
from pytilt.model.files import FileRule, Ignore


class Interest:
    """Everything at or below one path that no ignore covers; shared by all keys that want the same."""

    def __init__(self, path: str, ignores: tuple[Ignore, ...]) -> None:
        self.path = path
        self.ignores = ignores
        self.keys: frozenset[str] = frozenset()
        self.removed = False
        """Does nobody want it any more? A walk on its behalf may still be under way."""
        self.matcher: Matcher = compile_ignores(ignores)
        self._below = path.rstrip("/") + "/"

    def covers(self, path: str) -> bool:
        """Does a change of this path matter?"""
        return (path == self.path or path.startswith(self._below)) and not self.matcher.matches(path)


class WatchPlan:
    """How the interests are to change; nothing has changed yet."""

    def __init__(
        self, keys: Mapping[Interest, frozenset[str]], added: Sequence[Interest], removed: Sequence[Interest]
    ) -> None:
        self.keys = keys
        self.added = added
        self.removed = removed
        self.dropped = False
        """It came to nothing."""


class Interests:
    """The interests of all keys."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, tuple[Ignore, ...]], Interest] = {}

    @property
    def all(self) -> tuple[Interest, ...]:
        """Every one of them."""
        return tuple(self._all.values())

    def plan(self, rules: Mapping[str, Sequence[FileRule]]) -> WatchPlan:
        """Compare with what is wanted.

        Raises:
            UserError: a pattern cannot be read.
        """
        keys: dict[tuple[str, tuple[Ignore, ...]], set[str]] = {}
        for key, file_rules in rules.items():
            for rule in file_rules:
                for path in rule.paths:
                    keys.setdefault((posixpath.normpath(path), rule.ignores), set()).add(key)
        wanted = {what: self._all.get(what) or Interest(*what) for what in keys}
        return WatchPlan(
            keys={interest: frozenset(keys[what]) for what, interest in wanted.items()},
            added=[interest for what, interest in wanted.items() if what not in self._all],
            removed=[interest for what, interest in self._all.items() if what not in wanted],
        )

    def carry_out(self, plan: WatchPlan) -> None:
        """Make the interests what was planned."""
        for interest in plan.removed:
            interest.keys = frozenset()
            interest.removed = True
        for interest, keys in plan.keys.items():
            interest.keys = keys
        self._all = {(interest.path, interest.ignores): interest for interest in plan.keys}

    def by_path(self, interests: Iterable[Interest]) -> dict[str, tuple[Interest, ...]]:
        """Interests grouped by their paths, so that each tree is walked once."""
        groups: dict[str, list[Interest]] = {}
        for interest in interests:
            groups.setdefault(interest.path, []).append(interest)
        return {path: tuple(group) for path, group in groups.items()}
