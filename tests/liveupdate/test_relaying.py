"""Batches that one helper passes on to others; the containers are directories of this machine."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from pytilt.errors import SyncError
from pytilt.liveupdate.opening import open_receiver
from pytilt.liveupdate.packing import Frames
from pytilt.liveupdate.planning import SyncedFile, SyncPlan
from pytilt.liveupdate.receiver import Batch, Receiver, ReceiverOptions
from pytilt.liveupdate.relaying import Follower, Relay, RelayCall, answer_seconds, relayed_size
from pytilt.model.images import Run
from pytilt.synclet import frames
from pytilt.synclet.frames import Acknowledged, Failed, Joined
from tests.idle import idle
from tests.liveupdate.shells import REF, Machine
from tests.liveupdate.test_shell import Lines

LONG = "a line that is long enough to see where it travels\n" * 200


class Pods:
    """Containers with a helper each, of which the first leads the others."""

    def __init__(self, machine: Machine, roots: Sequence[Path], receivers: Sequence[Receiver]) -> None:
        self.machine = machine
        self.roots = roots
        self.receivers = receivers

    @property
    def sent(self) -> list[int]:
        """How many bytes went through the stream of each so far."""
        return [each.sent for each in self.machine.opened]

    async def update(self, batch: Batch, indexes: Sequence[int] = (0, 1, 2)) -> list[object]:
        """Bring a batch into some of them at the same time, as a live update does."""
        updates = [self.receivers[index].update(batch, Lines()) for index in indexes]
        return await asyncio.gather(*updates, return_exceptions=True)

    def contents(self) -> list[str]:
        return [(root / "app" / "page").read_text() if (root / "app" / "page").exists() else "" for root in self.roots]


@pytest.fixture
async def pods(helper: Path, tmp_path: Path) -> AsyncIterator[Pods]:
    machine, roots = Machine(layer=helper), [tmp_path / name for name in ("one", "two", "three")]
    async with AsyncExitStack() as stack:
        receivers = []
        for root in roots:
            root.mkdir()
            opened = open_receiver(machine, REF, ReceiverOptions(layer=True, far=False), root=str(root))
            receivers.append(await stack.enter_async_context(opened))
        assert (leader := receivers[0].leader)
        for receiver in receivers[1:]:
            assert await receiver.follow(leader, "127.0.0.1")
        yield Pods(machine, roots, receivers)


def save(tmp_path: Path, text: str) -> Batch:
    (tmp_path / "page").write_text(text)
    return Batch(SyncPlan(copies=(SyncedFile(local=str(tmp_path / "page"), remote="/app/page"),)))


async def test_one_helper_gets_a_batch_and_passes_it_on(pods, tmp_path):
    before = pods.sent
    await pods.update(save(tmp_path, LONG))
    assert pods.contents() == [LONG] * 3
    assert [after > earlier for after, earlier in zip(pods.sent, before, strict=True)] == [True, False, False]
    page = SyncedFile(local=str(tmp_path / "page"), remote="/app/page")
    await pods.update(Batch(SyncPlan(deletions=(page,))))
    assert pods.contents() == [""] * 3


async def test_many_files_which_a_thread_reads_are_passed_on_to_all(pods, tmp_path):
    files = []
    for number in range(20):
        (tmp_path / f"page{number}").write_text(LONG)
        files.append(SyncedFile(local=str(tmp_path / f"page{number}"), remote=f"/app/page{number}"))
    before = pods.sent
    await pods.update(Batch(SyncPlan(copies=tuple(files))))
    assert [len(list((root / "app").iterdir())) for root in pods.roots] == [20] * 3
    assert [after > earlier for after, earlier in zip(pods.sent, before, strict=True)] == [True, False, False]


async def test_a_container_that_gets_something_alone_gets_it_through_its_own_stream(pods, tmp_path):
    for number, indexes in enumerate([(1, 2), (0,), (2,), (0, 1)]):
        await pods.update(save(tmp_path, f"{LONG}{number}"), indexes)
        for index in indexes:
            assert pods.contents()[index] == f"{LONG}{number}"


async def test_what_fails_in_one_container_fails_there_alone(pods, tmp_path):
    (pods.roots[1] / "app").write_text("a file where a directory should be")
    results = await pods.update(save(tmp_path, LONG))
    assert [isinstance(result, SyncError) for result in results] == [False, True, False]
    assert "not a directory" in str(results[1])
    (pods.roots[1] / "app").unlink()
    await pods.update(save(tmp_path, "again"))
    assert pods.contents() == ["again"] * 3


async def test_without_the_leader_each_gets_it_through_its_own_stream(pods, tmp_path):
    pods.machine.opened[0].process.kill()
    await pods.receivers[0].closed()
    await pods.update(save(tmp_path, LONG), (1, 2))
    assert pods.contents() == ["", LONG, LONG]


async def test_a_follower_that_does_not_answer_gets_it_through_its_own_stream(pods, tmp_path):
    await pods.update(save(tmp_path, "before"))
    pods.receivers[0].relay.end()  # as if nothing came back any more
    await pods.update(save(tmp_path, LONG))
    assert pods.contents() == [LONG] * 3


async def test_a_large_file_is_sent_to_each(pods, tmp_path):
    await pods.update(save(tmp_path, LONG * 100))
    assert pods.contents() == [LONG * 100] * 3


async def test_a_batch_that_takes_long_to_reach_the_leader_is_waited_for():
    assert answer_seconds(0) == 2.0
    assert answer_seconds(512 * 1024) == 10.0


def test_all_that_the_leader_keeps_counts():
    gone = tuple(SyncedFile(local="", remote=f"/app/{'x' * 1000}/{number}") for number in range(200))
    assert relayed_size(Frames(content=(b"x" * 100,)), SyncPlan()) == 100
    assert relayed_size(Frames(), SyncPlan(deletions=gone)) is None
    assert relayed_size(Frames(vanished=gone), SyncPlan()) is None
    assert relayed_size(Frames(clearing=b"x" * 2**20), SyncPlan()) is None


async def test_so_many_get_only_small_batches_from_one_helper_that_its_memory_suffices():
    relay = Relay()
    for _ in range(100):
        relay.follower()
    large, small = RelayCall(), RelayCall()
    await relay.beginning(large, 512 * 1024)
    await relay.beginning(small, 50 * 1024)
    assert (large.led, small.led) == (False, True)


async def test_updates_that_come_first_keep_no_helpers_from_finding_each_other(pods, tmp_path):
    for seconds in (0.2, 1.0, 5.0):  # a busy machine takes longer than the first for what counts
        go = tmp_path / f"go-{seconds}"
        wait = Run(argv=("sh", "-c", f"until [ -e {go} ]; do sleep 0.02; done"))
        async with asyncio.TaskGroup() as group:
            group.create_task(pods.receivers[1].update(Batch(SyncPlan(runs=(wait,))), Lines()))
            group.create_task(pods.receivers[0].update(Batch(SyncPlan(runs=(wait,))), Lines()))
            await idle()
            following = group.create_task(pods.receivers[1].follow(pods.receivers[0], "127.0.0.1", seconds=seconds))
            await asyncio.sleep(1.5 * seconds)
            go.touch()
        if following.result():
            break
    assert following.result()


async def test_a_leader_that_was_stopped_leads_nobody_new(pods, tmp_path):
    pods.machine.opened[0].process.send_signal(signal.SIGSTOP)
    assert not await pods.receivers[1].follow(pods.receivers[0], "127.0.0.1", seconds=0.2)
    pods.machine.opened[0].process.send_signal(signal.SIGCONT)
    results = await pods.update(save(tmp_path, LONG))
    assert not [each for each in results if isinstance(each, BaseException)]
    assert pods.contents() == [LONG] * 3


async def test_helpers_that_do_not_reach_each_other_are_left_as_they_are(pods, tmp_path):
    assert not await pods.receivers[1].follow(pods.receivers[2], "127.0.0.2:1")
    await pods.update(save(tmp_path, LONG))
    assert pods.contents() == [LONG] * 3


def followers(relay: Relay, count: int) -> list[Follower]:
    found = [relay.follower() for _ in range(count)]
    for each in found:
        each.take(Joined())
    return found


def asked(call: RelayCall, members: Iterable[Follower]) -> list[asyncio.Future[list[Failed] | None]]:
    """Have them get batch 7 together."""
    for each in members:
        call.add(each, 7)
    return [each.expect(call, 7, 100) for each in members]


async def test_a_leader_on_this_machine_gets_a_batch_once_for_all():
    written: list[bytes] = []
    relay, call = Relay(written.append), RelayCall()
    many = followers(relay, 12)
    results = asked(call, many)
    relay.pass_on(call, b"frames")
    assert written == [frames.relay((number, 7) for number in range(1, 13)) + b"frames" + frames.commit(0)]
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(call.over())
        for each in many:
            await idle()
            assert not waiting.done()
            each.take(Acknowledged(number=7))
    assert [result.result() for result in results] == [[]] * 12


async def test_a_call_is_over_when_one_is_lost():
    relay, call = Relay(lambda _: None), RelayCall()
    one, two = followers(relay, 2)
    results = asked(call, (one, two))
    relay.give_up(two)
    await call.over()
    assert (results[0].done(), results[1].result()) == (False, None)
    two.expect(RelayCall(), 8, 100)  # nobody waits for the first one any more
    one.take(Acknowledged(number=7))
    assert results[0].result() == []
