"""Points in time as Kubernetes and the engine write them."""

from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """A Unix time to the second, as Kubernetes writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float:
    """The Unix time of an RFC 3339 text with up to nine digits of a second; 0 for an empty one or the zero time."""
    if not text or text.startswith("0001-"):
        return 0.0
    whole, dot, rest = text.partition(".")
    if not dot:
        return datetime.fromisoformat(text).timestamp()
    digits = rest[: next((at for at, sign in enumerate(rest) if not sign.isdigit()), len(rest))]
    zone = rest[len(digits) :]
    return datetime.fromisoformat(whole + zone).timestamp() + float(f"0.{digits}")


def without_fraction(text: str) -> str:
    """The engine's time as Kubernetes writes it."""
    return rfc3339(seconds_of(text)) if seconds_of(text) else ""


def engine_since(text: str) -> str:
    """An RFC 3339 text as the engine takes it in queries: seconds and nanoseconds of Unix time."""
    whole, dot, rest = text.partition(".")
    digits = "".join(sign for sign in rest.rstrip("Z") if sign.isdigit())[:9] if dot else ""
    base = whole if not dot else whole + "Z"
    return f"{int(seconds_of(base))}.{digits:<09s}" if digits else f"{int(seconds_of(base))}.000000000"
