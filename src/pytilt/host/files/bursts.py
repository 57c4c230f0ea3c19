"""Bursts: while many files are written one after the other, the kernel's events are read more rarely, many at once.

Whoever follows has work for each time that something changed, beside that for each file: what follows a single save at
once takes more of the processors, while a thousand files are written, than the writing.
"""

_QUIET_SECONDS = 0.05
"""When nothing was written for so long, a burst is over."""

_PAUSES = ((200, 0.04), (20, 0.02))
"""From so many files on, events are read so rarely."""


class Bursts:
    """Notices them."""

    def __init__(self) -> None:
        self._files = 0
        """That were written in the present one."""
        self._latest = 0.0
        """When events of one of these were read."""

    def pause(self, written: int, now: float) -> float:
        """How long the next events are to wait; 0: they are read as they come.

        Args:
            written: so many files were written, by the events that were just read.
            now: by the monotonic clock.
        """
        if now - self._latest > _QUIET_SECONDS:
            self._files = 0
        if not written:
            return 0
        self._latest = now
        self._files += written
        return next((pause for files, pause in _PAUSES if self._files > files), 0)
