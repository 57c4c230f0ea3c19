"""The receiver for containers in which the helper `synclet` runs: frames out, answers in; no process per file."""

import asyncio
import codecs
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial

from pytilt.cluster.seam import ExecStream
from pytilt.errors import PytiltError, SyncError
from pytilt.host.files.blocks import Blocks
from pytilt.host.timing import note, step
from pytilt.liveupdate.deltas import Delta
from pytilt.liveupdate.packing import Frames, LargeFile, UnreadFile, read_blocks
from pytilt.liveupdate.receiver import COMMAND_TITLE, NO_RESTART, NOT_WRITABLE, Batch, Synced
from pytilt.liveupdate.relaying import JOIN_SECONDS, Follower, Leader, Relay, relayed_frames, relayed_size
from pytilt.liveupdate.stalls import StallClock, StallLimits, stalls_watched
from pytilt.model.images import Run
from pytilt.model.live_updates import Way
from pytilt.model.logs import Log
from pytilt.model.updates import StepName
from pytilt.synclet import frames
from pytilt.synclet.frames import (
    Acknowledged,
    Answer,
    Consumed,
    Decoder,
    Exit,
    Failed,
    FailureKind,
    FrameError,
    Greeting,
    Listening,
    Missing,
    Printed,
    Relayed,
    Started,
)

_KILLED = 137
"""128 + SIGKILL: the container runtime killed it, which is no failure of the command."""

_MESSAGE_BYTES = 128 * 1024
"""Frames are put together to messages of about this size."""

_ZIPPED_BYTES = 16 * 1024
"""From this size on a message is compressed on its way to a cluster."""

_WINDOW_BYTES = 4 * 1024 * 1024
"""So much may be on its way before the helper has to say that it took some of it."""

_BASES = 16
"""Large files of which it is remembered what they consist of in the container."""

_TRIES = 3
"""How often a batch is packed whose files change while they are sent."""


class _TornError(Exception):
    """A file changed after it was packed, or the container has another version than the one that it was made of."""


