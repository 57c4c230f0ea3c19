"""Live updates of several containers to which the leader on this machine passes on what they get."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import SyncError
from pytilt.host.timing import Recording
from pytilt.liveupdate.passing import PassedBatch
from pytilt.liveupdate.receiver import Batch, Receiver, ReceiverOptions, Synced
from pytilt.liveupdate.relaying import Follower, Leader, Relay
from pytilt.loop.live_updates.receivers import Receivers
from pytilt.loop.live_updates.syncing import Syncing
from pytilt.model.live_updates import Way
from pytilt.model.logs import Log
from pytilt.model.updates import Outcome, StepName
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.synclet.frames import Acknowledged, Failed, FailureKind, Joined
from tests.idle import eventually
from tests.loop.live_updates.sync_trial import Trial
from tests.loop.waiting import logged, running


class Led:
    """A receiver that follows a leader on this machine."""

    way, restarts, pid, broken, leader = Way.LAYER, False, 0, False, None

    def __init__(self, relay: Relay) -> None:
        self.follower = relay.follower()
        self.follower.take(Joined())
        self.sent: list[Batch] = []
        self.failing = False

    async def closed(self) -> None:
        await asyncio.Event().wait()

    async def follow(self, leader: Leader, host: str, taken: Sequence[int] = ()) -> Follower | None:
        raise NotImplementedError

    def begin(self, batch: Batch) -> PassedBatch | None:
        async def carry_out(failed: list[Failed] | None, log: Log) -> Synced:
            if failed:
                raise SyncError(failed[0].message, hint="make it writable")
            return await self.update(batch, log)

        return PassedBatch(
            self.follower, 1, files_only=True, carry_out=carry_out, release=lambda _: None, broken=lambda: False
        )

    async def update(self, batch: Batch, log: Log) -> Synced:
        del log
        self.sent.append(batch)
        return Synced()


class Group:
    """Containers of a resource that have the same leader."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.relay = Relay(self.write)
        self.written: list[bytes] = []
        self.members: list[Led] = []
        self.lost: set[int] = set()
        """Indexes of those that the leader does not reach any more."""
        trial.receivers = Receivers(trial.store, self.open)
        trial.syncing = Syncing(trial.store, trial.receivers, trial.keeper, gone_seconds=0.05)
        trial.run("c1", "c2", "c3")

    @asynccontextmanager
    async def open(self, ref: ContainerRef, options: ReceiverOptions) -> AsyncIterator[Receiver]:
        del ref, options
        self.members.append(Led(self.relay))
        yield self.members[-1]

    def write(self, message: bytes) -> None:
        self.written.append(message)
        asyncio.get_running_loop().call_soon(self._answer)

    def _answer(self) -> None:
        for index, member in enumerate(self.members):
            if member.failing:
                member.follower.take(Failed(kind=FailureKind.DENIED, message="read-only"))
            if index in self.lost:
                self.relay.give_up(member.follower)
            else:
                member.follower.take(Acknowledged(number=1))

    async def ready(self) -> None:
        await eventually(lambda: len(self.members) == 3)


@pytest.fixture
def group(store: Store, logs: LogStore, tmp_path: Path) -> Group:
    return Group(Trial(store, logs, tmp_path))


async def test_all_get_it_by_one_message(group: Group):
    recording = Recording()
    async with running(group.trial.receivers.run()):
        await group.ready()
        group.trial.write(a="one")
        with recording.running():
            done = await group.trial.update()
    assert done.outcome is Outcome.OK
    assert [(each.id, each.sequence) for each in done.status["containers"]] == [("c1", 1), ("c2", 1), ("c3", 1)]
    assert (len(group.written), [each.sent for each in group.members]) == (1, [[]] * 3)
    assert logged(group.trial.logs).count("  → Container web-1/web updated!\n") == 3
    assert logged(group.trial.logs).count("Will copy 1 file(s) to container: web-1/web\n") == 3
    assert [(step.name, step.subject) for step in recording.steps] == [
        (name, "3 containers") for name in (StepName.PLAN, StepName.PACK, StepName.SEND, StepName.ACKNOWLEDGE)
    ]


async def test_one_that_the_leader_does_not_reach_is_sent_it(group: Group):
    group.lost = {1}
    async with running(group.trial.receivers.run()):
        await group.ready()
        group.trial.write(a="one")
        done = await group.trial.update()
    assert (done.outcome, [len(each.sent) for each in group.members]) == (Outcome.OK, [0, 1, 0])
    assert logged(group.trial.logs).count("updated!") == 3


async def test_what_fails_in_one_container_is_the_error_of_the_update(group: Group):
    async with running(group.trial.receivers.run()):
        await group.ready()
        group.members[2].failing = True
        group.trial.write(a="one")
        with pytest.raises(SyncError, match="read-only"):
            await group.trial.update()
        done = await group.trial.update(only_in_place=True)
    assert (done.outcome, done.error) == (Outcome.FAILED, "read-only\nhint: make it writable")
    assert [each.sequence for each in done.status["containers"]] == [1, 1, 0]
