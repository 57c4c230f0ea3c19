"""Points in time as texts: as the session, Kubernetes and container engines write them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import monotonic, time_ns

SECOND = 10**9
"""Nanoseconds."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Where Unix time begins; what is no time counts as this one, so that it is earlier than all others."""

_MICROSECOND = timedelta(microseconds=1)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL_LENGTH = len("2026-01-01T00:00:00.000000000Z")


def precise(time: datetime) -> str:
    """A moment in UTC to the microsecond, as a session writes it."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def precise_now() -> str:
    """This moment, as `precise` writes it; a session writes it many times a second, so the second is remembered."""
    seconds, nanoseconds = divmod(time_ns(), SECOND)
    return f"{_to_the_second(seconds)}.{nanoseconds // 1000:06d}Z"


def steady_clock(wall: Callable[[], datetime], seconds: Callable[[], float] = monotonic) -> Callable[[], datetime]:
    """A clock that begins with the wall clock's time and goes on by itself, whatever that is set to.

    Args:
        wall: returns the time of the wall clock.
        seconds: returns seconds that never go back.
    """
    begin, began = wall(), seconds()
    return lambda: begin + timedelta(seconds=seconds() - began)


@lru_cache(maxsize=4)
def _to_the_second(seconds: int) -> str:
    return rfc3339(seconds).removesuffix("Z")


def moment(text: str) -> datetime:
    """The moment of an RFC 3339 text from any time zone; what is no time is earlier than all."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return EPOCH
    return max(EPOCH, found if found.tzinfo is not None else found.replace(tzinfo=UTC))


def later(one: str, other: str) -> bool:
    """Is one RFC 3339 time later than another? An empty one is earlier than all."""
    return moment(one) > moment(other)


def just_after(text: str) -> str:
    """The microsecond after an RFC 3339 time."""
    return time_of(micros_of(text) + 1)


def micros_of(text: str) -> int:
    """The microseconds of Unix time of an RFC 3339 text."""
    return micros_at(datetime.fromisoformat(text))


def micros_at(time: datetime) -> int:
    """The microseconds of Unix time of a moment."""
    return (time - EPOCH) // _MICROSECOND


def time_of(micros: int) -> str:
    """The RFC 3339 text of microseconds of Unix time."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_to_the_second(seconds)}.{rest:06d}Z"


def seconds_between(since: str, until: str) -> float:
    """Seconds from one RFC 3339 text to another; 0 where one of them is none."""
    try:
        return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()
    except (ValueError, TypeError):  # the latter where only one has a zone
        return 0.0


def rfc3339(seconds: float) -> str:
    """A Unix time to the second, as Kubernetes writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of_http_date(text: str) -> float | None:
    """The Unix time of a `Date` header, for example `Mon, 30 Nov 2026 11:35:50 GMT`; None if it is none."""
    try:
        _, day, month, year, time, zone = text.split()
        number = _MONTHS.index(month) + 1
        return datetime.fromisoformat(f"{year}-{number:02d}-{day}T{time}Z").timestamp() if zone == "GMT" else None
    except ValueError:
        return None


def seconds_of(text: str) -> float:
    """The Unix time of an RFC 3339 text with up to nine digits of a second; 0 for the zero time and what is none."""
    if not text or text.startswith("0001-"):
        return 0.0
    whole, digits = _without_digits(text)
    try:
        return datetime.fromisoformat(whole).timestamp() + (float(f"0.{digits}") if digits else 0.0)
    except ValueError:
        return 0.0


def in_utc(text: str) -> str | None:
    """An RFC 3339 text in UTC, with the digits of a second that it has; None for anything else."""
    if len(text) == _FULL_LENGTH and text.endswith("Z") and text[:4].isdigit():
        return text
    whole, digits = _without_digits(text)
    try:
        time = datetime.fromisoformat(whole)
    except ValueError:
        return None
    if time.tzinfo is None:
        return None
    there = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{there}.{digits}Z" if digits else f"{there}Z"


def order(time: str, other: str) -> int:
    """Is a time in UTC before (-1), at (0) or after (1) another? One in whole seconds is at any time of its second."""
    seconds, _, fraction = time.rstrip("Z").partition(".")
    others, _, other_fraction = other.rstrip("Z").partition(".")
    digits = 9 if fraction else 0  # Go leaves out trailing zeros
    one, two = (seconds, fraction.ljust(digits, "0")), (others, other_fraction.ljust(digits, "0")[:digits])
    return (one > two) - (one < two)


def next_nanosecond(text: str) -> str:
    """The RFC 3339 time in UTC after a text that is one; a text that is none stays."""
    if not (known := in_utc(text)):
        return text
    seconds, nanoseconds = divmod(_nanoseconds(known) + 1, SECOND)
    return f"{rfc3339(seconds).removesuffix('Z')}.{nanoseconds:09d}Z"


def engine_since(text: str) -> str:
    """An RFC 3339 text as the engine takes it in queries: seconds and nanoseconds of Unix time."""
    seconds, nanoseconds = divmod(_nanoseconds(text), SECOND)
    return f"{seconds}.{nanoseconds:09d}"


def podman_since(text: str) -> str:
    """The same for Podman: it rounds such numbers, and leaves out what is of that very nanosecond."""
    seconds, nanoseconds = divmod(_nanoseconds(text) - 1, SECOND)
    return f"{rfc3339(seconds).removesuffix('Z')}.{nanoseconds:09d}Z"


def _nanoseconds(text: str) -> int:
    whole, digits = _without_digits(text)
    return int(seconds_of(whole)) * SECOND + int(f"{digits[:9]:<09s}")


def _without_digits(text: str) -> tuple[str, str]:
    """A text to the second, and the digits of the second's fraction."""
    whole, _, rest = text.partition(".")
    digits = rest[: next((at for at, sign in enumerate(rest) if sign not in "0123456789"), len(rest))]
    return whole + rest[len(digits) :], digits
