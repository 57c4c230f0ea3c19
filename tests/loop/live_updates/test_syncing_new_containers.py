import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.model.objects import (
    ImageMap,
    Resource,
)
from pytilt.model.resources import TriggerMode
from pytilt.model.updates import Outcome, Reason, SyncedContainer
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from tests.liveupdate.shells import Shells
from tests.loop.declaring import update
from tests.loop.live_updates.sync_trial import Trial
from tests.loop.waiting import logged, running

MANUAL = TriggerMode.MANUAL


@pytest.fixture
def trial(store: Store, logs: LogStore, tmp_path: Path) -> Trial:
    return Trial(store, logs, tmp_path)


async def test_a_new_container_gets_all_that_was_synced_since_its_image_was_built(trial: Trial):
    async with running(trial.receivers.run(), trial.keeper.run()):
        trial.write(a="one")
        trial.status(**(await trial.update()).status)
        trial.run("c2")
        (trial.remote / "a").unlink()
        trial.write(b="two")
        await trial.update(2)
        assert trial.inside() == {"a": "one", "b": "two"}


async def in_manual_mode(trial: Trial, **files: str) -> None:
    """Sync files as somebody asks for it; then their container is replaced by an empty one."""
    trial.store.change(Resource, "web", lambda each: replace(each, spec=replace(each.spec, trigger_mode=MANUAL)))
    trial.write(**files)
    trial.status(**(await trial.update()).status)
    assert trial.inside() == files
    trial.empty()
    trial.run("c2")


async def test_in_manual_mode_a_new_container_gets_what_was_asked_for_although_that_has_changed_on_disk(trial: Trial):
    async with running(trial.receivers.run(), trial.keeper.run()):
        await in_manual_mode(trial, a="one", b="one", c="one")
        (trial.local / "a").chmod(0o751)
        trial.write(a="two", b=None, d="two")
        done = await trial.update(1, Reason.CONTAINER_REPLACED)
        assert trial.inside() == {"a": "one", "b": "one", "c": "one"}
        assert (trial.remote / "a").stat().st_mode & 0o777 != 0o751
        assert (done.outcome, done.status["synced"], done.status["kept"]) == (Outcome.OK, 1, 1)
        assert f"- '{trial.local}/a' --> '{trial.remote}/a'" in logged(trial.logs)
        trial.status(**done.status)
        await trial.update(2, Reason.CLI_TRIGGER)
        assert trial.inside() == {"a": "two", "c": "one", "d": "two"}
        trial.empty()
        trial.run("c3")
        trial.write(a="three")
        await trial.update(2, Reason.CONTAINER_REPLACED)
        assert trial.inside() == {"a": "two", "c": "one", "d": "two"}


async def test_in_manual_mode_a_new_container_gets_what_an_initial_sync_brought_the_first(trial: Trial):
    trial.declare(initial_sync=True)
    (trial.local / "old").write_text("one")
    async with running(trial.receivers.run(), trial.keeper.run()):
        trial.store.change(Resource, "web", lambda each: replace(each, spec=replace(each.spec, trigger_mode=MANUAL)))
        trial.status(**(await trial.update(0, Reason.CONTAINER_REPLACED)).status)
        assert trial.inside() == {"old": "one"}
        trial.empty()
        trial.write(old="two", new="two")
        trial.run("c2")
        await trial.update(0, Reason.CONTAINER_REPLACED)
        assert trial.inside() == {"old": "one"}


async def test_what_cannot_be_kept_is_brought_all_the_same_and_the_log_says_so(trial: Trial, tmp_path: Path):
    (tmp_path / "kept").write_text("no directory")
    async with running(trial.receivers.run(), trial.keeper.run()):
        await in_manual_mode(trial, a="one")
        assert "No copy is kept for containers that start while another change waits: " in logged(trial.logs)
        trial.write(b="two")
        await trial.update(1, Reason.CONTAINER_REPLACED)
        assert trial.inside() == {"a": "one"}


