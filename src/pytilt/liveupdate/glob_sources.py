"""Sources of `COPY` with `*`, matched as Go's `filepath.Match` does it: a `*` stays within one name. Pure."""

import functools
import re
from collections.abc import Sequence

from pytilt.errors import UserError
from pytilt.host.patterns import Pattern
from pytilt.model.regex import regex

_GLOB = regex(r"[*?\[\\]")


def is_glob(source: str) -> bool:
    """Is there anything special in it?"""
    return _GLOB.search(source) is not None


def matched_part(source: str, path: str) -> str | None:
    """The beginning of a path that a source names: the path itself or a directory above it; None when it names neither.

    Args:
        source: relative to the context; empty for all of it.
        path: relative to the context.
    """
    if not source:
        return ""
    names, parts = source.split("/"), path.split("/")
    if len(parts) < len(names) or not all(map(_matches, names, parts)):
        return None
    return "/".join(parts[: len(names)])


def excluded(patterns: Sequence[str], path: str) -> bool:
    """Does any pattern of `--exclude` match a path or a directory above it?"""
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(_matches_path(pattern.strip("/"), each) for pattern in patterns for each in above)


def _matches(pattern: str, name: str) -> bool:
    return pattern == name or (is_glob(pattern) and _matches_path(pattern, name))


def _matches_path(pattern: str, path: str) -> bool:
    expression = _compiled(pattern)
    return expression is not None and expression.fullmatch(path) is not None


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(Pattern(text=pattern).regex, re.DOTALL)
    except (UserError, re.error):
        return None
