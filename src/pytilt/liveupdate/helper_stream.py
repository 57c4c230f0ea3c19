"""The stream to a helper in a container: messages out, as fast as it takes them, and what it says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from pytilt.cluster.seam import ExecStream
from pytilt.errors import NodeUnreachableError, PytiltError, SyncError
from pytilt.liveupdate.relaying import Relay
from pytilt.liveupdate.stalls import StallClock
from pytilt.synclet import frames
from pytilt.synclet.frames import Answer, Consumed, Decoder, FrameError, Relayed

_MESSAGE_BYTES = 128 * 1024
"""Frames are put together to messages of about this size."""

_ZIPPED_BYTES = 16 * 1024
"""From this size on a message is compressed on its way to a cluster."""

_WINDOW_BYTES = 4 * 1024 * 1024
"""So much may be on its way before the helper has to say that it took some of it."""

_UNREAD = 64
"""So many answers are held that nobody has asked for yet; no more is read of a stream that says more."""

_LINE_BYTES = 64 * 1024
"""No line before the frames is longer."""


class FrameSender:
    """Puts frames together to messages, and compresses long ones while that makes them shorter.

    Args:
        answers: the stream.
        zips: is what is sent to be compressed?
    """

    def __init__(self, answers: "HelperAnswers", *, zips: bool) -> None:
        self._answers = answers
        self._frames: list[bytes] = []
        self._size = 0
        self._zips = zips

    async def add(self, frame: bytes) -> None:
        """Send a frame, with others before and after it."""
        self._frames.append(frame)
        self._size += len(frame)
        if self._size >= _MESSAGE_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Send what is put together so far."""
        message = b"".join(self._frames)
        self._frames, self._size = [], 0
        if self._zips and len(message) >= _ZIPPED_BYTES:
            zipped = frames.zipped(message)
            self._zips = len(zipped) < 0.9 * len(message)
            message = min(message, zipped, key=len)
        if message:
            await self._answers.send(message)


class HelperAnswers:
    """The helper's side of a stream, read all the time, so that its end is noticed between updates too."""

    def __init__(self, stream: ExecStream) -> None:
        self.end = asyncio.Event()
        self.waits = StallClock()
        self.relay = Relay()
        self._stream = stream
        self._failure: PytiltError | FrameError | None = None
        self._said = ""
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue(_UNREAD)
        self._peeked: bytes | None = None
        self._beginning: bytearray | None = bytearray()  # what came before frames and is no whole line yet
        self._decoder = Decoder()
        self._items: asyncio.Queue[Answer | None] = asyncio.Queue(_UNREAD)
        self._sent = self._consumed = 0
        self._taken = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Will no more answers come?"""
        return self.end.is_set()

    async def peek_line(self) -> bytes:
        """The next line, which `line` returns too."""
        if self._peeked is None:
            self._peeked = await self._lines.get()
        if self._peeked is None:
            raise self._reason()
        return self._peeked

    async def line(self) -> bytes:
        """The next line that comes before the frames, without its end; the last of them is the greeting."""
        line = await self.peek_line()
        self._peeked = None
        return line

    async def next(self) -> Answer:
        """The next answer."""
        if self._items.empty() and not self.ended:
            with self.waits.waiting():
                item = await self._items.get()
        else:
            item = None if self._items.empty() else self._items.get_nowait()
        if item is None:
            raise self._reason()
        return item

    async def send(self, message: bytes) -> None:
        """Send as fast as the helper takes it; who reads from a stream that broke gets the error."""
        with contextlib.suppress(PytiltError, OSError, EOFError):
            for start in range(0, len(message), _MESSAGE_BYTES):
                part = message[start : start + _MESSAGE_BYTES]
                self._sent += len(part)
                while self._sent - self._consumed > _WINDOW_BYTES and not self.ended:
                    self._taken.clear()
                    with self.waits.waiting():
                        await self._taken.wait()
                if self.ended:
                    return
                with self.waits.waiting():
                    await self._stream.send(part)

    async def send_raw(self, data: bytes) -> None:
        """Send what is no frame."""
        with contextlib.suppress(PytiltError, OSError, EOFError):
            for start in range(0, len(data), _MESSAGE_BYTES):
                if self.ended:
                    return
                await self._stream.send(data[start : start + _MESSAGE_BYTES])

    async def fill(self) -> None:
        """Read until the stream ends."""
        try:
            with contextlib.suppress(EOFError, OSError):
                while True:
                    channel, data = await self._stream.receive()
                    if channel == 1:
                        await self._take(data)
                    else:
                        self._said = (self._said + data.decode(errors="replace"))[-2000:]
        except (PytiltError, FrameError) as error:
            self._failure = error
        finally:
            self.end.set()
            self.relay.end()
            self._taken.set()
            for waited in (self._items, self._lines):
                with contextlib.suppress(asyncio.QueueFull):  # nobody waits for what is full
                    waited.put_nowait(None)

    async def _take(self, data: bytes) -> None:
        self.waits.moved()
        if self._beginning is not None:
            self._beginning += data
            while self._beginning is not None and (end := self._beginning.find(b"\n")) >= 0:
                line = bytes(self._beginning[:end])
                del self._beginning[: end + 1]
                await self._lines.put(line)
                if frames.read_greeting(line) is not None:
                    data, self._beginning = bytes(self._beginning), None
            if self._beginning is not None:
                if len(self._beginning) > _LINE_BYTES:
                    raise FrameError(f"a line of more than {_LINE_BYTES} bytes")
                return
        for answer in self._decoder.feed(data):
            if isinstance(answer, Consumed):
                self._consumed = answer.count
                self._taken.set()
            elif isinstance(answer, Relayed):
                self.relay.take(answer.number, answer.answer)
            else:
                await self._items.put(answer)

    def _reason(self) -> SyncError:
        said = f": {self._said.strip()}" if self._said.strip() else ""
        if isinstance(self._failure, NodeUnreachableError):
            return NodeUnreachableError(self._failure.message)
        if isinstance(self._failure, PytiltError):
            return SyncError(f"{self._failure.message}{said}", hint=self._failure.hint)
        if self._failure is not None:
            return SyncError(f"the helper in the container answered wrongly: {self._failure}{said}")
        status = self._stream.exit_status
        status_text = "" if status is None else f" (exit status {status})"
        return SyncError(f"the stream into the container ended{status_text}{said}")


@contextlib.asynccontextmanager
async def listening(stream: ExecStream) -> AsyncIterator[HelperAnswers]:
    """Read what a helper says, or will once it is there, for as long as the block runs."""
    answers = HelperAnswers(stream)
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(answers.fill(), name="listen to a helper")
        try:
            yield answers
        except BaseException as error:  # noqa: BLE001 - raised again below, but not as a group
            failure = error
        reading.cancel()
    if failure:
        raise failure
