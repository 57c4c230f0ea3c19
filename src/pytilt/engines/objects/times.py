"""Points in time as Kubernetes and the engine write them."""

from datetime import UTC, datetime

SECOND = 10**9
"""Nanoseconds."""


def rfc3339(seconds: float) -> str:
    """A Unix time to the second, as Kubernetes writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float:
    """The Unix time of an RFC 3339 text with up to nine digits of a second; 0 for an empty one or the zero time."""
    if not text or text.startswith("0001-"):
        return 0.0
    whole, digits = _without_digits(text)
    return datetime.fromisoformat(whole).timestamp() + (float(f"0.{digits}") if digits else 0.0)


def in_utc(text: str) -> str:
    """An RFC 3339 text in UTC, with the digits that it has: Podman takes the zone of its machine."""
    if text.endswith("Z"):
        return text
    whole, digits = _without_digits(text)
    there = datetime.fromisoformat(whole).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{there}.{digits}Z" if digits else f"{there}Z"


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
    digits = rest[: next((at for at, sign in enumerate(rest) if not sign.isdigit()), len(rest))]
    return whole + rest[len(digits) :], digits
