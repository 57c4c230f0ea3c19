"""SPDY/3.1 as far as port forwards need it: streams over one connection, each opened without a handshake.

The servers of Kubernetes ignore its flow control: they send whatever the connection takes, and one stream that nobody
reads stops a fifth of all. So a reader that is slow stops the whole connection, which should carry one pair of streams
at a time; what is sent is acknowledged by pings.
"""

import asyncio
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress

from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes.spdy_protocol import (
    CANCEL,
    CONTROL,
    DICTIONARY,
    FIN,
    GOAWAY,
    HEAD_BYTES,
    PING,
    RST_STREAM,
    SYN_REPLY,
    SYN_STREAM,
    SpdyTimeouts,
    SpdyWire,
    control_frame,
    data_frame,
    header_block,
)

_MAX_DATA_BYTES = 32768
"""Of one frame: long ones would keep short ones of other streams waiting."""

BUFFERED_BYTES = 262144
"""So much may wait for a slow reader before the connection is read no further."""

PROBE_PINGS = 5
"""The servers of Kubernetes handle frames in five workers and deal pings out to them in turn: so many reach each."""

_BATCH_FRAMES = 8
_BATCHES = 4
"""So many batches of frames may be under way unacknowledged: fewer than the 50 frames that a worker's queue holds."""

_TURNS = 4


def _closed() -> ClusterUnreachableError:
    return ClusterUnreachableError("the connection to the cluster is closed")


class PingBatch:
    """Pings to every worker of the other side.

    Args:
        numbers: of the pings.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self.waiting = set(numbers)
        self.answered = False
        """Has any come back, so that the other side lives?"""
        self.complete = asyncio.Event()
        """All have come back: what was sent before was consumed. Set as well when the connection closes."""


class SpdyStream:
    """One stream: bytes both ways, each way ended by itself.

    Args:
        connection: carries it.
        number: its id.
        changed: set at everything that happens to it; streams that belong together share one.
    """

    def __init__(self, connection: "SpdyConnection", number: int, changed: asyncio.Event) -> None:
        self._connection = connection
        self._number = number
        self._changed = changed
        self._chunks: list[bytes] = []
        self._finished = False
        self.accepted = False
        """Has the other side replied?"""
        self.awaits_reply = False
        """Does anybody wait for that?"""
        self.ended = False
        """Does nothing come any more, apart from what has arrived already?"""
        self.broken = ""
        """Why it ended before its time: `reset`, or what became of the connection."""

    @property
    def finished(self) -> bool:
        """Has this side said that nothing more will be sent?"""
        return self._finished

    async def send(self, data: bytes) -> None:
        """Send bytes, as fast as the other side consumes them.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        for start in range(0, len(data), _MAX_DATA_BYTES):
            await self._connection.send_data(self._number, data[start : start + _MAX_DATA_BYTES])

    async def finish(self) -> None:
        """Say that nothing more will be sent."""
        if not self._finished:
            self._finished = True
            await self._connection.send_data(self._number, b"", flags=FIN)

    def finish_soon(self) -> None:
        """Say it with what the connection sends next."""
        if not self._finished:
            self._finished = True
            self._connection.hold_end(self._number)

    def take(self) -> bytes:
        """Everything that has arrived, empty when nothing has."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._connection.consumed(len(data))
        return data

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            ClusterUnreachableError: it was reset, or the connection broke.
        """
        while True:
            self._changed.clear()
            if data := self.take():
                return data
            if self.broken:
                raise ClusterUnreachableError(f"the connection to the pod broke: {self.broken}")
            if self.ended:
                return b""
            await self._changed.wait()

    def close(self) -> None:
        """Give the stream up, whatever is still on its way; the other side learns it with what is sent next."""
        self.take()
        self._connection.forget(self._number, cancel=not (self.ended and self._finished))

    def replied(self) -> None:
        """The other side has accepted it."""
        self.accepted = True
        if self.awaits_reply:
            self._changed.set()

    def arrived(self, data: bytes) -> None:
        """Bytes came from the other side."""
        self._chunks.append(data)
        self._changed.set()

    def end(self, broken: str = "") -> None:
        """Nothing more comes: it has ended, or is broken for some reason."""
        if not self.ended:
            self.ended, self.broken = True, broken
        self._changed.set()


