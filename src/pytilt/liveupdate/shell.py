"""The receiver for containers that have a shell: one long-lived program that carries out updates as they are sent."""

import asyncio
import codecs
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence

from pytilt.cluster.seam import ContainerRef, Containers, ExecStream
from pytilt.errors import PytiltError, SyncError
from pytilt.host.timing import Laps, step
from pytilt.liveupdate.archive import Archive
from pytilt.liveupdate.receiver import (
    COMMAND_TITLE,
    NO_RESTART,
    NOT_WRITABLE,
    OPEN_TIMEOUT_SECONDS,
    Batch,
    Synced,
)
from pytilt.liveupdate.relaying import Follower, Leader
from pytilt.liveupdate.script import Marks
from pytilt.model.images import Run
from pytilt.model.live_updates import Way
from pytilt.model.logs import Log
from pytilt.model.numbers import whole
from pytilt.model.updates import StepName

_KILLED = 137
"""128 + SIGKILL: the container runtime killed it, which is no failure of the command."""

_UNREAD = 64
"""So many pieces are held that nobody has read yet; between updates the oldest go."""

_SAID_CHARACTERS = 2000
"""So much is kept of what nobody has asked for, for the reason of a failure."""

_WORDS_BYTES = 4096
"""The program's own words are no longer."""

_CANNOT_EXECUTE = (126, 127)
_SEND_BYTES = 256 * 1024

_NO_TOOLS = (
    "live updates need `sh`, `head`, `tar` and `rm` in the image's `$PATH`; minimal images, such as those built "
    "`FROM scratch`, lack them"
)


class ShellReceiver:
    """A `Receiver` that is a shell. Made by `open_shell`."""

    way = Way.SHELL
    restarts = False
    pid = 0
    leader = None

    def __init__(self, stream: ExecStream, output: "_ShellOutput", marks: Marks, root: str) -> None:
        self._stream = stream
        self._output = output
        self._marks = marks
        self._root = root
        self._turn = asyncio.Lock()
        self._failed = False

    @property
    def broken(self) -> bool:
        """Has it ended or failed, so that another one is to be opened?"""
        return self._failed or self._output.ended

    async def closed(self) -> None:
        """See `Receiver.closed`."""
        await self._output.end.wait()

    async def follow(self, leader: Leader, host: str, taken: Sequence[int] = ()) -> Follower | None:
        """See `Receiver.follow`: a shell cannot."""
        del leader, host, taken
        return None

    def begin(self, batch: Batch) -> None:
        """See `Receiver.begin`: nothing is passed on to a shell."""
        del batch

    async def update(self, batch: Batch, log: Log) -> Synced:
        """Carry out a batch; see `Receiver.update`."""
        if batch.restart:
            raise SyncError("the container's program cannot be started again by its shell", hint=NO_RESTART)
        archive = await batch.archive()
        deletions = [file.remote for file in (*batch.plan.deletions, *archive.vanished)]
        return await self.carry_out(archive, deletions, batch.plan.runs, log)

    async def carry_out(self, archive: Archive, deletions: Sequence[str], runs: Sequence[Run], log: Log) -> Synced:
        """Delete, then unpack, then run; returns once the container has acknowledged all of it.

        Args:
            archive: may be empty.
            deletions: absolute paths in the container; what is not there is not missed.
            runs: commands, in order; after one that fails no other is run.
            log: gets a line before every command that does not forbid it, and the output of the commands as it comes.

        Raises:
            SyncError: the container could not be updated: not writable, tools missing, killed, or the stream broke.
                The stream is of no use afterwards.
        """
        async with self._turn:
            if self.broken:
                raise SyncError("the stream into the container is broken")
            self._output.followed = True
            try:
                with step(StepName.SEND):
                    await self._send(self._marks.line(archive, deletions, runs, self._root) + archive.data)
                return await self._follow(runs, log)
            except BaseException:
                # The other side may be in the middle of anything, also when this one was only cancelled.
                self._failed = True
                raise
            finally:
                self._output.followed = False

    async def _send(self, message: bytes) -> None:
        # Whoever reads from a stream that broke gets the error.
        with contextlib.suppress(PytiltError, OSError, EOFError):
            for start in range(0, len(message), _SEND_BYTES):
                if self._output.ended:
                    return
                await self._stream.send(message[start : start + _SEND_BYTES])

    async def _follow(self, runs: Sequence[Run], log: Log) -> Synced:
        """Read what the container says until it acknowledges or fails."""
        current: Run | None = None
        quiet = ""
        laps = Laps(StepName.ACKNOWLEDGE)
        async for text, words in self._output:
            if text and current:
                log(text)
            elif text:
                quiet = (quiet + text)[-_SAID_CHARACTERS:]
            match words:
                case ["run", number] if 0 < (whole(number) or 0) <= len(runs):
                    current = runs[int(number) - 1]
                    laps.next(StepName.RUN, current.shown)
                    if not current.echo_off:
                        log(f"{COMMAND_TITLE}{number}/{len(runs)}] {current.shown}\n")
                case ["failed", tool, status] if whole(status) is not None:
                    raise _failure(tool, int(status), quiet)
                case ["done", status] if whole(status) is not None:
                    laps.end()
                    return _finished(current, int(status))
                case [_, *_]:
                    raise SyncError(f"the program in the container answered wrongly: {' '.join(words)[:200]}")
        raise _ended(self._output, self._stream.exit_status, quiet)


