import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pytilt.host.state import StateDirectory
from pytilt.liveupdate.keeping import KeptFiles, KeptUpdate
from pytilt.liveupdate.planning import SyncedFile, SyncPlan
from pytilt.model.names import ImageName, ResourceName

KEY = ResourceName("web"), ImageName("img")


class Trial:
    """Files of a project, and what is kept of them."""

    def __init__(self, root: Path) -> None:
        self.src, self.state = root / "src", StateDirectory(root / "kept")
        self.src.mkdir()
        self.files = KeptFiles(self.state, limit=1000)
        self.changes: dict[str, int] = {}

    def write(self, name: str, text: str, *, sequence: int) -> None:
        (self.src / name).parent.mkdir(exist_ok=True)
        (self.src / name).write_text(text)
        self.changes[str(self.src / name)] = sequence

    def plan(self, *names: str) -> SyncPlan:
        return SyncPlan(copies=tuple(SyncedFile(local=str(self.src / name), remote=f"/app/{name}") for name in names))

    async def keep(self, *names: str, sequence: int) -> KeptUpdate:
        return await self.files.keep(KEY, self.plan(*names), self.changes, sequence)

    def copies(self) -> list[str]:
        return sorted(path.name for path in self.state.path.glob("*/*") if path.name != "lock")


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    found = Trial(tmp_path)
    with closing(found.files):
        yield found


def copy(file: SyncedFile) -> Path:
    return Path(file.local)


def texts(plan: SyncPlan) -> dict[str, str]:
    return {file.remote: copy(file).read_text() for file in plan.copies}


async def test_what_was_kept_stays_what_it_was(trial: Trial):
    trial.write("a", "one", sequence=1)
    (trial.src / "a").chmod(0o640)
    os.utime(trial.src / "a", ns=(5, 7))
    kept = await trial.keep("a", sequence=1)
    trial.write("a", "changed in place", sequence=2)
    assert texts(kept.plan) == {"/app/a": "one"}
    (file,) = kept.plan.copies
    assert (file.mode, file.origin, copy(file).stat().st_mtime_ns) == (0o640, str(trial.src / "a"), 7)
    assert trial.state.path.stat().st_mode & 0o077 == 0


async def test_links_and_directories_are_kept_as_such(trial: Trial):
    trial.write("d/x", "one", sequence=1)
    (trial.src / "d/empty").mkdir(mode=0o700)
    (trial.src / "d/link").symlink_to("../nowhere")
    os.mkfifo(trial.src / "d/pipe")
    kept = await trial.keep("d", sequence=1)
    found = {file.remote: file for file in kept.plan.copies}
    assert sorted(found) == ["/app/d", "/app/d/empty", "/app/d/link", "/app/d/x"]
    assert found["/app/d"].alone
    assert found["/app/d/empty"].mode == 0o700
    assert str(copy(found["/app/d/link"]).readlink()) == "../nowhere"
    trial.files.drop(KEY)
    assert not trial.copies()


async def test_only_what_changed_is_copied_again_and_what_is_needed_no_more_goes(trial: Trial):
    for name in "abc":
        trial.write(name, "one", sequence=1)
    await trial.keep("a", "b", "c", sequence=1)
    trial.write("b", "two", sequence=2)
    (trial.src / "a").write_text("not known to have changed")
    (trial.src / "c").unlink()
    kept = await trial.keep("a", "b", "c", sequence=2)
    assert texts(kept.plan) == {"/app/a": "one", "/app/b": "two"}
    assert [file.remote for file in kept.plan.deletions] == ["/app/c"]
    assert len(trial.copies()) == 2


async def test_of_what_is_part_of_it_the_copies_are_taken(trial: Trial):
    trial.write("a", "one", sequence=1)
    trial.write("d/x", "one", sequence=1)
    trial.write("d/y", "one", sequence=1)
    kept = await trial.keep("a", "d", sequence=1)
    trial.write("d/x", "two", sequence=2)
    part = kept.part(SyncPlan(copies=trial.plan("d").copies, deletions=trial.plan("gone").copies))
    assert [file.remote for file in part.copies] == ["/app/d", "/app/d/x", "/app/d/y"]
    assert copy(part.copies[1]).read_text() == "one"
    assert [file.remote for file in part.deletions] == ["/app/gone"]


async def test_what_is_too_large_is_taken_from_disk_as_long_as_it_has_not_changed(trial: Trial):
    trial.write("a", "one", sequence=1)
    trial.write("large", "x" * 998, sequence=1)
    kept = await trial.keep("a", "large", sequence=1)
    assert kept.left_out == (str(trial.src / "large"),)
    assert texts(kept.without({str(trial.src / "a"): 2})[0]) == {"/app/a": "one", "/app/large": "x" * 998}
    plan, missing = kept.without({str(trial.src): 2})
    assert (texts(plan), missing) == ({"/app/a": "one"}, (str(trial.src / "large"),))
    other = await trial.files.keep((KEY[0], ImageName("other")), trial.plan("large"), trial.changes, 1)
    assert other.left_out  # there is one limit for all
    trial.files.drop(KEY)
    other = await trial.files.keep((KEY[0], ImageName("other")), trial.plan("large"), trial.changes, 1)
    assert not other.left_out


async def test_when_a_file_cannot_be_read_nothing_is_kept(trial: Trial):
    trial.write("a", "one", sequence=1)
    await trial.keep("a", sequence=1)
    (trial.src / "loop").symlink_to("loop")
    plan = SyncPlan(
        copies=(*trial.plan("a").copies, SyncedFile(local=str(trial.src / "loop"), remote="/", follow=True))
    )
    with pytest.raises(OSError, match="loop"):
        await trial.files.keep(KEY, plan, {**trial.changes, str(trial.src / "a"): 2}, 2)
    assert (trial.files.get(KEY), trial.copies()) == (None, [])


async def test_nothing_is_made_before_it_is_needed_and_nothing_stays(trial: Trial):
    await trial.keep(sequence=1)
    assert trial.files.get(KEY) is not None
    assert not trial.state.path.exists()
    trial.write("a", "one", sequence=1)
    await trial.keep("a", sequence=1)
    with closing(KeptFiles(trial.state)) as second:
        await second.keep(KEY, trial.plan("a"), {}, 1)
        assert len(list(trial.state.path.iterdir())) == 2
    trial.files.close()
    assert not list(trial.state.path.iterdir())


async def test_what_a_killed_session_left_behind_goes(trial: Trial):
    (trial.state.path / "killed").mkdir(parents=True)
    (trial.state.path / "killed" / "1").write_text("one")
    trial.write("a", "one", sequence=1)
    await trial.keep("a", sequence=1)
    assert [path.name for path in trial.state.path.iterdir() if path.name == "killed"] == []