class SpdyConnection:
    """The client's side of a connection.

    Args:
        wire: carries the frames.
        timeouts: how long silence is borne.
    """

    def __init__(self, wire: SpdyWire, timeouts: SpdyTimeouts | None = None) -> None:
        self._wire = wire
        self._timeouts = timeouts or SpdyTimeouts()
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._streams: dict[int, SpdyStream] = {}
        self._busy = asyncio.Event()
        """There are streams."""
        self._next = 1
        self._next_ping = 1
        self._buffer = bytearray()
        self._buffered = 0
        self._room = asyncio.Event()
        self._room.set()
        self._received = 0
        """How often something came."""
        self._held = bytearray()
        """Frames that go with what is sent next: each piece that is sent wakes three programs on its way."""
        self._sending = asyncio.Lock()
        self._probes: dict[int, PingBatch] = {}
        self._frames = 0
        self._batches: deque[PingBatch] = deque()
        self.closed = False
        self.usable = True
        """Can streams be opened? Those that are open may go on where it is not."""

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    async def run(self) -> None:
        """Take what comes until the connection is closed or silent; then every stream has ended."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch(), name="ping")
            reading = group.create_task(self._read(), name="read frames")
            await asyncio.wait((watching, reading), return_when=asyncio.FIRST_COMPLETED)
            watching.cancel()
            reading.cancel()

    async def open(self, headers: Mapping[str, str], changed: asyncio.Event | None = None) -> SpdyStream:
        """Open a stream at once; see `begin`."""
        stream = self.begin(headers, changed)
        await self.flush()
        return stream

    def begin(self, headers: Mapping[str, str], changed: asyncio.Event | None = None) -> SpdyStream:
        """Open a stream with what is sent next, at `flush` at the latest; what is refused ends at once.

        Args:
            headers: names in lower case.
            changed: what to set at everything that happens to it.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        if self.closed:
            raise _closed()
        number, self._next = self._next, self._next + 2
        stream = self._streams[number] = SpdyStream(self, number, changed or asyncio.Event())
        self._busy.set()
        # Held in this order, so that no header overtakes another: the state of the compressor is part of the wire.
        payload = struct.pack("!IIH", number, 0, 0) + self._compressed(headers)
        self._held += control_frame(SYN_STREAM, payload)
        return stream

    async def flush(self) -> None:
        """Send what is held.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        if self._held:
            await self._send(b"")

    def hold_end(self, number: int) -> None:
        """Say with what is sent next that a stream sends nothing more."""
        self._frames += 1
        self._held += data_frame(number, b"", FIN)

    async def probe(self) -> PingBatch:
        """Ping every worker of the other side.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        probe = self._hold_probe()
        await self.flush()
        return probe

    def _hold_probe(self) -> PingBatch:
        """The pings go with what is sent next; their answers acknowledge every frame before them."""
        self._frames = 0
        numbers = range(self._next_ping, self._next_ping + 2 * PROBE_PINGS, 2)
        self._next_ping += 2 * PROBE_PINGS
        probe = PingBatch(numbers)
        for number in numbers:
            self._probes[number] = probe
        self._held += b"".join(control_frame(PING, struct.pack("!I", number)) for number in numbers)
        return probe

    async def send_data(self, number: int, data: bytes, *, flags: int = 0) -> None:
        """Send a data frame of a stream, once the other side has consumed enough of those before.

        SPDY has windows for that, but the servers of Kubernetes know none. Their workers answer pings in the order of
        frames, so that the answer to a probe acknowledges what was sent before it.
        """
        if self._frames >= _BATCH_FRAMES:
            self._batches.append(self._hold_probe())
        self._frames += 1
        while self._batches and (len(self._batches) >= _BATCHES or self._batches[0].complete.is_set()):
            await self._batches[0].complete.wait()
            self._batches.popleft()
        await self._send(data_frame(number, data, flags))

    def forget(self, number: int, *, cancel: bool) -> None:
        """Take no more of a stream; reset it, with what is sent next, if the other side does not know."""
        known = self._streams.pop(number, None)
        if not self._streams:
            self._busy.clear()
        if cancel and known is not None and not self.closed:
            self._held += control_frame(RST_STREAM, struct.pack("!II", number, CANCEL))

    def consumed(self, size: int) -> None:
        """So many bytes of a stream were read."""
        self._buffered -= size
        if self._buffered < BUFFERED_BYTES:
            self._room.set()

    async def _read(self) -> None:
        try:
            while not self.closed:
                await self._room.wait()
                self._buffer += await self._wire.receive_bytes()
                self._received += 1
                await self._take_frames()
                if self._buffered >= BUFFERED_BYTES:
                    self._room.clear()
        except (EOFError, ClusterUnreachableError):
            pass
        finally:
            self._lose("the cluster closed it")

    async def _watch(self) -> None:
        """Return once the other side is silent though it was pinged and can answer."""
        while not self.closed:
            await self._busy.wait()
            if await self._receives(self._timeouts.quiet) or not self._room.is_set() or not self._streams:
                continue
            if not self._probes:
                with suppress(ClusterUnreachableError):  # then reading ends too
                    await self.probe()
            elif all(probe.answered for probe in self._probes.values()):
                continue  # it lives, and a worker of it waits for a program that does not read
            if not await self._receives_by_turns(self._timeouts.answer) and self._room.is_set():
                self._lose(f"no answer to a ping for {self._timeouts.answer:g} s")
                return

    async def _receives_by_turns(self, seconds: float) -> bool:
        """Wait in several turns, so that a process that was stopped for long gives the answer time to be read."""
        for _ in range(_TURNS):
            if await self._receives(seconds / _TURNS):
                return True
        return False

    async def _receives(self, seconds: float) -> bool:
        before = self._received
        await asyncio.sleep(seconds)
        return self._received != before

    def _lose(self, why: str) -> None:
        self.closed, self.usable = True, False
        for stream in self._streams.values():
            stream.end(why)
        for probe in self._probes.values():
            probe.complete.set()

    async def _send(self, frames: bytes) -> None:
        async with self._sending:
            if self.closed:
                raise _closed()
            held, self._held = bytes(self._held), bytearray()
            await self._wire.send_bytes(held + frames)

    async def _take_frames(self) -> None:
        start, whole = 0, bytes(self._buffer)
        while len(whole) - start >= HEAD_BYTES:
            head, rest = struct.unpack_from("!II", whole, start)
            flags, end = rest >> 24, start + HEAD_BYTES + (rest & 0xFFFFFF)
            if len(whole) < end:
                break
            payload = whole[start + HEAD_BYTES : end]
            start = end
            if head & CONTROL:
                await self._take_control(head & 0xFFFF, flags, payload)
            else:
                self._take_data(head, flags, payload)
        del self._buffer[:start]

    def _take_data(self, number: int, flags: int, payload: bytes) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return  # it was given up
        if payload:
            self._buffered += len(payload)
            stream.arrived(payload)
        if flags & FIN:
            stream.end()

    async def _take_control(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == PING:
            await self._take_ping(payload)
        elif kind == GOAWAY:
            self.usable = False
        elif kind in (RST_STREAM, SYN_REPLY) and len(payload) >= 4:
            stream = self._streams.get(struct.unpack_from("!I", payload)[0])
            if stream is not None and kind == RST_STREAM:
                stream.end("reset")
            elif stream is not None:
                stream.replied()
                if flags & FIN:
                    stream.end()

    async def _take_ping(self, payload: bytes) -> None:
        number = int.from_bytes(payload, "big")
        if number % 2 == 0:  # of the other side
            await self._send(control_frame(PING, payload))
        elif probe := self._probes.pop(number, None):
            probe.answered = True
            probe.waiting.discard(number)
            if not probe.waiting:
                probe.complete.set()

    def _compressed(self, headers: Mapping[str, str]) -> bytes:
        block = header_block(headers)
        return self._deflate.compress(block) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