class HelperReceiver:
    """A `Receiver` that is the helper. Made by `open_helper`.

    Args:
        answers: what the helper says.
        greeting: what it said first.
        way: how it came into the container.
        zips: is what is sent to be compressed?
        limits: how long the container may take nothing.
    """

    def __init__(
        self, answers: "Answers", greeting: Greeting, way: Way, *, zips: bool, limits: StallLimits | None = None
    ) -> None:
        self.way = way
        self.pid = greeting.pid
        self._limits = limits or StallLimits()
        self._zips = zips
        self.restarts = greeting.restarts
        self._answers = answers
        self._turn = asyncio.Lock()
        self._failed = False
        self._number = 0
        self._bases: dict[str, Blocks] = {}
        """What the large files consist of that this helper has written."""
        self._follower: Follower | None = None

    @property
    def broken(self) -> bool:
        """Has it ended or failed, so that another one is to be opened?"""
        return self._failed or self._answers.ended

    @property
    def leader(self) -> Leader:
        """See `Receiver.leader`."""
        return self

    @property
    def relay(self) -> Relay:
        """What it passes on to other helpers."""
        return self._answers.relay

    async def closed(self) -> None:
        """See `Receiver.closed`."""
        await self._answers.end.wait()

    async def follow(
        self, leader: Leader, host: str, taken: Sequence[int] = (), *, seconds: float = JOIN_SECONDS
    ) -> Follower | None:
        """See `Receiver.follow`. Updates that the two carry out first do not count for the time that it may take."""
        follower = leader.relay.follower()
        key = secrets.token_bytes(frames.KEY_SIZE)
        try:
            with contextlib.suppress(TimeoutError, SyncError, FrameError):
                if port := await self._listen(key, taken, seconds):
                    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                    await leader.introduce(follower, key, address, seconds)
                    async with asyncio.timeout(seconds):
                        await asyncio.shield(follower.joined)
        finally:
            if not follower.reached:
                leader.relay.give_up(follower)
        if not follower.reached:
            return None
        before, self._follower = self._follower, follower
        if before is not None:
            before.relay.give_up(before)
        return follower

    async def _listen(self, key: bytes, taken: Sequence[int], seconds: float) -> int:
        """Have the helper open a port; returns which one, 0 for none."""
        async with self._turn:
            if self.broken:
                return 0
            self._failed = True  # until it has answered
            async with asyncio.timeout(seconds):
                await self._answers.send(frames.listen(key, taken))
                answer = await self._answers.next()
            if not isinstance(answer, Listening):
                raise FrameError(f"unexpected {type(answer).__name__}")
            self._failed = False
        return answer.port

    async def introduce(self, follower: Follower, key: bytes, address: str, seconds: float) -> None:
        """See `Leader.introduce`."""
        async with self._turn, asyncio.timeout(seconds):
            await self._answers.send(frames.join(follower.number, key, address))

    async def update(self, batch: Batch, log: Log) -> Synced:
        """Carry out a batch; see `Receiver.update`. It goes on after what the helper itself reports as failed."""
        if batch.restart and not self.restarts:
            raise SyncError("the container's program cannot be started again", hint=NO_RESTART)
        async with self._turn:
            if self.broken:
                raise SyncError("the stream into the container is broken")
            self._failed = True  # until it is known to be in order, also when this is cancelled
            try:
                failed = await self._relayed(batch, await batch.frames())
                if failed is None:
                    async with stalls_watched(self._answers.waits, log, self._limits):
                        failure = await self._files(batch)
                else:
                    failure = _failure(failed[0]) if failed else None
                result = Synced() if failure else await self._commands(batch.plan.runs, log)
                if not failure and result.ok and batch.restart:
                    with step(StepName.RESTART):
                        failure = await self._restart()
            except FrameError as error:
                raise SyncError(f"the helper in the container answered wrongly: {error}") from error
            self._failed = False
        if failure:
            raise failure
        return result

    async def _files(self, batch: Batch) -> SyncError | None:
        """Delete and copy through the stream; packs again what changes meanwhile."""
        for _ in range(_TRIES):
            try:
                return await self._send_files(batch, await batch.frames())
            except _TornError:
                batch.pack_again()
        return SyncError("the files change all the time while they are sent")

    async def _relayed(self, batch: Batch, packed: Frames) -> list[Failed] | None:
        """Get a batch from another helper; returns what failed, None where that one does not bring it."""
        size = relayed_size(packed, batch.plan)
        if self._follower is None or not self._follower.reached or size is None:
            return None
        self._number += 1
        began = time.monotonic()
        call = batch.call(self._follower.relay)
        pack = partial(relayed_frames, packed, batch.plan)
        failed = await self._follower.carried(call, self._number, size, pack)
        if failed is not None:
            if call.sent is not None:
                note(StepName.SEND, began, call.sent)
            note(StepName.ACKNOWLEDGE, call.sent or began, time.monotonic())
        return failed

    async def _send_files(self, batch: Batch, packed: Frames) -> SyncError | None:
        self._number += 1
        failure: SyncError | _TornError | None = None
        torn = False
        sender = _Sender(self._answers, zips=self._zips)
        began = time.monotonic()
        if (size := relayed_size(packed, batch.plan)) is not None:
            await sender.add(await self.relay.beginning(batch.call(self.relay), size))
        await sender.add(packed.clearing)
        for deletion in (*batch.plan.deletions, *packed.vanished):
            await sender.add(frames.delete(deletion.remote))
        for content in packed.content:
            if isinstance(content, bytes):
                await sender.add(content)
            elif isinstance(content, UnreadFile):
                torn = not await self._send_unread(sender, content) or torn
            else:
                failed, same = await self._send_large(sender, batch, content)
                failure, torn = failure or failed, torn or not same
        await sender.add(frames.commit(self._number))
        await sender.flush()
        note(StepName.SEND, began, time.monotonic())
        with step(StepName.ACKNOWLEDGE):
            while not isinstance(answer := await self._answers.next(), Acknowledged):
                failure = failure or self._refused(_failed(answer))
        if answer.number != self._number:
            raise FrameError(f"batch {answer.number} was acknowledged instead of {self._number}")
        if torn or isinstance(failure, _TornError):
            self._bases.clear()
            raise _TornError
        if failure is None:
            self._remember(packed)
        return failure

    def _remember(self, packed: Frames) -> None:
        """Note what the large files consist of that the helper has now."""
        for content in packed.content:
            if isinstance(content, LargeFile):
                self._bases.pop(content.remote, None)
                self._bases[content.remote] = content.blocks
        while len(self._bases) > _BASES:
            del self._bases[next(iter(self._bases))]

    async def _send_unread(self, sender: "_Sender", file: UnreadFile) -> bool:
        """Send a file as it is now; false when it is no small file any more."""
        try:
            frame = file.frame()
        except OSError as error:
            raise SyncError(f"`{file.local}` cannot be read any more: {error.strerror}") from error
        if frame:
            await sender.add(frame)
        return frame is not None

    async def _send_large(
        self, sender: "_Sender", batch: Batch, file: LargeFile
    ) -> "tuple[SyncError | _TornError | None, bool]":
        """Send what the container lacks of a file; returns what failed there, and whether it is still the same here."""
        if delta := await batch.delta(file, self._bases.get(file.remote)):
            await self._send_delta(sender, delta)
            return None, True
        failure: SyncError | _TornError | None = None
        await sender.add(file.announcement())
        await sender.flush()
        while not isinstance(answer := await self._answers.next(), Missing):
            failure = failure or self._refused(_failed(answer))
        return failure, not await self._send_blocks(sender, file, answer)

    async def _send_delta(self, sender: "_Sender", delta: Delta) -> None:
        try:
            for frame in delta.frames():
                await sender.add(frame)
        except OSError as error:
            raise SyncError(f"`{delta.file.local}` cannot be read any more: {error.strerror}") from error

    def _refused(self, failed: Failed) -> "SyncError | _TornError":
        return _TornError() if failed.kind is FailureKind.BASE else _failure(failed)

    async def _send_blocks(self, sender: "_Sender", file: LargeFile, missing: Missing) -> bool:
        """Send what is missing of a file; true when it is no longer the file that was announced."""
        torn = False
        blocks = -(-file.size // file.block)
        if any(not first < end <= blocks for first, end in missing.ranges):
            raise FrameError("it asks for blocks that there are not")
        try:
            for frame, same in read_blocks(file, missing.ranges):
                torn = torn or not same
                await sender.add(frame)
        except OSError as error:
            raise SyncError(f"`{file.local}` cannot be read any more: {error.strerror}") from error
        return torn

    async def _commands(self, runs: tuple[Run, ...], log: Log) -> Synced:
        for number, run in enumerate(runs, 1):
            if not run.echo_off:
                log(f"{COMMAND_TITLE}{number}/{len(runs)}] {run.shown}\n")
            with step(StepName.RUN, run.shown):
                status = await self._command(run, log)
            if status == _KILLED:
                raise SyncError(f"command `{run.shown}` was killed by the container runtime (exit status 137)")
            if status:
                return Synced(failed=run, exit_status=status)
        return Synced()

    async def _command(self, run: Run, log: Log) -> int:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        await self._answers.send(frames.run(run.argv))
        while True:
            match await self._answers.next():
                case Printed(data=data):
                    if text := decoder.decode(data):
                        log(text)
                case Exit(status=status):
                    if text := decoder.decode(b"", final=True):
                        log(text)
                    return status
                case other:
                    raise FrameError(f"unexpected {type(other).__name__}")

    async def _restart(self) -> SyncError | None:
        await self._answers.send(frames.restart())
        match await self._answers.next():
            case Started():
                return None
            case Failed() as failed:
                return SyncError(f"the container's program was not started again: {failed.message}", hint=NO_RESTART)
            case other:
                raise FrameError(f"unexpected {type(other).__name__}")


async def greet(
    answers: "Answers", way: Way, *, zips: bool, earlier: Iterable[int] = (), limits: StallLimits | None = None
) -> HelperReceiver:
    """Begin to speak with a helper; see `HelperReceiver`, which it becomes.

    Args:
        answers: what the helper says.
        way: how it came into the container.
        zips: is what is sent to be compressed?
        earlier: process ids of helpers of earlier streams in the same container, which are ended.
        limits: how long the container may take nothing.

    Raises:
        SyncError: what answers is no helper, or one of another version.
    """
    line = await answers.line()
    greeting = frames.read_greeting(line)
    if greeting is None:
        raise SyncError(f"the container answered `{line.decode(errors='replace')[:200]}`, which no helper says")
    if greeting.version != frames.VERSION:
        raise SyncError(f"the helper in the container speaks version {greeting.version}, not {frames.VERSION}")
    await answers.send(frames.hello() + b"".join(map(frames.end, earlier)))
    return HelperReceiver(answers, greeting, way, zips=zips, limits=limits)


class _Sender:
    """Puts frames together to messages, and compresses long ones while that makes them shorter.

    Args:
        answers: the stream.
        zips: is what is sent to be compressed?
    """

    def __init__(self, answers: "Answers", *, zips: bool) -> None:
        self._answers = answers
        self._frames: list[bytes] = []
        self._size = 0
        self._zips = zips

    async def add(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._size += len(frame)
        if self._size >= _MESSAGE_BYTES:
            await self.flush()

    async def flush(self) -> None:
        message = b"".join(self._frames)
        self._frames, self._size = [], 0
        if self._zips and len(message) >= _ZIPPED_BYTES:
            zipped = frames.zipped(message)
            self._zips = len(zipped) < 0.9 * len(message)
            message = min(message, zipped, key=len)
        if message:
            await self._answers.send(message)


class Answers:
    """The helper's side of a stream, read all the time, so that its end is noticed between updates too."""

    def __init__(self, stream: ExecStream) -> None:
        self.end = asyncio.Event()
        self.waits = StallClock()
        self.relay = Relay()
        self._stream = stream
        self._failure: PytiltError | FrameError | None = None
        self._said = ""
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._peeked: bytes | None = None
        self._beginning: bytearray | None = bytearray()  # what came before frames and is no whole line yet
        self._decoder = Decoder()
        self._items: asyncio.Queue[Answer | None] = asyncio.Queue()
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
                        self._take(data)
                    else:
                        self._said = (self._said + data.decode(errors="replace"))[-2000:]
        except (PytiltError, FrameError) as error:
            self._failure = error
        finally:
            self.end.set()
            self.relay.end()
            self._taken.set()
            self._items.put_nowait(None)
            self._lines.put_nowait(None)

    def _take(self, data: bytes) -> None:
        self.waits.moved()
        if self._beginning is not None:
            self._beginning += data
            while self._beginning is not None and (end := self._beginning.find(b"\n")) >= 0:
                line = bytes(self._beginning[:end])
                del self._beginning[: end + 1]
                self._lines.put_nowait(line)
                if frames.read_greeting(line) is not None:
                    data, self._beginning = bytes(self._beginning), None
            if self._beginning is not None:
                return
        for answer in self._decoder.feed(data):
            if isinstance(answer, Consumed):
                self._consumed = answer.count
                self._taken.set()
            elif isinstance(answer, Relayed):
                self.relay.take(answer.number, answer.answer)
            else:
                self._items.put_nowait(answer)

    def _reason(self) -> SyncError:
        said = f": {self._said.strip()}" if self._said.strip() else ""
        if isinstance(self._failure, PytiltError):
            return SyncError(f"{self._failure.message}{said}", hint=self._failure.hint)
        if self._failure is not None:
            return SyncError(f"the helper in the container answered wrongly: {self._failure}{said}")
        status = self._stream.exit_status
        status_text = "" if status is None else f" (exit status {status})"
        return SyncError(f"the stream into the container ended{status_text}{said}")


@contextlib.asynccontextmanager
async def listening(stream: ExecStream) -> AsyncIterator[Answers]:
    """Read what a helper says, or will once it is there, for as long as the block runs."""
    answers = Answers(stream)
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


def _failed(answer: Answer) -> Failed:
    if not isinstance(answer, Failed):
        raise FrameError(f"unexpected {type(answer).__name__}")
    return answer


def _failure(failed: Failed) -> SyncError:
    message = f"copying changed files: {failed.message}"
    match failed.kind:
        case FailureKind.DENIED:
            return SyncError(message, hint=NOT_WRITABLE)
        case FailureKind.FULL:
            return SyncError(message, hint="the container's file system is full")
    return SyncError(message)