async def test_copies_that_somebody_removed_delete_nothing_in_a_container(trial: Trial, tmp_path: Path):
    async with running(trial.receivers.run(), trial.keeper.run()):
        await in_manual_mode(trial, a="one")
        shutil.rmtree(tmp_path / "kept")
        (trial.remote / "a").write_text("of the image")
        trial.write(a="two")
        await trial.update(1, Reason.CONTAINER_REPLACED)
        assert trial.inside() == {"a": "of the image"}


async def test_what_is_in_an_image_now_is_kept_no_more(trial: Trial, tmp_path: Path):
    def copies() -> list[str]:
        return [path.name for path in (tmp_path / "kept").glob("*/*") if path.name != "lock"]

    async with running(trial.receivers.run(), trial.keeper.run()):
        await in_manual_mode(trial, a="one")
        resource = trial.store.get(Resource, "web")
        assert resource
        trial.syncing.forget_built(resource)
        assert copies() == ["1"]
        trial.store.change(ImageMap, "img", lambda each: replace(each, status=replace(each.status, sequence=1)))
        trial.syncing.forget_built(resource)
        assert not copies()


async def test_after_a_broken_build_a_new_container_gets_what_was_synced_and_the_build_stays_broken(trial: Trial):
    async with running(trial.receivers.run(), trial.keeper.run()):
        trial.write(a="one")
        trial.status(**(await trial.update()).status)
        trial.empty()
        trial.run("c2")
        trial.status(history=(update(2, Outcome.FAILED), update()))
        done = await trial.update(1, Reason.CONTAINER_REPLACED, only_in_place=True)
        assert trial.inside() == {"a": "one"}
    assert (done.outcome, done.error, done.status["synced"]) == (Outcome.FAILED, "it failed", 1)


async def test_after_a_broken_build_a_new_container_gets_what_was_synced_although_it_has_changed_again(
    trial: Trial,
):
    async with running(trial.receivers.run(), trial.keeper.run()):
        trial.write(a="one", b="one", c="one", d="one")
        trial.status(**(await trial.update()).status)
        trial.write(c=None, d="two")
        trial.status(**(await trial.update(2)).status)
        trial.empty()
        trial.run("c2")
        trial.status(history=(update(3, Outcome.FAILED), update()))
        trial.write(a="three", b=None, c="three", e="three")
        done = await trial.update(2, Reason.CONTAINER_REPLACED, only_in_place=True)
        assert trial.inside() == {"a": "one", "b": "one", "d": "two"}
    assert (done.status["synced"], done.status["kept"]) == (2, 2)


async def test_what_is_synced_is_kept_as_it_was_packed(trial: Trial):
    async with running(trial.receivers.run()):
        trial.write(a="one")
        trial.status(**(await trial.update()).status)
        (trial.local / "a").write_text("before a copy was made")
        trial.empty()
        trial.run("c2")
        async with running(trial.keeper.run()):
            await trial.update(1, Reason.CONTAINER_REPLACED)
        assert trial.inside() == {"a": "one"}


async def test_a_live_update_succeeds_where_nothing_can_be_kept(trial: Trial, tmp_path: Path):
    (tmp_path / "kept").write_text("no directory")
    async with running(trial.receivers.run(), trial.keeper.run()):
        trial.write(a="one")
        done = await trial.update()
        await trial.keeper.caught_up()
        assert "No copy is kept for containers that start while another change waits: " in logged(trial.logs)
        trial.status(**done.status)
        trial.empty()
        trial.run("c2")
        await trial.update(1, Reason.CONTAINER_REPLACED)
        assert trial.inside() == {"a": "one"}


async def test_a_new_container_that_no_build_may_mend_is_tried_once(trial: Trial):
    async with running(trial.receivers.run(), trial.keeper.run()):
        trial.write(a="one")
        trial.status(**(await trial.update()).status)
        trial.run("c2")
        shutil.rmtree(trial.remote)
        trial.remote.write_text("no directory")
        done = await trial.update(1, Reason.CONTAINER_REPLACED, only_in_place=True)
        assert isinstance(trial.containers, Shells)
        for each in trial.containers.opened[1:]:
            await each.process.wait()
    assert done.outcome is Outcome.FAILED
    assert done.status["containers"] == (SyncedContainer(id="c2", sequence=0, tried=1),)
