"""How long something took and how long ago it was, in the few characters that a row has for it."""

from datetime import datetime

from pytilt.model.times import moment

SHORT_AGES = ((5, "<5s"), (15, "<15s"), (30, "<30s"), (45, "<45s"), (60, "<1m"))
"""Below a minute an age is a bound, so that a row need not be drawn anew every second; Tilt's steps, in seconds."""

MINUTE, HOUR, DAY = 60, 3600, 86400


def seconds_since(text: str, now: datetime) -> float | None:
    """Seconds from an RFC 3339 time until `now`, never negative; None for an empty text."""
    return max(0.0, (now - moment(text)).total_seconds()) if text else None


def duration(seconds: float) -> str:
    """How long something took: `8 ms`, `2.1 s`, `12 s`, `3 min`, `2 h`."""
    if seconds < 0.9995:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < MINUTE:
        return f"{int(seconds)} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    return f"{int(seconds // HOUR)} h"


def running(seconds: float) -> str:
    """How long something runs already: like `duration`, without parts of a second that nobody could read."""
    return duration(seconds) if seconds >= 0.95 else f"{seconds:.1f} s"


def age(seconds: float) -> str:
    """How long ago: `<5s`, `<15s`, `<30s`, `<45s`, `<1m`, `3m`, `2h`, `4d`."""
    for bound, text in SHORT_AGES:
        if seconds < bound:
            return text
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)}m"
    if seconds < DAY:
        return f"{int(seconds // HOUR)}h"
    return f"{int(seconds // DAY)}d"


def age_of(text: str, now: datetime) -> str:
    """The age of an RFC 3339 time; empty for an empty text."""
    seconds = seconds_since(text, now)
    return "" if seconds is None else age(seconds)
