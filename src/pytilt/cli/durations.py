"""Times on the command line, as Go writes them."""

import re

from pytilt.errors import UserError

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def seconds(text: str, option: str) -> float:
    """A duration such as `90s`, `1h30m` or `0`.

    Raises:
        UserError: it is none; the message names the option.
    """
    if text in ("0", "0s"):
        return 0.0
    parts = PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.removeprefix("-"):
        raise UserError(f"`{option} {text}` is not a duration", hint="for example `90s`, `5m` or `1h30m`")
    total = sum(float(number) * UNITS[unit] for number, unit in parts)
    return -total if text.startswith("-") else total
