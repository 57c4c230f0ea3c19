"""Batches that the helper on this machine brings to those in containers, which are directories of this machine."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.errors import SyncError
from pytilt.host.listening import PortListener
from pytilt.host.processes import PipedProcess, ProcessRequest, piped
from pytilt.host.processes.contract import Output
from pytilt.liveupdate.direct import DirectRunner
from pytilt.liveupdate.opening import open_receiver
from pytilt.liveupdate.passing import pass_on
from pytilt.liveupdate.planning import SyncedFile, SyncPlan
from pytilt.liveupdate.receiver import Batch, ReceiverOptions
from pytilt.liveupdate.relaying import Follower
from pytilt.model.images import Run
from tests.liveupdate.shells import REF, Machine
from tests.liveupdate.test_relaying import LONG, Pods, save
from tests.liveupdate.test_shell import Lines
from tests.loop.waiting import running

HERE = "127.0.0.1"
PATIENCE_SECONDS = 20.0


class Started:
    """Starts the helper on this machine, and knows what was started."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.pids: list[int] = []
        self.answered: Callable[[], None] = lambda: None
        """Called when it has said something."""

    @asynccontextmanager
    async def __call__(
        self, request: ProcessRequest, output: Output, inherited: Sequence[int] = ()
    ) -> AsyncIterator[PipedProcess]:
        shown = ProcessRequest(argv=("sh", "-c", 'echo $$; exec "$@"', "sh", *request.argv), dir="/", env=())
        first = asyncio.Event()

        def take(data: bytes) -> None:
            if not first.is_set():
                pid, _, data = data.partition(b"\n")
                self.pids.append(int(pid))
                first.set()
            if data:
                output(data)
                self.answered()

        async with piped(shown, take, inherited) as process:
            yield process

    def kill(self) -> None:
        os.kill(self.pids[-1], signal.SIGKILL)


class DirectPods(Pods):
    """Containers that the helper on this machine reaches."""

    started: Started
    runner: DirectRunner
    followers: list[Follower]

    async def follow(self) -> None:
        """Have all of them follow the one that runs now.

        Each is tried again as the session does: on a busy machine a connection may take as long as one to a far one.
        """
        leader = await self.runner.leader()
        assert leader is not None
        self.followers = []
        for each in self.receivers:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (follower := await each.follow(leader, HERE)) is None:
                    pass
            self.followers.append(follower)


