"""Which paths do not matter: ignore rules compiled once, asked for every file.

The pattern language is that of `.dockerignore`: the last pattern that matches a path, or a directory above it, decides.
"""

import functools
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from pytilt.errors import UserError
from pytilt.host.patterns import Pattern, absolute, parse_pattern, rebase
from pytilt.model.files import Ignore

EDITOR_PATTERNS = (
    "**/*___jb_old___",
    "**/*___jb_tmp___",
    "**/.idea/**",
    "**/.#*",
    "**/#*#",
    "**/flymake_*.*",
    "**/4913",
    "**/*~",
    "**/.*.swp",
    "**/.*.swx",
    "**/.*.swo",
    "**/.*.swn",
    "**/.*.kate-swp",
    "**/*-go-tmp-umask",
)
"""What editors write beside the file that is edited; Tilt ignores the same."""

_CACHED_DIRS = 200_000


class BadLine(NamedTuple):
    """A line of an ignore file that is no pattern."""

    number: int
    """1-based."""
    error: UserError


class IgnoreFile(NamedTuple):
    """The text of a file such as `.dockerignore`."""

    patterns: tuple[str, ...]
    """In order, for use in an `Ignore`."""
    bad_lines: tuple[BadLine, ...] = ()
    """Lines that cannot be read; the other patterns count."""


def parse_ignore_file(text: str) -> IgnoreFile:
    """Read a file such as `.dockerignore`.

    Lines that start with `#` are comments; a leading `/` means the directory of the file, as without it.
    """
    patterns, bad_lines = [], []
    for number, line in enumerate(re.split(r"\r?\n", text.removeprefix("\ufeff")), start=1):
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        exception = pattern.startswith("!")
        pattern = pattern[1:].strip() if exception else pattern
        if pattern:
            pattern = posixpath.normpath(pattern).lstrip("/") or "/"
            if pattern in ("/", "."):  # the directory itself, which for Docker excludes nothing
                continue
        pattern = f"!{pattern}" if exception else pattern
        try:
            parse_pattern(pattern)
        except UserError as error:
            bad_lines.append(BadLine(number, error))
        else:
            patterns.append(pattern)
    return IgnoreFile(tuple(patterns), tuple(bad_lines))


def compile_ignores(ignores: Sequence[Ignore]) -> "Matcher":
    """Make a matcher; equal ignores share one.

    Raises:
        UserError: a pattern cannot be read.
    """
    return _compile(tuple(ignores))


class Matcher:
    """Decides for absolute paths whether any of several ignores covers them. Made by `compile_ignores`.

    What is known of a directory is kept, so that a path costs the match of its last part only.
    """

    def __init__(self, ignores: Iterable[Ignore]) -> None:
        ignores = tuple(ignores)
        self._whole = frozenset(_clean(ignore.base) for ignore in ignores if not ignore.patterns)
        self._rules: dict[str, list[_Rules]] = {}
        for rules in _rules_of(ignore for ignore in ignores if ignore.patterns):
            self._rules.setdefault(rules.root, []).append(rules)
        self._dirs: dict[str, _Dir] = {}

    def matches(self, path: str) -> bool:
        """Is this path ignored?"""
        directory, _, name = path.rpartition("/")
        state = self._dirs.get(directory) or self._state(directory)
        if state.covered or path in self._whole:
            return True
        for rules, mask in state.active:  # noqa: SIM110 - asked for every event of the kernel
            if rules.ignores(path, name, mask):
                return True
        return False

    def may_skip_dir(self, path: str) -> bool:
        """Is this directory ignored with everything below it, whatever that may be called?"""
        path = _clean(path)
        return (self._dirs.get(path) or self._state(path)).covered

    def _state(self, directory: str) -> "_Dir":
        if len(self._dirs) >= _CACHED_DIRS:
            self._dirs.clear()
        state = self._dirs[directory] = self._find_state(directory)
        return state

    def _find_state(self, directory: str) -> "_Dir":
        active: tuple[tuple[_Rules, int], ...] = ()
        if directory in self._whole:
            return _COVERED
        if directory:
            parent, _, name = directory.rpartition("/")
            above = self._dirs.get(parent) or self._state(parent)
            if above.covered:
                return _COVERED
            active = tuple((rules, rules.extend(directory, name, mask)) for rules, mask in above.active)
            if any(rules.covers(directory, mask) for rules, mask in active):
                return _COVERED
        return _Dir(covered=False, active=active + tuple((rules, 0) for rules in self._rules.get(directory, ())))


