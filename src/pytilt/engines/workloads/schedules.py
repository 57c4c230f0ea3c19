"""When a CronJob is due: cron expressions as Kubernetes reads them; cronsim finds their points in time."""

import re
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from pytilt.errors import ApplyError
from pytilt.model.base import Value

if TYPE_CHECKING:
    from cronsim import CronSim

SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
PART = re.compile(r"(?P<first>[*?]|\d+|[a-z]{3})(?:-(?P<last>\d+|[a-z]{3}))?(?:/(?P<step>\d+))?")
SUNDAY_AGAIN = re.compile(r"(?:^|[-,])0*7(?![0-9])")
"""A weekday that other crons know; Kubernetes does not."""
NEVER_SECONDS = 8 * 366 * 86400.0
"""How far away the next point is when there is none, as on a 30th of February."""


class Schedule(Value):
    """The points in time of a cron expression."""

    expression: str
    """For cronsim, see `parse`."""
    zone: str = ""

    def after(self, seconds: float) -> float:
        """The first point after a Unix time, as a Unix time."""
        found = self._next(int(seconds), back=False)
        return seconds + NEVER_SECONDS if found is None else found

    def latest(self, seconds: float) -> float | None:
        """The last point at or before a Unix time; None if there never was one."""
        return self._next(int(seconds) + 1, back=True)

    def _next(self, seconds: int, *, back: bool) -> float | None:
        from cronsim import CronSimError

        start = datetime.fromtimestamp(seconds, _zone(self.zone))
        try:
            return next(_points(self.expression, start, back=back)).timestamp()
        except (CronSimError, StopIteration):  # no month has this day
            return None


def parse(text: str, zone: str = "") -> Schedule:
    """Read a cron expression.

    Raises:
        ApplyError: it cannot be read.
    """
    from cronsim import CronSimError

    fields = SHORT.get(text.strip().lower(), text).lower().split()
    if len(fields) != len(BOUNDS):
        raise _unreadable(text)
    try:
        known = [_field(field, *bounds) for field, bounds in zip(fields, BOUNDS, strict=True)]
        if SUNDAY_AGAIN.search(known[-1]):
            raise _unreadable(text)
        minute, hour, day, _, weekday = known
        for expression in (f"{minute} {hour} {day} * {weekday}", f"0 0 * {known[3]} *"):  # a 30th of February is one
            _points(expression, datetime.fromtimestamp(0, _zone(zone)), back=False)
    except (ValueError, KeyError, CronSimError) as error:  # no such zone is a KeyError
        raise _unreadable(text) from error
    return Schedule(expression=" ".join(known), zone=zone)


def _field(text: str, low: int, high: int) -> str:
    """A field in which a star alone means that any value will do.

    To Kubernetes `?` is such a star too, but `*/2` is none: of a day of month and a day of week either will do then.
    """
    parts = [_part(part, low, high) for part in text.split(",")]
    return "*" if "*" in parts else ",".join(parts)


def _part(text: str, low: int, high: int) -> str:
    found = PART.fullmatch(text)
    if found is None:
        raise ValueError(text)
    first, last, step = found["first"], found["last"], found["step"]
    if first in ("*", "?"):
        return "*" if step is None or int(step) == 1 else f"{low}-{high}/{step}"
    return f"{first}-{high}/{step}" if step is not None and last is None else text


def _points(expression: str, start: datetime, *, back: bool) -> "CronSim":
    from cronsim import CronSim  # imported here, as few projects have a CronJob

    return CronSim(expression, start, reverse=back)


def _unreadable(text: str) -> ApplyError:
    return ApplyError(f"`{text}` is not a schedule", hint="write five fields, for example `*/5 * * * *`, or `@hourly`")


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    from zoneinfo import ZoneInfo  # imported here: few need it, and it takes 2 ms

    return ZoneInfo(name)
