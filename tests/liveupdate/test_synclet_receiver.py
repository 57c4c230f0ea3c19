import asyncio
import filecmp
import os
import random
import signal
import subprocess  # noqa: TID251 - mounts a disk for a container
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pytilt.errors import SyncError
from pytilt.liveupdate.opening import open_receiver
from pytilt.liveupdate.packing import HELD_BYTES, UnreadFile
from pytilt.liveupdate.planning import SyncedFile, SyncPlan
from pytilt.liveupdate.receiver import Batch, Receiver, ReceiverOptions
from pytilt.liveupdate.stalls import StallLimits
from pytilt.model.images import Run
from pytilt.model.live_updates import Way
from pytilt.model.logs import Level
from tests.liveupdate.shells import REF, Machine
from tests.liveupdate.test_shell import Lines


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def machine(helper: Path) -> Machine:
    return Machine(layer=helper)


@pytest.fixture
async def receiver(machine: Machine, root: Path) -> AsyncIterator[Receiver]:
    async with open_receiver(machine, REF, ReceiverOptions(layer=True), root=str(root)) as receiver:
        yield receiver


def batch(*files: SyncedFile, deletions: Sequence[SyncedFile] = (), runs: Sequence[Run] = ()) -> Batch:
    return Batch(SyncPlan(copies=tuple(files), deletions=tuple(deletions), runs=tuple(runs)))


def saved(path: Path, content: bytes) -> SyncedFile:
    path.write_bytes(content)
    return SyncedFile(local=str(path), remote=f"/app/{path.name}")


async def test_the_first_way_that_works_is_taken(helper, root):
    for machine, options, way in [
        (Machine(layer=helper), ReceiverOptions(layer=True), Way.LAYER),
        (Machine(), ReceiverOptions(layer=True, places=(str(root),)), Way.COPY),
        (Machine(), ReceiverOptions(places=(str(root),)), Way.COPY),
        (Machine(layer=helper), ReceiverOptions(layer=True, helper=False), Way.SHELL),
    ]:
        async with open_receiver(machine, REF, options, root=str(root)) as receiver:
            assert receiver.way is way
            assert (await receiver.update(batch(saved(root / "x", b"x")), Lines())).ok
            assert (root / "app" / "x").read_bytes() == b"x"


async def test_where_nothing_works_every_reason_is_given(tmp_path):
    with pytest.raises(SyncError) as caught:
        async with open_receiver(Machine(path=str(tmp_path)), REF, ReceiverOptions(layer=True)):
            pass
    assert "has no command `/synclet`" in caught.value.message
    assert "`head` is not in the container" in caught.value.message
    assert "FROM scratch" in (caught.value.hint or "")


async def test_files_of_every_size_and_name_arrive(receiver, root, tmp_path):
    names = ["a b", "it's", "new\nline", "ü", "-rf", "*", os.fsdecode(b"\xff\xfe")]
    sizes = [0, 1, 10_000, 200_000, 262_144, 1_000_000]
    files = [saved(tmp_path / f"{name}{size}", random.Random(size).randbytes(size)) for name in names for size in sizes]
    assert (await receiver.update(batch(*files), Lines())).ok
    for file in files:
        here, there = tmp_path / file.remote[5:], root / file.remote[1:]
        assert here.read_bytes() == there.read_bytes()
        assert here.stat().st_mtime_ns == there.stat().st_mtime_ns
    assert (await receiver.update(batch(deletions=files), Lines())).ok
    assert list((root / "app").iterdir()) == []


async def test_of_a_large_file_only_what_changed_travels(machine, receiver, root, tmp_path):
    lines = [b"line %d\n" % number for number in range(400_000)]
    big = saved(tmp_path / "big", b"".join(lines))
    await receiver.update(batch(big), Lines())
    before = machine.opened[0].sent
    lines[200_000] = b"another line, of another length\n"
    saved(tmp_path / "big", b"".join(lines))
    await receiver.update(batch(big), Lines())
    assert (root / "app" / "big").read_bytes() == b"".join(lines)
    assert machine.opened[0].sent - before < 200_000


