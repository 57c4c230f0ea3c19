"""The seam to the file watcher."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from pytilt.model.files import FileRule


class Changes(NamedTuple):
    """What changed at one moment."""

    paths: Mapping[str, frozenset[str]]
    """For each key the absolute paths that were created, written, deleted, moved or had their mode changed."""
    created: frozenset[str] = frozenset()
    """Those of them that were not there before, as far as is known."""
    warning: str = ""
    """What the user should know about how files are watched: that the system's limit is reached, for example."""
    seen: float = 0.0
    """When the first of the kernel's events was read, by the monotonic clock; 0 where nobody knows."""
    held: frozenset[str] = frozenset()
    """The keys of which more has changed, which is held back while git is at work."""


class Watcher(Protocol):
    """Watches files for any number of keys. The real one is an async context manager."""

    async def update(self, rules: Mapping[str, Sequence[FileRule]]) -> None:
        """Watch exactly these rules; keys whose rules are as before cost nothing.

        Returns when every watch is there: no later change is missed. Where the system allows no more watches,
        directories are looked at every second instead.

        Args:
            rules: everything that is wanted, by key.

        Raises:
            UserError: a pattern cannot be read. Nothing is changed then.
        """
        ...

    def changes(self) -> AsyncIterator[Changes]:
        """Yield what changed since the last item, without end; for one reader."""
        ...

    async def flush(self) -> None:
        """Have the reader of `changes` know all that happened before; return when it waits for more."""
        ...

    def read(self) -> bool:
        """Read what the system has to report; returns whether the reader of `changes` has all that is complete.

        What is still being written or held back does not count, and where the system reports late, nothing does.
        """
        ...

    async def taken(self) -> None:
        """Wait until the reader of `changes` has all that was read."""
        ...

    def fingerprint(self, path: str) -> bytes:
        """What is at a path at this moment: equal for equal contents, `ABSENT` for nothing. Reads the file."""
        ...
