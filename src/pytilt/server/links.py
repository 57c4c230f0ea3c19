"""Links that let one browser in, once."""

import secrets
import time
from collections.abc import Callable

LIFE_SECONDS = 600.0
"""A link that nobody has opened by then is worth nothing any more."""


class OneTimeLinks:
    """The codes in links that were given out and not opened yet.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def create(self) -> str:
        """A new code, of 192 random bits."""
        code = secrets.token_urlsafe(24)
        self._until[code] = self._clock() + LIFE_SECONDS
        return code

    def use(self, code: str) -> bool:
        """Is the code good? It is not a second time."""
        until = self._until.pop(code, 0.0)
        return self._clock() < until
