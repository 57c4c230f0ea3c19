"""The receiver for containers in which the helper `synclet` runs: frames out, answers in; no process per file."""

import asyncio
import codecs
import contextlib
import secrets
import time
from collections.abc import Iterable, Sequence
from functools import partial

from pytilt.errors import SyncError
from pytilt.host.files.blocks import Blocks
from pytilt.host.timing import note, step
from pytilt.liveupdate.deltas import Delta
from pytilt.liveupdate.helper_stream import FrameSender, HelperAnswers
from pytilt.liveupdate.locking import ReceiverLock
from pytilt.liveupdate.packing import Frames, LargeFile, UnreadFile, read_blocks
from pytilt.liveupdate.passing import PassedBatch
from pytilt.liveupdate.receiver import COMMAND_TITLE, NO_RESTART, NOT_WRITABLE, Batch, Synced
from pytilt.liveupdate.relaying import JOIN_SECONDS, Follower, Leader, Relay, RelayCall, relayed_parts, relayed_size
from pytilt.liveupdate.stalls import StallLimits, stalls_watched
from pytilt.model.images import Run
from pytilt.model.live_updates import Way
from pytilt.model.logs import Log
from pytilt.model.updates import StepName
from pytilt.synclet import frames
from pytilt.synclet.frames import (
    Acknowledged,
    Answer,
    Exit,
    Failed,
    FailureKind,
    FrameError,
    Greeting,
    Listening,
    Missing,
    Printed,
    Started,
)

_KILLED = 137
"""128 + SIGKILL: the container runtime killed it, which is no failure of the command."""

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
        self, answers: HelperAnswers, greeting: Greeting, way: Way, *, zips: bool, limits: StallLimits | None = None
    ) -> None:
        self.way = way
        self.pid = greeting.pid
        self._limits = limits or StallLimits()
        self._zips = zips
        self.restarts = greeting.restarts
        self._answers = answers
        self._turn = ReceiverLock()
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

    def begin(self, batch: Batch) -> PassedBatch | None:
        """See `Receiver.begin`; where an update is carried out, it does not wait for that."""
        follower = self._follower
        if (
            follower is None
            or not (follower.reached and follower.relay.direct)
            or (batch.restart and not self.restarts)
        ):
            return None
        if self.broken or not self._turn.take():
            return None
        self._failed = True  # until it is known to be in order
        self._number += 1
        return PassedBatch(
            follower,
            self._number,
            files_only=not (batch.plan.runs or batch.restart),
            carry_out=partial(self._carry_out, batch),
            release=self._release,
            broken=lambda: self.broken,
        )

    def _release(self, done: bool) -> None:
        self._failed = self._failed and not done
        self._turn.release()

    async def update(self, batch: Batch, log: Log) -> Synced:
        """Carry out a batch; see `Receiver.update`. It goes on after what the helper itself reports as failed."""
        if batch.restart and not self.restarts:
            raise SyncError("the container's program cannot be started again", hint=NO_RESTART)
        async with self._turn:
            if self.broken:
                raise SyncError("the stream into the container is broken")
            self._failed = True  # until it is known to be in order, also when this is cancelled
            return await self._carry_out(batch, await self._relayed(batch), log)

    async def _carry_out(self, batch: Batch, failed: list[Failed] | None, log: Log) -> Synced:
        """Carry out what is left of a batch.

        Args:
            batch: what to do.
            failed: what failed where a leader has brought the files; None: none has.
            log: see `Receiver.update`.
        """
        try:
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

    async def _relayed(self, batch: Batch) -> list[Failed] | None:
        """Get a batch from another helper; returns what failed, None where that one does not bring it."""
        follower = self._follower
        content = await batch.relayed()
        if follower is None or not follower.reached:
            return None
        if follower.relay.direct:
            return await self._passed_on(follower, batch, content)
        if content is None:
            return None
        self._number += 1
        began = time.monotonic()
        failed = await follower.carried(batch.call(follower.relay), self._number, len(content))
        if failed is not None:
            note(StepName.ACKNOWLEDGE, began, time.monotonic())
        return failed

    async def _passed_on(self, follower: Follower, batch: Batch, content: bytes | None) -> list[Failed] | None:
        """Get a batch from the leader on this machine; one that is too large for that in parts, one after the other."""
        parts = relayed_parts(await batch.frames(), batch.plan) if content is None else [[content]]
        failed: list[Failed] | None = None
        sent = 0.0
        for part in parts or ():
            if not follower.reached:
                return None
            began, joined = time.monotonic(), b"".join(part)
            self._number += 1
            call = RelayCall()
            call.add(follower, self._number)
            result = follower.expect(call, self._number, len(joined))
            follower.relay.pass_on(call, joined)
            if not sent:
                sent = time.monotonic()
                note(StepName.SEND, began, sent)
            if failed := await result:
                break
            if failed is None:
                return None
        if failed is not None:
            note(StepName.ACKNOWLEDGE, sent, time.monotonic())
        return failed

    async def _send_files(self, batch: Batch, packed: Frames) -> SyncError | None:
        self._number += 1
        failure: SyncError | _TornError | None = None
        torn = False
        sender = FrameSender(self._answers, zips=self._zips)
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

    async def _send_unread(self, sender: FrameSender, file: UnreadFile) -> bool:
        """Send a file as it is now; false when it is no small file any more."""
        try:
            frame = file.frame()
        except OSError as error:
            raise SyncError(f"`{file.local}` cannot be read any more: {error.strerror}") from error
        if frame:
            await sender.add(frame)
        return frame is not None

    async def _send_large(
        self, sender: FrameSender, batch: Batch, file: LargeFile
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

    async def _send_delta(self, sender: FrameSender, delta: Delta) -> None:
        try:
            for frame in delta.frames():
                await sender.add(frame)
        except OSError as error:
            raise SyncError(f"`{delta.file.local}` cannot be read any more: {error.strerror}") from error

    def _refused(self, failed: Failed) -> "SyncError | _TornError":
        return _TornError() if failed.kind is FailureKind.BASE else _failure(failed)

    async def _send_blocks(self, sender: FrameSender, file: LargeFile, missing: Missing) -> bool:
        """Send what is missing of a file; true when it is no longer the file that was announced."""
        torn = False
        blocks = -(-file.size // file.block)
        bounds = [bound for each in missing.ranges for bound in each]
        if bounds != sorted(bounds) or bounds[-1:] > [blocks] or any(first == end for first, end in missing.ranges):
            raise FrameError("it asks for blocks that there are not, or for some again")
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
    answers: HelperAnswers, way: Way, *, zips: bool, earlier: Iterable[int] = (), limits: StallLimits | None = None
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