async def test_a_large_file_becomes_what_it_is_here_whatever_happened_to_the_one_there(receiver, root, tmp_path):
    content = random.Random(1).randbytes(1_000_000)
    there = root / "app" / "big"
    for number, change in enumerate([lambda: None, there.unlink, lambda: there.write_bytes(b"other"), lambda: None]):
        change()
        content = content[: 300_000 * number] + b"more and more" + content[300_000 * number :]
        assert (await receiver.update(batch(saved(tmp_path / "big", content)), Lines())).ok
        assert there.read_bytes() == content


async def test_holes_of_a_sparse_file_are_not_sent_and_are_holes_there(machine, receiver, root, tmp_path):
    there, data = root / "app" / "big", random.Random(1).randbytes(1_000_000)
    big = saved(tmp_path / "big", data)
    assert (await receiver.update(batch(big), Lines())).ok
    for size, place in [(300_000_000, 200_000_000), (300_000_007, 5)]:
        with (tmp_path / "big").open("wb") as file:
            file.truncate(size)
            file.seek(place)
            file.write(data)
        before = machine.opened[0].sent
        assert (await receiver.update(batch(big), Lines())).ok
        assert machine.opened[0].sent - before < 3_000_000
        assert there.stat().st_blocks * 512 < 10_000_000
        assert filecmp.cmp(tmp_path / "big", there, shallow=False)


async def test_a_file_that_changes_while_it_is_sent_is_packed_again(receiver, root, tmp_path):
    big = saved(tmp_path / "big", random.Random(2).randbytes(1_000_000))
    changed = batch(big)
    await changed.frames()
    content = random.Random(1).randbytes(900_000)
    saved(tmp_path / "big", content)
    assert (await receiver.update(changed, Lines())).ok
    assert (root / "app" / "big").read_bytes() == content


async def test_a_failure_is_explained_and_the_receiver_goes_on(receiver, root, tmp_path):
    (root / "app").write_text("a file where a directory should be")
    for size in (10, 1_000_000):
        with pytest.raises(SyncError, match="not a directory"):
            await receiver.update(batch(saved(tmp_path / "x", bytes(size))), Lines())
        assert not receiver.broken
    (root / "app").unlink()
    assert (await receiver.update(batch(saved(tmp_path / "x", b"x")), Lines())).ok


async def test_commands_run_in_order_until_one_fails(receiver):
    log = Lines()
    runs = [Run(argv=("sh", "-c", "echo one; echo two >&2")), Run(argv=("sh", "-c", "exit 3")), Run(argv=("true",))]
    result = await receiver.update(batch(runs=runs), log)
    assert (result.failed, result.exit_status) == (runs[1], 3)
    assert log.text == "[CMD 1/3] echo one; echo two >&2\none\ntwo\n[CMD 2/3] exit 3\n"
    with pytest.raises(SyncError, match="killed by the container runtime"):
        await receiver.update(batch(runs=[Run(argv=("sh", "-c", "kill -9 $$"))]), Lines())


async def test_a_cancelled_update_ends_its_command(receiver, root):
    command = Run(argv=("sh", "-c", f"echo $$ > {root}/pid; echo ready; exec sleep 60"), echo_off=True)
    log = Lines()
    async with asyncio.TaskGroup() as group:
        update = group.create_task(receiver.update(batch(runs=[command]), log))
        await log.arrived.wait()
        update.cancel()
    assert receiver.broken


async def test_the_programs_restart_needs_a_supervisor(receiver):
    with pytest.raises(SyncError) as caught:
        await receiver.update(Batch(SyncPlan(), restart=True), Lines())
    assert "restart_container()" in (caught.value.hint or "")


async def test_the_end_of_the_helper_is_noticed_between_updates(root, machine):
    async with open_receiver(machine, REF, ReceiverOptions(layer=True), root=str(root)) as receiver:
        assert not receiver.broken
        machine.opened[0].kill()
        with pytest.raises(SyncError):
            await receiver.update(batch(runs=[Run(argv=("true",))]), Lines())
        assert receiver.broken


