"""Times on the command line, as Go writes them."""

from pytilt.errors import UserError
from pytilt.model.times import duration_of


def seconds(text: str, option: str) -> float:
    """A duration such as `90s`, `1h30m` or `0`.

    Raises:
        UserError: it is none; the message names the option.
    """
    found = duration_of(text)
    if found is None:
        raise UserError(f"`{option} {text}` is not a duration", hint="for example `90s`, `5m` or `1h30m`")
    return found
