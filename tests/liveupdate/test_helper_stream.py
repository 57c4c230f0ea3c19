"""Whatever a container says over the streams of live updates, it fails its own update, and takes no memory here."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import NodeUnreachableError, SyncError
from pytilt.liveupdate.archive import Archive
from pytilt.liveupdate.helper_stream import listening
from pytilt.liveupdate.opening import open_receiver
from pytilt.liveupdate.planning import SyncedFile, SyncPlan
from pytilt.liveupdate.receiver import Batch, ReceiverOptions
from pytilt.liveupdate.relaying import Relay
from pytilt.liveupdate.shell import open_shell
from pytilt.model.images import Run
from pytilt.model.live_updates import Way
from pytilt.synclet import frames
from pytilt.synclet.frames import Failed, FailureKind, Joined
from pytilt.testing.containers import FakeContainers, FakeExec
from tests.liveupdate.shells import REF
from tests.liveupdate.test_shell import Lines

GREETING = frames.GREETING + b"%d pid=7\n" % frames.VERSION
RUNS = (Run(argv=("make",)),)


class Endless(FakeExec):
    """Says the same again and again, as long as somebody reads."""

    said = 0
    beginning = b""
    words = frames.frame(b"O", b"x" * 1000)

    async def send(self, data: bytes) -> None:
        """Nobody reads it."""

    async def receive(self) -> tuple[int, bytes]:
        await asyncio.sleep(0)
        self.said += 1
        return 1, self.beginning if self.said == 1 else self.words


class Unreached(FakeExec):
    """A command on a node that does not answer: that is said only when something is to be read."""

    async def receive(self) -> tuple[int, bytes]:
        raise NodeUnreachableError("the node of pod `web` does not answer: i/o timeout")


class LostNode(FakeContainers):
    """Containers on a node that does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    @contextlib.asynccontextmanager
    async def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AsyncIterator[FakeExec]:
        self.asked += 1
        yield Unreached(ref, argv)


def helper(says: bytes) -> FakeContainers:
    """Containers whose helper answers the first message after the greeting by this, whatever it was."""
    containers = FakeContainers()

    async def speak(command: FakeExec) -> int:
        command.write(GREETING)
        await command.read()
        await command.read()
        command.write(says)
        await asyncio.Event().wait()
        return 0

    containers.answer_exec(speak)
    return containers


async def test_numbers_in_its_greeting_that_no_process_has_are_left_out():
    for said in (b"99999999999", b"4294967296", b"-1", b"x", "²".encode()):
        line = frames.GREETING + b"%d pid=" % frames.VERSION + said
        greeting = frames.read_greeting(line)
        assert greeting is not None
        frames.end(greeting.pid)


async def test_a_line_without_an_end_is_no_answer():
    stream = Endless(REF, ())
    stream.words = b"x" * 4096
    async with listening(stream) as answers:
        with pytest.raises(SyncError, match="answered wrongly: a line of more than 65536 bytes"):
            await answers.line()
    assert stream.said < 20


async def test_what_nobody_asked_for_is_not_held():
    for beginning in (GREETING, b"\n"):
        stream = Endless(REF, ())
        stream.beginning = beginning
        stream.words = stream.words if beginning is GREETING else b"\n"
        async with listening(stream) as answers:
            await answers.line()
            for _ in range(1000):
                await asyncio.sleep(0)
        assert stream.said < 100


@pytest.mark.parametrize(
    "ranges",
    [[(0, 1), (0, 1)], [(0, 2), (1, 3)], [(2, 3), (0, 1)], [(1, 1)], [(0, 2**32 - 1)], [(3, 2)]],
    ids=str,
)
async def test_blocks_are_sent_once(tmp_path: Path, ranges: list[tuple[int, int]]):
    path = tmp_path / "large"
    path.write_bytes(bytes(300_000))
    missing = b"".join(struct.pack(">II", *each) for each in ranges)
    batch = Batch(SyncPlan(copies=(SyncedFile(local=str(path), remote="/app/large"),)))
    options = ReceiverOptions(layer=True)
    async with open_receiver(helper(frames.frame(b"N", missing)), REF, options) as receiver:
        assert receiver.way is Way.LAYER
        with pytest.raises(SyncError, match="it asks for blocks"):
            await receiver.update(batch, Lines())


async def test_where_the_node_does_not_answer_no_other_way_is_tried():
    node = LostNode()
    with pytest.raises(NodeUnreachableError, match=r"^the node of pod `web` does not answer: i/o timeout$") as caught:
        async with open_receiver(node, REF, ReceiverOptions(layer=True)):
            pass
    assert (node.asked, caught.value.hint) == (1, None)


async def test_failures_of_no_batch_are_not_kept():
    relay = Relay()
    follower = relay.follower()
    relay.take(follower.number, Joined())
    failed = Failed(kind=FailureKind.OTHER, message="x" * 1000)
    for _ in range(1000):
        relay.take(follower.number, failed)
    assert not follower._failed


@pytest.mark.parametrize(
    "says",
    [
        b"run x",
        b"run 2",
        b"run 0",
        b"run -1",
        b"done x",
        b"done",
        b"failed tar x",
        b"\xff\xfe",
        b"done \xff",
        b"y" * 9000,
    ],
    ids=lambda says: says[:12].decode(errors="replace"),
)
async def test_a_shell_that_answers_what_no_program_of_ours_says_fails_the_update(says: bytes):
    containers = FakeContainers()

    async def speak(command: FakeExec) -> int:
        mark = b"\x1e" + command.argv[-1].encode()
        command.write(mark + b" ready\n")
        await command.read()
        command.write(mark + b" " + says + (b"\n" if len(says) < 4096 else b""))
        await asyncio.Event().wait()
        return 0

    containers.answer_exec(speak)
    async with open_shell(containers, REF) as receiver:
        with pytest.raises(SyncError, match="answered wrongly"):
            await receiver.carry_out(Archive(), (), RUNS, Lines())
        assert receiver.broken


async def test_what_a_shell_says_between_updates_is_not_held():
    streams: list[Endless] = []

    class Loud(FakeContainers):
        @contextlib.asynccontextmanager
        async def exec(self, ref, argv):
            stream = Endless(ref, argv)
            stream.beginning = b"\x1e" + argv[-1].encode() + b" ready\n"
            stream.words = b"x" * 1000
            streams.append(stream)
            yield stream

    async with open_shell(Loud(), REF) as receiver:
        for _ in range(1000):
            await asyncio.sleep(0)
        assert streams[0].said > 300, "it goes on: it may be a program that somebody left behind"
        assert receiver._output._items.qsize() < 100
