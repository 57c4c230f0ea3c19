"""A wire on which the other side says what it was given."""

from pytilt.http.wires import BrokenWireError


class ScriptedWire:
    """Says one piece after the other, then ends; reads only so many bytes."""

    def __init__(self, *said: bytes, reads: int = 1000) -> None:
        self.sent = b""
        self.closed = False
        self.ended = False
        """Has the other side closed it while nobody asked?"""
        self._said = list(said)
        self._reads = reads

    async def send(self, data: bytes) -> None:
        self.sent += data
        if len(self.sent) > self._reads:
            raise BrokenWireError("broken pipe")

    async def receive(self) -> bytes:
        return self._said.pop(0) if self._said else b""

    def end_sending(self) -> None: ...

    def silent(self) -> bool:
        return not self.ended

    def close(self) -> None:
        self.closed = True
