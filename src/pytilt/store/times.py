"""Times as objects carry them: RFC 3339 with any number of decimals, and from any time zone."""

from datetime import UTC, datetime

EARLIEST = datetime.min.replace(tzinfo=UTC)


def moment(text: str) -> datetime:
    """The moment of a text; what is no time is earlier than all."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return EARLIEST
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def later(one: str, other: str) -> bool:
    """Is one time later than another? An empty one is earlier than all."""
    return moment(one) > moment(other)
