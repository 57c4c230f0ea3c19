"""The seam to what receives updates inside of a container: open a stream, send a batch, get its acknowledgement."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Protocol

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import SyncError
from pytilt.host.files.blocks import Blocks
from pytilt.host.timing import step
from pytilt.liveupdate.archive import Archive, pack
from pytilt.liveupdate.deltas import Delta, find_delta, name_of
from pytilt.liveupdate.keeping import SentBatch
from pytilt.liveupdate.packing import Frames, LargeFile, pack_frames
from pytilt.liveupdate.planning import SyncPlan
from pytilt.liveupdate.relaying import Follower, Leader, Relay, RelayCall, relayed_frames, relayed_size
from pytilt.model.base import Value
from pytilt.model.images import Run
from pytilt.model.live_updates import Way
from pytilt.model.logs import Log
from pytilt.model.updates import StepName

OPEN_TIMEOUT_SECONDS = 15.0
"""How long a receiver may take to answer for the first time."""

COMMAND_TITLE = "[CMD "
"""How the line begins that the log gets before what a command prints, as in Tilt."""


NO_RESTART = (
    "the helper `synclet` restarts it, where it is the container's first process: in images that pytilt builds with "
    "`restart_container()` in their live update"
)
NOT_WRITABLE = (
    "this usually means that the container's file system denied access: check that the files in the image are "
    "writable, that the image's default user may write to them, and that no `securityContext` of the pod forbids it"
)


class Synced(Value):
    """What came of a batch. The files are in the container, also when a command failed."""

    failed: Run | None = None
    """The command that failed; what follows it was not done."""
    exit_status: int = 0

    @property
    def ok(self) -> bool:
        """Did every command succeed?"""
        return self.failed is None


class Batch:
    """What one update brings. It may be sent to any number of containers; each form of it is packed once.

    Args:
        plan: deletions, then copies, then commands.
        restart: start the container's program again afterwards.
    """

    def __init__(self, plan: SyncPlan, *, restart: bool = False) -> None:
        self.plan = plan
        self.restart = restart
        self._lock = asyncio.Lock()
        self._archive: Archive | None = None
        self._frames: Frames | None = None
        self._packed: asyncio.Event | None = None
        """Set when somebody who packs frames just now is done with it."""
        self._deltas: dict[tuple[str, bytes], Delta | None] = {}
        self._calls: dict[Relay, RelayCall] = {}
        self._relayed: bytes | None = None

    @property
    def sent(self) -> SentBatch:
        """What it brought to containers, as it was when it was packed last."""
        form = self._frames or self._archive
        gone = (*self.plan.deletions, *(form.vanished if form else ()))
        return SentBatch(plan=self.plan, packed=form.paths if form else (), gone=gone)

    @property
    def empty(self) -> bool:
        """Is there nothing to do?"""
        return not (self.plan.copies or self.plan.deletions or self.plan.runs or self.restart)

    async def archive(self) -> Archive:
        """The files to copy, as an archive.

        Raises:
            SyncError: a file is there and cannot be read, or is too large.
        """
        async with self._lock:
            if self._archive is None:
                with _packing():
                    self._archive = await pack(self.plan.copies)
            return self._archive

    async def frames(self) -> Frames:
        """The files to copy, as frames for the helper. All who wait get them in the same turn of the event loop.

        Raises:
            SyncError: a file is there and cannot be read.
        """
        while self._frames is None:
            if self._packed is not None:
                await self._packed.wait()
                continue
            packed = self._packed = asyncio.Event()
            try:
                with _packing():
                    self._frames = await pack_frames(self.plan.copies)
            finally:
                self._packed = None
                packed.set()
        return self._frames

    async def delta(self, file: LargeFile, base: Blocks | None) -> Delta | None:
        """How one of the frames' files is made of the version that is in a container; None where it is sent otherwise.

        Raises:
            SyncError: the file cannot be read.
        """
        if base is None:
            return None
        key = file.remote, name_of(base)
        async with self._lock:
            if key not in self._deltas:
                with _packing():
                    self._deltas[key] = await asyncio.to_thread(find_delta, file, base)
            return self._deltas[key]

    async def relayed(self) -> bytes | None:
        """The frames for a leader that passes them on, with nothing in between; None where that cannot be.

        Raises:
            SyncError: a file is there and cannot be read.
        """
        packed = await self.frames()
        if self._relayed is None and relayed_size(packed, self.plan) is not None:
            self._relayed = relayed_frames(packed, self.plan)
        return self._relayed

    def call(self, relay: Relay) -> RelayCall:
        """Where the containers meet that get it from one helper in a container."""
        return self._calls.setdefault(relay, RelayCall())

    def pack_again(self) -> None:
        """Forget what is packed: files changed meanwhile."""
        self._archive = self._frames = self._relayed = None
        self._deltas.clear()


@contextmanager
def _packing() -> Iterator[None]:
    try:
        with step(StepName.PACK):
            yield
    except OSError as error:
        raise SyncError(f"{error.filename or 'a file'}: {(error.strerror or str(error)).lower()}") from error


class Passed(Protocol):
    """A batch that a leader on this machine is to pass on to a container, which gets nothing else before it answers.

    Who has it waits for the answer, finishes it, or gives it up.
    """

    @property
    def follower(self) -> Follower:
        """The helper in the container."""
        ...

    @property
    def broken(self) -> bool:
        """Is its receiver broken?"""
        ...

    def join(self, call: RelayCall) -> None:
        """Have the container get it with the others of a call."""
        ...

    def expect(self, size: int) -> None:
        """Begin to wait for what the container says of it; `size` of the batch is in bytes."""
        ...

    async def answered(self) -> bool:
        """Wait for all who get it with this one; is the whole batch carried out here? If not it is to be finished."""
        ...

    async def finish(self, log: Log) -> Synced:
        """Carry out what is left of it; see `Receiver.update`."""
        ...

    def give_up(self) -> None:
        """Leave it as it is, unless it is finished: the receiver is broken then."""
        ...


class Receiver(Protocol):
    """The open way into one container; one update at a time, others wait."""

    @property
    def way(self) -> Way:
        """What receives."""
        ...

    @property
    def restarts(self) -> bool:
        """Can it start the container's program again?"""
        ...

    @property
    def pid(self) -> int:
        """The id of its process in the container; 0 where that is not known."""
        ...

    @property
    def broken(self) -> bool:
        """Has it ended or failed, so that another one is to be opened?"""
        ...

    async def closed(self) -> None:
        """Wait until it has ended."""
        ...

    @property
    def leader(self) -> Leader | None:
        """Itself, if it can pass on batches."""
        ...

    async def follow(self, leader: Leader, host: str, taken: Sequence[int] = ()) -> Follower | None:
        """Get from now on from a leader what others get, too; None where that cannot be.

        Args:
            leader: of a container of the same image, or on this machine.
            host: address of the pod of this one.
            taken: ports that the pod's own programs listen at.
        """
        ...

    def begin(self, batch: Batch) -> Passed | None:
        """Keep others from speaking with it until a leader on this machine has brought it a batch; None without one."""
        ...

    async def update(self, batch: Batch, log: Log) -> Synced:
        """Carry out a batch; returns once the container has acknowledged all of it.

        Args:
            batch: what to do.
            log: gets a line before every command that does not forbid it, and the output of the commands as it comes.

        Raises:
            SyncError: the container could not be updated: not writable, tools missing, killed, or the stream broke.
                The receiver is of no use afterwards.
        """
        ...


class ReceiverOptions(Value):
    """What is known of a container before a receiver is opened in it."""

    layer: bool = False
    """Does its image bring the helper?"""
    helper: bool = True
    """May the helper be used?"""
    places: tuple[str, ...] = ()
    """Directories in which it may be possible to write."""
    far: bool = True
    """Is it worth its time to compress what is sent?"""
    earlier: tuple[int, ...] = ()
    """Process ids of receivers that were opened there before."""


class ReceiverOpener(Protocol):
    """Opens receivers."""

    def __call__(self, ref: ContainerRef, options: ReceiverOptions) -> AbstractAsyncContextManager[Receiver]:
        """Open the way into a container ahead of time, so that a later update costs no start of a command.

        Args:
            ref: which container.
            options: what is known of it.

        Raises:
            SyncError: the container does not run, or lacks what an update needs.
            ClusterUnreachableError: no answer.
        """
        ...
