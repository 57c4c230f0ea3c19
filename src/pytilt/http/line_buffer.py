"""Lines out of pieces of bytes."""


class LineBuffer:
    """Takes pieces as they come, and yields the lines that are whole.

    What has begun is joined once, when its end has come: a line of a log can have a hundred megabytes.
    """

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that this piece ends, without their ends."""
        if b"\n" not in piece:
            self._begun.append(piece)
            return []
        *lines, rest = b"".join((*self._begun, piece)).split(b"\n")
        self._begun = [rest]
        return lines

    @property
    def rest(self) -> bytes:
        """The line that has begun."""
        return b"".join(self._begun)