class _Dir(NamedTuple):
    covered: bool
    """Ignored with everything below."""
    active: "tuple[tuple[_Rules, int], ...]"
    """The rules that may say something about what is below, and which of their groups match this directory."""


_COVERED = _Dir(covered=True, active=())


class _PatternGroup:
    """Neighbouring patterns of the same sign: their order does not matter."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.exception = patterns[0].exception
        self.patterns = patterns
        names = [name for pattern in patterns if (name := pattern.any_level)]
        paths = [pattern for pattern in patterns if not pattern.any_level]
        self._names, self._name_glob = _union(names)
        self._paths, self._path_glob = _union(paths)

    def hits(self, path: str, name: str) -> bool:
        """Does any pattern match this very path?"""
        if name in self._names or path in self._paths:
            return True
        if self._name_glob and self._name_glob.fullmatch(name):
            return True
        return bool(self._path_glob and self._path_glob.fullmatch(path))


class _Rules:
    """Patterns that share a root, in groups that are asked from the last to the first."""

    def __init__(self, root: str, patterns: Iterable[Pattern]) -> None:
        self.root = root
        self._start = len(root) + 1
        self._groups = [
            _PatternGroup(tuple(group)) for _, group in groupby(patterns, key=lambda pattern: pattern.exception)
        ]
        self._reversed = [(1 << index, group) for index, group in enumerate(self._groups)][::-1]

    def extend(self, directory: str, name: str, mask: int) -> int:
        """The groups that match this directory, given those that match its parent."""
        relative = directory[self._start :]
        for bit, group in self._reversed:
            if not mask & bit and group.hits(relative, name):
                mask |= bit
        return mask

    def ignores(self, path: str, name: str, mask: int) -> bool:
        """Is a path ignored whose directory is matched by the groups of the mask?"""
        relative = path[self._start :]
        for bit, group in self._reversed:
            if mask & bit or group.hits(relative, name):
                return not group.exception
        return False

    def covers(self, directory: str, mask: int) -> bool:
        """Is everything below a directory ignored that is matched by the groups of the mask?"""
        relative = directory[self._start :]
        for bit, group in self._reversed:
            if mask & bit:
                return not group.exception
            if group.exception and any(pattern.reaches_below(relative) for pattern in group.patterns):
                return False
        return False


def _union(patterns: Sequence[Pattern]) -> tuple[frozenset[str], re.Pattern[str] | None]:
    literals = frozenset(literal for pattern in patterns if (literal := pattern.literal) is not None)
    globs = [pattern.regex for pattern in patterns if pattern.literal is None]
    return literals, re.compile("|".join(globs), re.DOTALL) if globs else None


def _rules_of(ignores: Iterable[Ignore]) -> Iterator[_Rules]:
    plain: dict[str, list[Pattern]] = {}
    for ignore in ignores:
        base = _clean(ignore.base)
        patterns = [pattern for text in ignore.patterns if (pattern := parse_pattern(text))]
        inside = [below for pattern in patterns if (below := rebase(pattern, base))]
        if len(inside) < len(patterns):
            yield _Rules("", [absolute(pattern, base) for pattern in patterns])
        elif any(pattern.exception for pattern in inside):
            yield _Rules(base, inside)
        else:
            plain.setdefault(base, []).extend(inside)
    for base, inside in plain.items():
        yield _Rules(base, inside)


def _clean(path: str) -> str:
    return path.rstrip("/")


@functools.lru_cache(maxsize=512)
def _compile(ignores: tuple[Ignore, ...]) -> Matcher:
    return Matcher(ignores)
