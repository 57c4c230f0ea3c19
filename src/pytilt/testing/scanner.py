"""A scanner of the log in this process: it does what the workers of a session do."""

import asyncio
from collections.abc import Sequence

from pytilt.store.scanner import Piece, answer
from pytilt.store.scanner_pool import ScanResult, resolve


class InlineScanner:
    """A `LogScanner` that answers at once.

    Args:
        ahead: so many scans are worth asking for at once.
    """

    def __init__(self, ahead: int = 2) -> None:
        self.workers = 1
        self.ahead = ahead

    def scan(
        self, pattern: str, pieces: Sequence[Piece], *, backward: bool = False, enough: int = 1
    ) -> "asyncio.Future[ScanResult]":
        """See `LogScanner`."""
        answered: asyncio.Future[ScanResult] = asyncio.get_running_loop().create_future()
        resolve(answered, pattern, answer((pattern, tuple(pieces), backward, enough)))
        return answered
