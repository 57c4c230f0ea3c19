"""When a CronJob is due: the five fields of cron, and their short names."""

from datetime import UTC, datetime, timedelta, tzinfo

from pytilt.errors import ApplyError
from pytilt.model.base import Value

SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = {
    name: at + 1
    for at, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
}
DAYS = {name: at for at, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
NAMES: tuple[dict[str, int], ...] = ({}, {}, {}, MONTHS, DAYS)
HORIZON = timedelta(days=366 * 8)
"""A 29th of February is never further away than this."""


class Schedule(Value):
    """The points in time of a cron expression."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Both days of month and of week are given: either will do."""
    zone: str = ""

    def after(self, seconds: float) -> float:
        """The first point after a Unix time, as a Unix time."""
        zone = _zone(self.zone)
        start = datetime.fromtimestamp(seconds, zone).replace(second=0, microsecond=0, tzinfo=None)
        at, end = start + timedelta(minutes=1), start + HORIZON
        while at < end:
            if at.month not in self.months or not self._on_day(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at += timedelta(minutes=1)
            else:
                return at.replace(tzinfo=zone).timestamp()
        return end.replace(tzinfo=zone).timestamp()

    def _on_day(self, at: datetime) -> bool:
        of_month, of_week = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either_day else of_month and of_week


def parse(text: str, zone: str = "") -> Schedule:
    """Read a cron expression.

    Raises:
        ApplyError: it cannot be read.
    """
    fields = SHORT.get(text.strip().lower(), text).lower().split()
    if len(fields) != len(BOUNDS):
        raise _unreadable(text)
    try:
        _zone(zone)
        parsed = [_field(field, *BOUNDS[at], NAMES[at]) for at, field in enumerate(fields)]
    except (ValueError, KeyError) as error:  # no such zone is a KeyError
        raise _unreadable(text) from error
    minutes, hours, days, months, weekdays = parsed
    return Schedule(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        either_day=not fields[2].startswith(("*", "?")) and not fields[4].startswith(("*", "?")),
        zone=zone,
    )


def _field(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if first in ("*", "?"):
            start, end = low, high
        else:
            start = names[first] if first in names else int(first)
            end = (names[last] if last in names else int(last)) if dash else (high if step else start)
        if not low <= start <= end <= high or (step and int(step) < 1):
            raise ValueError(part)
        found.update(range(start, end + 1, int(step) if step else 1))
    return frozenset(found)


def _unreadable(text: str) -> ApplyError:
    return ApplyError(f"`{text}` is not a schedule", hint="write five fields, for example `*/5 * * * *`, or `@hourly`")


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    from zoneinfo import ZoneInfo  # imported here: few need it, and it takes 2 ms

    return ZoneInfo(name)