@contextlib.asynccontextmanager
async def open_shell(containers: Containers, ref: ContainerRef, *, root: str = "/") -> AsyncIterator[ShellReceiver]:
    """Open the way into a container, so that a later update costs no start of a command.

    Args:
        containers: the cluster's.
        ref: which container.
        root: the directory in it that stands for its root.

    Raises:
        SyncError: the container does not run, or lacks what an update needs.
        ClusterUnreachableError: no answer.
    """
    marks = Marks(uuid.uuid4().hex)
    async with containers.exec(ref, marks.argv) as stream, _listen(stream, marks.mark) as output:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_SECONDS):
                await _greet(stream, output)
        except TimeoutError:
            raise SyncError(
                f"container `{ref.container}` of pod `{ref.pod}` did not answer within {OPEN_TIMEOUT_SECONDS:g} s"
            ) from None
        output.followed = False
        yield ShellReceiver(stream, output, marks, root)


async def _greet(stream: ExecStream, output: "_ShellOutput") -> None:
    said = ""
    async for text, words in output:
        said = (said + text)[-_SAID_CHARACTERS:]
        match words:
            case ["ready"]:
                return
            case ["missing", tool]:
                raise SyncError(f"`{tool}` is not in the container", hint=_NO_TOOLS)
    raise _ended(output, stream.exit_status, said)


class _ShellOutput:
    """What the program says: text of the user's commands, and words of its own. An iterator that ends with it.

    Every item is text and the words that follow it; either may be empty.
    """

    def __init__(self, mark: bytes) -> None:
        self.end = asyncio.Event()
        self.failure: PytiltError | None = None
        """Why it ended, where the cluster said so."""
        self.followed = True
        """Does somebody read now?"""
        self._mark = mark
        self._buffer = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._items: asyncio.Queue[tuple[str, list[str]] | None] = asyncio.Queue(_UNREAD)

    @property
    def ended(self) -> bool:
        """Has the program ended?"""
        return self.end.is_set()

    def __aiter__(self) -> "_ShellOutput":
        return self

    async def __anext__(self) -> tuple[str, list[str]]:
        item = None if self.ended and self._items.empty() else await self._items.get()
        if item is None:
            raise StopAsyncIteration
        return item

    async def fill(self, stream: ExecStream) -> None:
        """Read until the stream ends."""
        with contextlib.suppress(EOFError, OSError):
            try:
                while True:
                    await self._take(*await stream.receive())
            except PytiltError as error:
                self.failure = error
        self.end.set()
        await self._add(self._decoder.decode(self._buffer, final=True), [])
        await self._items.put(None)

    async def _add(self, text: str, words: list[str]) -> None:
        if self._items.full() and not self.followed:
            self._items.get_nowait()
        await self._items.put((text, words))

    async def _take(self, channel: int, data: bytes) -> None:
        if channel != 1:
            await self._add(data.decode(errors="replace"), [])
            return
        self._buffer += data
        while (start := self._buffer.find(self._mark)) >= 0:
            end = self._buffer.find(b"\n", start)
            if end < 0 and len(self._buffer) - start > _WORDS_BYTES:
                end = len(self._buffer)
            if end < 0:
                break
            words = self._buffer[start + len(self._mark) : end].decode(errors="replace").split()
            await self._add(self._decoder.decode(self._buffer[:start]), words)
            self._buffer = self._buffer[end + 1 :]
        ready = self._ready() if start < 0 else start
        if ready:
            await self._add(self._decoder.decode(self._buffer[:ready]), [])
            self._buffer = self._buffer[ready:]

    def _ready(self) -> int:
        """How much of the buffer is text for sure; its end may be the beginning of a mark."""
        start = self._buffer.rfind(self._mark[:1], -len(self._mark))
        return start if start >= 0 and self._mark.startswith(self._buffer[start:]) else len(self._buffer)


@contextlib.asynccontextmanager
async def _listen(stream: ExecStream, mark: bytes) -> AsyncIterator[_ShellOutput]:
    """Read a stream all the time, so that its end is noticed between updates too."""
    output = _ShellOutput(mark)
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(output.fill(stream), name="listen to live updates")
        try:
            yield output
        except BaseException as error:  # noqa: BLE001 - raised again below, but not as a group
            failure = error
        listening.cancel()
    if failure:
        raise failure


def _finished(last: Run | None, status: int) -> Synced:
    if status == _KILLED:
        raise SyncError(f"command `{last.shown if last else ''}` was killed by the container runtime (exit status 137)")
    return Synced(failed=last, exit_status=status) if status else Synced()


def _failure(tool: str, status: int, said: str) -> SyncError:
    action = "copying changed files" if tool == "tar" else "removing old files"
    message = _with_output(f"{action}: `{tool}` failed with exit status {status}", said)
    if status in _CANNOT_EXECUTE:
        return SyncError(message, hint=_NO_TOOLS)
    denied = status == 2 or any(words in said.lower() for words in ("permission denied", "read-only", "can't open"))
    return SyncError(message, hint=NOT_WRITABLE if denied else None)


def _ended(output: _ShellOutput, status: int | None, said: str) -> SyncError:
    if output.failure:
        return SyncError(_with_output(output.failure.message, said), hint=output.failure.hint)
    if status in _CANNOT_EXECUTE:
        return SyncError(_with_output("the container has no usable `sh`", said), hint=_NO_TOOLS)
    status_text = "" if status is None else f" (exit status {status})"
    return SyncError(_with_output(f"the stream into the container ended{status_text}", said))


def _with_output(message: str, said: str) -> str:
    return f"{message}: {said.strip()}" if said.strip() else message
