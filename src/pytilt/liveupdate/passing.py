"""Giving a batch to a leader on this machine: once for all containers that it reaches, before anything else is done."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from pytilt.errors import SyncError
from pytilt.host.timing import step
from pytilt.liveupdate.receiver import Batch, Passed, Receiver, Synced
from pytilt.liveupdate.relaying import Follower, Relay, RelayCall
from pytilt.model.logs import Log
from pytilt.model.updates import StepName
from pytilt.synclet.frames import Failed


class PassedBatch:
    """A `Passed`: what one receiver is to get from a leader, while nobody else speaks with it.

    Args:
        follower: the helper in the container.
        number: of the batch there.
        files_only: is nothing left to do once the files are in place?
        carry_out: does what is left, when it is known what failed; None: the leader has not brought it.
        release: lets others speak with the receiver again; true when all is done that was begun.
        broken: is the receiver broken?
    """

    def __init__(
        self,
        follower: Follower,
        number: int,
        *,
        files_only: bool,
        carry_out: Callable[[list[Failed] | None, Log], Awaitable[Synced]],
        release: Callable[[bool], None],
        broken: Callable[[], bool],
    ) -> None:
        self.follower = follower
        self._number = number
        self._files_only = files_only
        self._carry_out = carry_out
        self._release = release
        self._broken = broken
        self._call: RelayCall | None = None
        self._result: asyncio.Future[list[Failed] | None] | None = None
        self._open = True

    @property
    def broken(self) -> bool:
        """See `Passed.broken`."""
        return self._broken()

    def join(self, call: RelayCall) -> None:
        """See `Passed.join`."""
        self._call = call
        call.add(self.follower, self._number)

    def expect(self, size: int) -> None:
        """See `Passed.expect`."""
        assert self._call is not None  # it has joined one
        self._result = self.follower.expect(self._call, self._number, size)

    async def answered(self) -> bool:
        """See `Passed.answered`."""
        if self._call is None or self._result is None or not self._files_only:
            return False
        await self._call.over()
        if not self._result.done() or self._result.result() != []:
            return False
        self._end(done=True)
        return True

    async def finish(self, log: Log) -> Synced:
        """See `Passed.finish`."""
        try:
            with step(StepName.ACKNOWLEDGE):
                failed = await self._failures()
            return await self._carry_out(failed, log)
        finally:
            self.give_up()

    def give_up(self) -> None:
        """See `Passed.give_up`."""
        self._end(done=False)

    async def _failures(self) -> list[Failed] | None:
        return await self._result if self._result is not None else None

    def _end(self, *, done: bool) -> None:
        if self._open:
            self._open = False
            self._release(done)


async def pass_on(receivers: Sequence[Receiver | None], batch: Batch) -> list[Passed | None]:
    """Have leaders on this machine pass a batch on to all whom they reach, in one piece; None for the others."""
    content: bytes | None = None
    with contextlib.suppress(SyncError):  # it cannot be packed, as whoever carries it out gets to know
        content = await batch.relayed()
    if content is None:
        return [None] * len(receivers)
    passed: list[Passed | None] = []
    try:
        for receiver in receivers:
            begun = receiver.begin(batch) if receiver is not None else None
            passed.append(begun)
        _send([each for each in passed if each is not None], content)
    except BaseException:
        for each in passed:
            if each is not None:
                each.give_up()
        raise
    return passed


def _send(passed: Sequence[Passed], content: bytes) -> None:
    """Give each leader a batch and the names of those who get it; only then begin to wait for what these say of it.

    No answer is read before this turn of the event loop ends.
    """
    if not passed:
        return
    calls: dict[Relay, RelayCall] = {}
    for each in passed:
        each.join(calls.setdefault(each.follower.relay, RelayCall()))
    with step(StepName.SEND):
        for relay, call in calls.items():
            relay.pass_on(call, content)
    for each in passed:
        each.expect(len(content))