@pytest.fixture(params=[1, 3])
async def pods(helper: Path, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[DirectPods]:
    machine, roots = Machine(layer=helper), [tmp_path / name for name in ("one", "two", "three")[: request.param]]
    started = Started()
    runner = DirectRunner(str(helper), lambda _: True, started)
    async with running(runner.run()), AsyncExitStack() as stack:
        receivers = []
        for root in roots:
            root.mkdir()
            opened = open_receiver(machine, REF, ReceiverOptions(layer=True, far=False), root=str(root))
            receivers.append(await stack.enter_async_context(opened))
        pods = DirectPods(machine, roots, receivers)
        pods.started, pods.runner = started, runner
        await pods.follow()
        yield pods


async def update(pods: Pods, batch: Batch) -> list[object]:
    return await pods.update(batch, range(len(pods.receivers)))


async def test_what_is_small_comes_directly_and_not_through_the_streams(pods, tmp_path):
    before = pods.sent
    for text in (LONG, "again", ""):
        assert not any(isinstance(each, Exception) for each in await update(pods, save(tmp_path, text)))
        assert pods.contents() == [text] * len(pods.roots)
    page = SyncedFile(local=str(tmp_path / "page"), remote="/app/page")
    await update(pods, Batch(SyncPlan(deletions=(page,))))
    assert not any((root / "app" / "page").exists() for root in pods.roots)
    assert pods.sent == before


def save_many(tmp_path: Path, text: str) -> Batch:
    """More than is passed on at once."""
    (tmp_path / "many").mkdir(exist_ok=True)
    gone = SyncedFile(local=str(tmp_path / "page"), remote="/app/page")
    files = [SyncedFile(local=str(tmp_path / "many" / f"{i}"), remote=f"/app/many/{i}") for i in range(120)]
    for file in files:
        Path(file.local).write_text(text)
    return Batch(SyncPlan(copies=tuple(files), deletions=(gone,)))


def many(root: Path) -> list[str]:
    return [(root / "app" / "many" / f"{i}").read_text() for i in range(120)]


async def test_what_is_large_comes_directly_in_parts(pods, tmp_path):
    await update(pods, save(tmp_path, LONG))
    before = pods.sent
    for text in (LONG, LONG.upper()):
        assert not any(isinstance(each, Exception) for each in await update(pods, save_many(tmp_path, text)))
        assert all(many(root) == [text] * 120 for root in pods.roots)
    assert not any((root / "app" / "page").exists() for root in pods.roots)
    assert pods.sent == before


async def test_directories_keep_their_times_however_much_is_in_them(pods, tmp_path):
    save_many(tmp_path, LONG)
    os.utime(tmp_path / "many", (10**9, 10**9))
    batch = Batch(SyncPlan(copies=(SyncedFile(local=str(tmp_path / "many"), remote="/app/many"),)))
    assert not any(isinstance(each, Exception) for each in await update(pods, batch))
    assert all((root / "app" / "many").stat().st_mtime == 10**9 for root in pods.roots)
    assert all(many(root) == [LONG] * 120 for root in pods.roots)


async def test_when_the_helper_on_this_machine_ends_between_two_parts_all_of_it_goes_through_the_streams(
    pods, tmp_path
):
    batch, text = save_many(tmp_path, LONG), LONG.upper()
    await update(pods, batch)
    before, pods.started.answered = pods.sent, pods.started.kill
    assert not any(isinstance(each, Exception) for each in await update(pods, save_many(tmp_path, text)))
    assert all(many(root) == [text] * 120 for root in pods.roots)
    assert all(now > earlier for now, earlier in zip(pods.sent, before, strict=True))


async def test_what_fails_is_explained(pods, tmp_path):
    (pods.roots[0] / "app").write_text("a file where a directory should be")
    results = await update(pods, save(tmp_path, LONG))
    assert [isinstance(result, SyncError) for result in results] == [True, *[False] * (len(results) - 1)]
    assert "not a directory" in str(results[0])


@pytest.mark.parametrize("pods", [3], indirect=True)
async def test_when_the_helper_on_this_machine_ends_the_streams_carry_all_until_it_runs_again(pods, tmp_path):
    pods.started.kill()
    await update(pods, save(tmp_path, "meanwhile"))
    assert pods.contents() == ["meanwhile"] * len(pods.roots)
    before = pods.sent
    async with asyncio.timeout(10):
        while len(pods.started.pids) < 2:
            await pods.runner.leader()
            await asyncio.sleep(0.05)
    await pods.follow()
    joined = pods.sent
    assert joined != before
    await update(pods, save(tmp_path, LONG))
    assert pods.contents() == [LONG] * len(pods.roots)
    assert pods.sent == joined


@pytest.mark.parametrize("pods", [3], indirect=True)
async def test_a_helper_on_this_machine_that_is_stopped_holds_nothing_up_for_long(pods, tmp_path):
    os.kill(pods.started.pids[-1], signal.SIGSTOP)
    await update(pods, save(tmp_path, LONG))
    assert pods.contents() == [LONG] * len(pods.roots)
    await update(pods, save(tmp_path, "newer"))
    os.kill(pods.started.pids[-1], signal.SIGCONT)
    await asyncio.sleep(0.1)
    assert pods.contents() == ["newer"] * len(pods.roots)


async def test_of_what_is_passed_on_nobody_is_sent_more(pods, tmp_path):
    before = pods.sent
    for text in (LONG, "again"):
        passed = await pass_on(pods.receivers, save(tmp_path, text))
        assert [each is not None and await each.answered() for each in passed] == [True] * len(pods.roots)
        assert pods.contents() == [text] * len(pods.roots)
    assert pods.sent == before
    await update(pods, save(tmp_path, "by itself"))
    assert pods.contents() == ["by itself"] * len(pods.roots)


async def test_commands_run_after_what_is_passed_on(pods, tmp_path):
    plan = save(tmp_path, LONG).plan
    batch = Batch(replace(plan, runs=(Run(argv=("sh", "-c", "exit 3")),)))
    for each in await pass_on(pods.receivers, batch):
        assert each
        assert not await each.answered()
        assert (await each.finish(Lines())).exit_status == 3
    assert pods.contents() == [LONG] * len(pods.roots)


@pytest.mark.parametrize("pods", [3], indirect=True)
async def test_where_something_fails_the_others_are_done(pods, tmp_path):
    (pods.roots[1] / "app").write_text("a file where a directory should be")
    passed = await pass_on(pods.receivers, save(tmp_path, LONG))
    assert [each is not None and await each.answered() for each in passed] == [True, False, True]
    assert passed[1]
    with pytest.raises(SyncError, match="not a directory"):
        await passed[1].finish(Lines())
    assert not passed[1].broken


@pytest.mark.parametrize("pods", [3], indirect=True)
async def test_what_is_not_passed_on_after_all_goes_through_the_streams(pods, tmp_path):
    os.kill(pods.started.pids[-1], signal.SIGSTOP)
    passed = await pass_on(pods.receivers, save(tmp_path, LONG))
    os.kill(pods.started.pids[-1], signal.SIGKILL)
    for each in passed:
        assert each
        assert not await each.answered()
        await each.finish(Lines())
    assert pods.contents() == [LONG] * 3


@pytest.mark.parametrize("pods", [3], indirect=True)
async def test_whoever_is_busy_or_broken_is_passed_on_nothing(pods, tmp_path):
    passed = await pass_on(pods.receivers, save(tmp_path, "one"))
    assert await pass_on(pods.receivers, save(tmp_path, "two")) == [None] * 3
    for each in passed:
        assert each
        each.give_up()
    assert await pass_on(pods.receivers, save(tmp_path, "three")) == [None] * 3
    (tmp_path / "page").unlink()
    (tmp_path / "page").symlink_to("page")
    unreadable = SyncedFile(local=str(tmp_path / "page" / "page"), remote="/app/page")
    assert await pass_on(pods.receivers, Batch(SyncPlan(copies=(unreadable,)))) == [None] * 3


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """A program in the pod that sends back what it reads, and ends once it has read the end; gives its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, HERE)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Forward:
    """A port of this machine; what the session accepts there it answers itself."""

    def __init__(self) -> None:
        self.socket = socket.socket()
        self.socket.bind((HERE, 0))
        self.listener = PortListener([self.socket], self._take)
        self.listener.resume()

    def _take(self, connection: socket.socket) -> None:
        connection.send(b"the session")
        connection.close()

    async def exchange(self, content: bytes) -> bytes:
        """What comes back for content and its end; empty where the connection breaks."""
        reader, writer = await asyncio.open_connection(*self.socket.getsockname())
        try:
            async with asyncio.TaskGroup() as group:
                received = group.create_task(reader.read())
                writer.write(content)
                writer.write_eof()
            return received.result()
        except ExceptionGroup:
            return b""
        finally:
            writer.close()

    async def is_granted(self, pods: DirectPods, port: int) -> None:
        """Grant it to the helper on this machine, as soon as that runs."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while pods.followers[0].grant(self.listener, port) is None:
                await pods.follow()


@pytest.fixture
async def forward() -> AsyncIterator[Forward]:
    forward = Forward()
    yield forward
    forward.listener.close()


@pytest.mark.parametrize("pods", [1], indirect=True)
async def test_connections_are_carried_to_programs_that_listen_at_localhost(pods, forward):
    async with echoing() as port:
        assert await forward.exchange(b"") == b"the session"
        await forward.is_granted(pods, port)
        for content in (b"", b"some", os.urandom(500_000)):
            assert await forward.exchange(content) == content
    assert await forward.exchange(b"") == b"the session"


@pytest.mark.parametrize("pods", [1], indirect=True)
async def test_a_follower_that_is_given_up_leaves_its_forwards_to_the_session(pods, forward):
    async with echoing() as port:
        await forward.is_granted(pods, port)
        assert await forward.exchange(b"x") == b"x"
        pods.followers[0].relay.give_up(pods.followers[0])
        assert await forward.exchange(b"") == b"the session"


@pytest.mark.parametrize("pods", [1], indirect=True)
@pytest.mark.parametrize("sent", [signal.SIGSTOP, signal.SIGKILL])
async def test_of_a_helper_on_this_machine_that_is_stopped_or_killed_the_session_takes_over(pods, forward, sent):
    async with echoing() as port:
        await forward.is_granted(pods, port)
        assert await forward.exchange(b"x") == b"x"
        os.kill(pods.started.pids[-1], sent)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await forward.exchange(b"") == b"the session"
        await forward.is_granted(pods, port)
        assert await forward.exchange(b"again") == b"again"


async def test_a_program_that_is_no_helper_leads_nobody(tmp_path):
    for text in ("echo hello; cat", "echo; exit 1", "printf '\\036synclet 99 pid=1\\n'; cat"):
        (tmp_path / "program").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "program").chmod(0o755)
        runner = DirectRunner(str(tmp_path / "program"))
        async with running(runner.run()):
            assert await runner.leader(seconds=0.2) is None


async def test_without_a_program_nothing_is_reached():
    for program in (None, "/no/such/program"):
        runner = DirectRunner(program, lambda _: True)
        async with running(runner.run()):
            assert await runner.reaches("10.0.0.1") == bool(program)
            assert await runner.leader() is None
    assert not await DirectRunner("/program", lambda _: True).reaches("")
