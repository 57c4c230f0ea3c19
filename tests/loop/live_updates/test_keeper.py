import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pytilt.host.state import StateDirectory
from pytilt.liveupdate.keeping import KeptFiles, SentBatch
from pytilt.liveupdate.packing import LARGE_BYTES, pack_frames
from pytilt.liveupdate.planning import SyncedFile, SyncPlan
from pytilt.loop.live_updates.keeper import Keeper
from pytilt.model.logs import Level
from pytilt.model.names import ImageName, ResourceName
from tests.loop.waiting import PATIENCE_SECONDS, running

KEY = ResourceName("web"), ImageName("img")


class Trial:
    """A project, what was sent of it, and what is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kept = KeptFiles(StateDirectory(root / "kept"), limit=1_000_000)
        self.keeper = Keeper(self.kept)
        self.said: list[str] = []

    def log(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        self.said.append(f"{level}{progress}: {text}")

    async def sent(self, *, gone: str = "", **files: str) -> SentBatch:
        for name, text in files.items():
            (self.root / name).write_text(text)
        copies = tuple(SyncedFile(local=str(self.root / name), remote=f"/app/{name}") for name in files)
        packed = await pack_frames(copies)
        deleted = (SyncedFile(local=str(self.root / gone), remote=f"/app/{gone}"),) if gone else ()
        return SentBatch(plan=SyncPlan(copies=copies, deletions=deleted), packed=packed.paths, gone=deleted)

    def add(self, sequence: int, batches: dict[int, SentBatch]) -> None:
        self.keeper.add(KEY, batches, sequence, self.log)

    def texts(self) -> dict[str, str]:
        kept = self.kept.get(KEY)
        return {file.remote: Path(file.local).read_text() for file in kept.plan.copies} if kept else {}


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    found = Trial(tmp_path)
    with closing(found.kept):
        yield found


async def test_each_batch_is_added_to_those_before(trial: Trial):
    async with running(trial.keeper.run()):
        trial.add(1, {-1: await trial.sent(a="one", b="one", c="one")})
        trial.add(2, {1: await trial.sent(a="two", gone="b")})
        (trial.root / "a").write_text("three")
        await trial.keeper.caught_up()
        kept = trial.kept.get(KEY)
        assert kept
        assert trial.texts() == {"/app/c": "one", "/app/a": "two"}
        assert [file.remote for file in kept.plan.deletions] == ["/app/b"]
        assert (kept.sequence, kept.size) == (2, 6)
        trial.add(3, {2: await trial.sent(b="again")})
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/c": "one", "/app/a": "two", "/app/b": "again"}


async def test_a_batch_to_containers_that_had_more_than_is_kept_is_not_enough(trial: Trial):
    async with running(trial.keeper.run()):
        trial.add(2, {1: await trial.sent(a="two")})
        await trial.keeper.caught_up()
        assert trial.kept.get(KEY) is None
        trial.add(2, {1: await trial.sent(a="two"), -1: await trial.sent(a="two", b="one")})
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/a": "two", "/app/b": "one"}


async def test_a_file_in_place_of_a_folder_takes_what_was_in_that_with_it(trial: Trial):
    (trial.root / "d").mkdir()
    async with running(trial.keeper.run()):
        trial.add(1, {-1: await trial.sent(**{"d/x": "one", "e": "one"})})
        first = await trial.sent(e="two")
        (trial.root / "d" / "x").unlink()
        (trial.root / "d").rmdir()
        trial.add(2, {1: await trial.sent(d="two")})
        trial.add(3, {2: first})
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/d": "two", "/app/e": "two"}


async def test_a_large_file_that_has_changed_before_it_was_copied_is_not_kept(trial: Trial):
    sent = await trial.sent(large="x" * 300_000, small="one")
    (trial.root / "large").write_text("another")
    async with running(trial.keeper.run()):
        trial.add(1, {-1: sent})
        await trial.keeper.caught_up()
        kept = trial.kept.get(KEY)
        assert kept
        plan, missing = kept.without({str(trial.root / "large"): 2})
        assert ([file.remote for file in plan.copies], missing) == (["/app/small"], (str(trial.root / "large"),))
        trial.add(2, {1: await trial.sent(large="y" * 300_000)})
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/small": "one", "/app/large": "y" * 300_000}


async def test_what_cannot_be_kept_is_reported_and_the_next_batch_is_kept(trial: Trial):
    (trial.root / "kept").write_text("no directory")
    async with running(trial.keeper.run()):
        trial.add(1, {-1: await trial.sent(a="one")})
        await trial.keeper.caught_up()
        assert trial.said[0].startswith("WARN: No copy is kept for containers that start while another change waits: ")
        (trial.root / "kept").unlink()
        trial.add(2, {-1: await trial.sent(a="two")})
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/a": "two"}


async def test_copies_wait_for_a_pause_between_saves_but_for_those_who_need_them(trial: Trial):
    trial.keeper = Keeper(trial.kept, pause=3600)
    async with running(trial.keeper.run()):
        trial.add(1, {-1: await trial.sent(a="one")})
        await asyncio.sleep(0)
        assert trial.texts() == {}
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/a": "one"}


async def test_what_is_saved_again_before_it_was_copied_is_copied_once(trial: Trial):
    trial.keeper = Keeper(trial.kept, pause=3600)
    async with running(trial.keeper.run()):
        trial.add(1, {-1: await trial.sent(a="one", b="one", c="one")})
        trial.add(2, {1: await trial.sent(a="two"), -1: await trial.sent(a="two", b="two")})
        trial.add(3, {2: await trial.sent(a="three", c="three")})
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/b": "one", "/app/a": "three", "/app/c": "three"}
        assert len([path for path in (trial.root / "kept").rglob("*") if path.name.isdecimal()]) == 3
        assert trial.kept.sequence(KEY) == 3
        trial.add(4, {3: await trial.sent(gone="a")})
        trial.add(5, {4: await trial.sent(a="five")})
        trial.add(7, {6: await trial.sent(a="seven", b="seven")})
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/b": "one", "/app/c": "three", "/app/a": "five"}


async def test_many_saves_of_the_same_files_take_the_memory_of_one(trial: Trial):
    trial.keeper = Keeper(trial.kept, pause=3600)
    async with running(trial.keeper.run()):
        for sequence in range(1, 300):
            files = {f"{sequence % 7}": f"{sequence} ".ljust(100_000), "a": f"{sequence}"}
            trial.add(sequence, {sequence - 1 or -1: await trial.sent(**files)})
        await asyncio.sleep(0.05)
        assert trial.texts() == {}
        await trial.keeper.caught_up()
        texts = {place: text.strip() for place, text in trial.texts().items()}
        assert texts == {"/app/a": "299", **{f"/app/{each % 7}": f"{each}" for each in range(293, 300)}}


async def test_saves_without_a_pause_are_kept_once_many_wait(trial: Trial):
    trial.keeper = Keeper(trial.kept, pause=3600, most=20)
    async with running(trial.keeper.run()):
        for sequence in range(1, 21):
            trial.add(sequence, {sequence - 1 or -1: await trial.sent(a=f"{sequence}")})
            await asyncio.sleep(0)
        assert trial.texts() == {}
        trial.add(21, {20: await trial.sent(a="21")})
        for _ in range(1000):
            if trial.texts():
                break
            await asyncio.sleep(0.01)
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/a": "21"}


async def test_a_large_file_is_copied_before_it_changes(trial: Trial):
    trial.keeper = Keeper(trial.kept, pause=3600)
    large = "x" * LARGE_BYTES
    async with running(trial.keeper.run()), asyncio.timeout(PATIENCE_SECONDS):
        trial.add(1, {-1: await trial.sent(a=large)})
        while trial.texts() != {"/app/a": large}:  # noqa: ASYNC110 - a thread makes the copy
            await asyncio.sleep(0.01)


async def test_what_waits_to_be_kept_and_is_in_an_image_meanwhile_is_not_kept(trial: Trial):
    trial.keeper = Keeper(trial.kept, pause=3600)
    async with running(trial.keeper.run()):
        trial.add(1, {-1: await trial.sent(a="one", b="one")})
        trial.add(2, {1: await trial.sent(c="two")})
        trial.keeper.forget_built(KEY, 2)
        trial.add(3, {-1: await trial.sent(a="three")})
        await trial.keeper.caught_up()
        assert trial.texts() == {"/app/a": "three"}
        trial.keeper.forget_built(KEY, 2)
        assert trial.texts() == {"/app/a": "three"}
        trial.keeper.forget_built(KEY, 3)
        assert trial.texts() == {}
