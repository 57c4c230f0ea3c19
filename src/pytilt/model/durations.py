"""Durations as texts, as Go writes them."""

from pytilt.model.numbers import whole
from pytilt.model.regex import regex

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = regex(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


def duration_of(text: str) -> float | None:
    """The seconds of a text as Go writes durations: `90s`, `1h30m`, `1.5h`, `0`; None if it is none."""
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if body == "0":
        return 0.0
    if (count := whole(body[:-1])) is not None and body[-1] in "smh":  # without `re`, which `tilt wait` need not import
        return sign * count * _UNITS[body[-1]]
    if not body or _DURATION.sub("", body):
        return None
    return sign * sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(body))


def go_duration(seconds: float) -> str:
    """A duration as Go prints it: `1h0m0s`, `30m0s`, `1.5s`, `20ms`."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:g}ms"
    whole, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(whole), 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest:g}s"