class WarnedLines(Lines):
    """A log whose lines may be warnings."""

    def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        assert level in (Level.INFO, Level.WARN)
        super().__call__(text, progress=progress)


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A disk of one megabyte, for as long as the block runs."""
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def many(directory: Path, count: int, size: int) -> list[SyncedFile]:
    directory.mkdir()
    return [saved(directory / f"{number}", random.Random(number).randbytes(size)) for number in range(count)]


def contents(directory: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in directory.iterdir()}


async def test_more_files_than_memory_is_to_hold_are_read_when_they_are_sent(receiver, root, tmp_path):
    files = many(tmp_path / "many", 110, 190_000)
    changed = batch(*files)
    packed = (await changed.frames()).content
    assert sum(len(each) for each in packed if isinstance(each, bytes)) < HELD_BYTES + 190_100
    *_, gone, grown = packed
    assert isinstance(gone, UnreadFile)
    assert isinstance(grown, UnreadFile)
    missing, large = (tmp_path / "many" / each.remote.rpartition("/")[2] for each in (gone, grown))
    missing.unlink()
    large.write_bytes(bytes(500_000))
    assert (await receiver.update(changed, Lines())).ok
    assert contents(root / "app") == contents(tmp_path / "many")


async def test_a_stopped_container_is_reported_and_goes_on_when_it_is_continued(helper, root, tmp_path):
    machine, log, limits = Machine(layer=helper), WarnedLines(), StallLimits(warn_seconds=0.1)
    files = many(tmp_path / "many", 60, 190_000)
    async with open_receiver(machine, REF, ReceiverOptions(layer=True), root=str(root), limits=limits) as receiver:
        os.kill(receiver.pid, signal.SIGSTOP)
        async with asyncio.TaskGroup() as group:
            group.create_task(receiver.update(batch(*files), log))
            async with asyncio.timeout(20):
                await log.arrived.wait()
            assert "has taken nothing for 0.1 s" in log.text
            assert machine.opened[0].sent < 5_000_000
            os.kill(receiver.pid, signal.SIGCONT)
    assert log.text.endswith("  → The container goes on\n")
    assert len(list((root / "app").iterdir())) == len(files)


async def test_a_stream_that_is_stuck_is_given_up_and_what_it_was_sent_is_never_done(helper, root, tmp_path):
    machine, limits = Machine(layer=helper), StallLimits(warn_seconds=0.05, fail_seconds=0.2)
    file = tmp_path / "x"
    async with open_receiver(machine, REF, ReceiverOptions(layer=True), root=str(root), limits=limits) as stuck:
        os.kill(stuck.pid, signal.SIGSTOP)
        with pytest.raises(SyncError, match=r"took nothing of what was sent to it for 0\.2 s"):
            await stuck.update(batch(saved(file, b"old")), WarnedLines())
        assert stuck.broken
        options = ReceiverOptions(layer=True, earlier=(stuck.pid,))
        async with open_receiver(machine, REF, options, root=str(root)) as receiver:
            assert (await receiver.update(batch(saved(file, b"new")), Lines())).ok
            with suppress(ProcessLookupError):
                os.kill(stuck.pid, signal.SIGCONT)
            await stuck.closed()
    assert (root / "app" / "x").read_bytes() == b"new"


async def test_a_full_disk_is_named_and_the_receiver_goes_on(receiver, root, tmp_path):
    (root / "app").mkdir()
    with small_disk(root / "app"):
        with pytest.raises(SyncError, match="no space left on device") as caught:
            await receiver.update(batch(*many(tmp_path / "many", 20, 190_000)), Lines())
        assert "is full" in (caught.value.hint or "")
        left = list((root / "app").iterdir())
        await receiver.update(
            batch(deletions=[SyncedFile(local="", remote=f"/app/{each.name}") for each in left]), Lines()
        )
        assert (await receiver.update(batch(saved(tmp_path / "x", b"x")), Lines())).ok
        assert [each.name for each in (root / "app").iterdir()] == ["x"]


async def test_python_never_takes_bytecode_of_the_version_before(receiver, root, tmp_path):
    source = tmp_path / "module.py"
    for number in range(1, 4):
        file = saved(source, b"print(%d)\n" % number)
        os.utime(source, ns=(0, 1_700_000_000_000_000_000 + number))
        await receiver.update(batch(file), Lines())
        program = await asyncio.create_subprocess_exec(  # noqa: TID251 - it stands in for a container
            sys.executable, "-I", "-c", "import sys; sys.path = ['.', *sys.path]; import module",
            cwd=root / "app", env={}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        printed, _ = await program.communicate()
        assert printed == b"%d\n" % number
    assert list((root / "app" / "__pycache__").iterdir())
