"""The name that was probably meant."""

from collections.abc import Iterable


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate closest to a name, None when none is close; underscores and capitals do not count."""
    wanted = _fold(name)
    best, limit = None, (len(wanted) + 1) // 2
    for candidate in candidates:
        distance = _distance(wanted, _fold(candidate), limit)
        if distance < limit:
            best, limit = candidate, distance
    return best


def did_you_mean(name: str, candidates: Iterable[str], prefix: str = "") -> str:
    """The end of a message about an unknown name: ` (did you mean x?)`, or nothing."""
    best = nearest(name, candidates)
    return f" (did you mean {prefix}{best}?)" if best else ""


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


def _distance(one: str, other: str, limit: int) -> int:
    """How many characters must change, appear or vanish (Levenshtein); at least `limit` when it is more."""
    if abs(len(one) - len(other)) >= limit:
        return limit
    row = list(range(len(other) + 1))
    for i, char in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, against in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (char != against))
    return row[-1]
