"""How far a log was read, so that after a broken connection no line is lost and none comes twice."""

from pytilt.model.times import in_utc, order


class LogPosition:
    """The place in the log of a container, over its runs and over broken connections.

    A server may send lines again from the beginning of a second, and lines of one and the same moment are counted.

    Args:
        since: RFC 3339; lines before it are not wanted. Empty: all are.
    """

    def __init__(self, since: str = "") -> None:
        self.upto = in_utc(since) or ""
        """The newest time of a line so far."""
        self._run = ""
        self._count = 0
        """Lines of that time that were read."""
        self._begin, self._repeated = self.upto, 0

    @property
    def second(self) -> str:
        """From where on to ask a server that knows whole seconds only; empty: from the start."""
        return f"{self.upto[:19]}Z" if self.upto else ""

    def connect(self, run: str = "") -> None:
        """A connection to a run's log begins at `upto`: first come the lines of that moment again."""
        if self._run != run:
            self._run = run
            if "." not in self.upto:  # in whole seconds, so what another run wrote in the same one is new
                self._count = 0
        self._begin, self._repeated = self.upto, self._count

    def is_new(self, time: str) -> bool:
        """Is a line of the connection new? Times may go back a little where two streams are mixed.

        Args:
            time: as `in_utc` returns it.
        """
        compared = order(time, self._begin)
        if compared < 0:
            return False
        if compared == 0 and self._repeated:
            self._repeated -= 1
            return False
        self._note(time)
        return True

    def _note(self, time: str) -> None:
        compared = order(time, self.upto)
        if compared > 0:
            self.upto, self._count = time, 1
        elif compared == 0:
            self._count += 1
