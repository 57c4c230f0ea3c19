"""Version constraints as `version_settings` takes them: `>=0.20.0`, `>=0.20.0 <1.0.0 || 2.x`."""

import operator
import re
from collections.abc import Callable

from pytilt.errors import UserError
from pytilt.model.regex import regex

_Version = tuple[int, int, int]

_COMPARISONS: dict[str, Callable[[_Version, _Version], bool]] = {
    "": operator.eq,
    "=": operator.eq,
    "==": operator.eq,
    "!": operator.ne,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_TERM = regex(r"([<>=!]*)\s*v?(\d+)(?:\.(\d+|x))?(?:\.(\d+|x))?(?:[-+]\S*)?")
_PARTS = 3


def version_matches(version: str, constraint: str) -> bool:
    """Does a version fit a constraint?

    Args:
        version: for example `0.37.2`.
        constraint: alternatives separated by `||`, each a number of comparisons that must all hold.

    Raises:
        UserError: the constraint cannot be read.
    """
    numbers = [int(part) for part in re.findall(r"\d+", version)[:_PARTS]]
    ours = (*numbers, *(0,) * (_PARTS - len(numbers)))
    results = [_all_hold(ours, part, constraint) for part in constraint.split("||")]
    return any(results)


def _all_hold(ours: tuple[int, ...], alternative: str, constraint: str) -> bool:
    terms = _TERM.findall(alternative)
    if not terms or _TERM.sub("", alternative).strip():
        raise UserError(
            f'error parsing version constraint: Could not get version from string: "{constraint}"',
            hint="write it as `>=0.20.0` or `>=0.20.0 <1.0.0`",
        )
    return all(_holds(ours, sign, parts) for sign, *parts in terms)


def _holds(ours: tuple[int, ...], sign: str, parts: list[str]) -> bool:
    if sign not in _COMPARISONS:
        raise UserError(f"error parsing version constraint: `{sign}` is no comparison")
    fixed = [int(part) for part in parts if part.isdigit()]
    if "x" in parts and sign in ("", "=", "=="):
        return list(ours[: len(fixed)]) == fixed
    first, second, third = (*fixed, *(0,) * (_PARTS - len(fixed)))
    return _COMPARISONS[sign]((ours[0], ours[1], ours[2]), (first, second, third))
