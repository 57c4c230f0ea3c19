import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.errors import ClusterUnreachableError, PytiltError, SyncError
from pytilt.loop.planning import freshness
from pytilt.model.clusters import ObjectRef
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import CustomBuild, LiveUpdate, Run, Sync
from pytilt.model.live_updates import LiveContainer, Reach, Way
from pytilt.model.names import TILTFILE
from pytilt.model.objects import (
    ImageMap,
    Resource,
    Tiltfile,
)
from pytilt.model.resources import Declaration
from pytilt.model.updates import Outcome, SyncedContainer
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.containers import FakeContainers, FakeExec
from tests.idle import eventually, idle
from tests.liveupdate.shells import Shells
from tests.loop.declaring import command, image, kubernetes, prepare, update
from tests.loop.live_updates.sync_trial import Trial
from tests.loop.waiting import logged, running


@pytest.fixture
def trial(store: Store, logs: LogStore, tmp_path: Path) -> Trial:
    return Trial(store, logs, tmp_path)


async def test_a_saved_file_is_in_the_running_container(trial: Trial):
    async with running(trial.receivers.run()):
        trial.write(a="one", b="two")
        done = await trial.update()
        assert trial.inside() == {"a": "one", "b": "two"}
    assert done.outcome is Outcome.OK
    assert (done.status["synced"], done.status["containers"]) == (1, (SyncedContainer(id="c1", sequence=1),))
    assert done.status["deployed_at"]


async def test_a_live_update_logs_what_it_copies_and_deletes(trial: Trial):
    (trial.remote / "b").write_text("old")
    (trial.local / "b").write_text("")
    async with running(trial.receivers.run()):
        trial.write(a="one", b=None)
        await trial.update()
    assert trial.inside() == {"a": "one"}
    assert logged(trial.logs) == (
        "Will delete 1 file(s) from container: web-1/web\n"
        f"- '{trial.local}/b' --> '{trial.remote}/b'\n"
        "Will copy 1 file(s) to container: web-1/web\n"
        f"- '{trial.local}/a' --> '{trial.remote}/a'\n"
        "  → Container web-1/web updated!\n"
    )


async def test_of_many_files_only_some_are_named(trial: Trial):
    async with running(trial.receivers.run()):
        trial.write(**{f"f{number:02}": "" for number in range(12)})
        await trial.update()
    assert "- … and 2 more\n" in logged(trial.logs)
    assert len(trial.inside()) == 12


async def test_only_what_the_container_lacks_is_sent(trial: Trial):
    async with running(trial.receivers.run()):
        trial.write(a="one")
        done = await trial.update()
        trial.status(**done.status)
        (trial.remote / "a").unlink()
        trial.write(b="two")
        await trial.update(2)
        assert trial.inside() == {"b": "two"}


async def test_a_change_that_came_after_the_start_waits_for_the_next_update(trial: Trial):
    async with running(trial.receivers.run()):
        trial.write(a="one")
        trial.write(b="two")
        await trial.update(1)
        assert trial.inside() == {"a": "one"}


async def test_every_container_is_updated(trial: Trial):
    trial.run("c1", "c2")
    async with running(trial.receivers.run()):
        trial.write(a="one")
        done = await trial.update()
    assert [each.id for each in done.status["containers"]] == ["c1", "c2"]
    assert logged(trial.logs).count("updated!") == 2


async def test_commands_run_after_the_files_are_there(trial: Trial):
    trial.declare(Run(argv=("sh", "-c", f"cp {trial.remote}/a {trial.remote}/copy")))
    async with running(trial.receivers.run()):
        trial.write(a="one")
        await trial.update()
        assert trial.inside() == {"a": "one", "copy": "one"}


async def test_a_command_that_fails_is_the_error_of_the_update_and_the_files_stay(trial: Trial):
    trial.declare(Run(argv=("sh", "-c", "echo error: no such rule; exit 3")))
    async with running(trial.receivers.run()):
        trial.write(a="one")
        done = await trial.update()
        assert trial.inside() == {"a": "one"}
    assert (done.outcome, done.status["synced"]) == (Outcome.FAILED, 1)
    said = "command `echo error: no such rule; exit 3` failed in container web-1/web: exit status 3"
    assert done.error == f"{said}\nerror: no such rule"
    assert logged(trial.logs).count("\nerror: no such rule") == 1
    assert "  → Failed to update container web-1/web" in logged(trial.logs)


async def test_with_initial_sync_a_new_container_gets_every_file(trial: Trial):
    trial.declare(initial_sync=True)
    for name in ("old", "x.tmp"):
        (trial.local / name).write_text(name)
    async with running(trial.receivers.run()):
        trial.write(a="one")
        done = await trial.update()
        assert trial.inside() == {"a": "one", "old": "old"}
        trial.status(**done.status)
        (trial.remote / "old").unlink()
        trial.write(a="two")
        await trial.update(2)
        assert trial.inside() == {"a": "two"}


async def test_an_initial_sync_leaves_out_what_the_watch_ignores(trial: Trial):
    trial.declare(initial_sync=True)
    ignores = (Ignore(base=str(trial.local), patterns=("*.bak",)),)
    everywhere = Declaration(ignores=ignores)
    trial.store.change(
        Tiltfile, TILTFILE, lambda each: replace(each, status=replace(each.status, declaration=everywhere))
    )
    for name in ("old", ".old.swp", "4913", "old~", ".#old", "old.bak"):
        (trial.local / name).write_text(name)
    async with running(trial.receivers.run()):
        trial.write(a="one")
        await trial.update()
    assert trial.inside() == {"a": "one", "old": "old"}


async def test_the_stream_is_open_before_it_is_needed_and_is_used_again(trial: Trial):
    assert isinstance(trial.containers, Shells)
    async with running(trial.receivers.run()):
        trial.write(a="one")
        trial.status(**(await trial.update()).status)
        trial.write(a="two")
        await trial.update(2)
    assert len(trial.containers.opened) == 1


async def test_a_stream_that_died_of_age_is_opened_once_more(trial: Trial):
    assert isinstance(trial.containers, Shells)
    async with running(trial.receivers.run()):
        trial.write(a="one")
        trial.status(**(await trial.update()).status)
        trial.containers.opened[0].kill()
        await trial.containers.opened[0].process.wait()
        trial.write(a="two")
        done = await trial.update(2)
        assert trial.inside() == {"a": "two"}
    assert done.outcome is Outcome.OK


async def test_the_stream_of_a_container_that_is_gone_is_closed(trial: Trial):
    assert isinstance(trial.containers, Shells)
    async with running(trial.receivers.run()):
        trial.write(a="one")
        await trial.update()
        trial.run()
        await trial.containers.opened[0].process.wait()


class Silent(FakeContainers):
    """Containers that run what they are seen and never answer."""

    def __init__(self) -> None:
        super().__init__()
        self.answer_exec(self._silent)

    async def _silent(self, _: FakeExec) -> int:
        await asyncio.Event().wait()
        return 0


async def test_a_container_that_is_gone_is_no_reason_to_fall_back(store: Store, logs: LogStore, tmp_path: Path):
    containers = Silent()
    trial = Trial(store, logs, tmp_path, containers)
    async with running(trial.receivers.run()) as group:
        trial.write(a="one")
        ended = group.create_task(trial.update())
        await eventually(lambda: containers.commands)
        await idle()
        containers.fail("web-1", SyncError("no such pod"))
        trial.run("c2")
        done = await ended
    assert (done.outcome, done.status["synced"], done.status["containers"]) == (Outcome.OK, 1, ())
    assert "web-1/web is gone; what changed goes into the one that replaces it" in logged(logs)


async def _failure(work: Callable[..., object]) -> PytiltError | None:
    try:
        await work()  # type: ignore[misc]  # an update
    except PytiltError as problem:
        return problem
    return None


@pytest.mark.parametrize("problem", [SyncError("no shell"), ClusterUnreachableError("no route to host")])
async def test_a_container_that_could_not_be_entered_is_tried_again_at_the_next_update(
    trial: Trial, problem: PytiltError
):
    trial.containers.fail("web-1", problem)
    async with running(trial.receivers.run()):
        trial.write(a="one")
        assert await _failure(trial.update) == problem
        trial.containers.fail("web-1", None)
        assert (await trial.update()).outcome is Outcome.OK
        assert trial.inside() == {"a": "one"}


async def test_without_a_container_that_runs_there_is_nothing_to_update(trial: Trial):
    trial.run()
    async with running(trial.receivers.run()):
        trial.write(a="one")
        with pytest.raises(SyncError, match="changed before"):
            await trial.update()


async def test_what_could_not_be_brought_to_an_image_of_the_yaml_fails_and_comes_with_the_next_change(trial: Trial):
    """No full update would bring it."""
    spec = image("img", live_update=LiveUpdate(syncs=(Sync(local=str(trial.local), remote=str(trial.remote)),)))
    ready = replace(spec, build=CustomBuild(command=command(":")), files=FileRule(paths=(str(trial.local),)))
    prepare(trial.store, kubernetes("web", images=[ready]))
    trial.store.delete(ImageMap, "img")
    applied = (ObjectRef(api_version="apps/v1", kind="Deployment", name="web"),)
    trial.status(history=(update(),), applied=applied)

    def lacking() -> bool:
        resource = trial.store.get(Resource, "web")
        assert resource
        return freshness.lacking(trial.store.snapshot(), resource)

    trial.containers.fail("web-1", SyncError("locked"))
    async with running(trial.receivers.run()):
        trial.write(a="1")
        done = await trial.update()
        trial.containers.fail("web-1", None)
        assert (done.outcome, "locked" in done.error) == (Outcome.FAILED, True)
        trial.status(**{**done.status, "consumed": 1})
        assert not lacking()
        trial.write(b="2")
        done = await trial.update(2)
        assert done.outcome is Outcome.OK
        assert {path.name for path in trial.remote.iterdir()} == {"a", "b"}
        trial.status(**{**done.status, "consumed": 2})
        assert not lacking()


async def test_what_receives_in_each_container_is_reported_until_it_is_gone(trial: Trial):
    async with running(trial.receivers.run()):
        await eventually(lambda: (found := trial.live()) is not None and found.way is Way.SHELL)
        wanted = LiveContainer(pod="web-1", name="web", id="c1", namespace="default")
        assert trial.live() == replace(wanted, way=Way.SHELL, reach=Reach.STREAM)
        trial.containers.fail("web-1", SyncError("no way in"))
        trial.run("c2")
        await eventually(lambda: (found := trial.live()) is not None and found.error == "no way in")
        trial.run()
        await eventually(lambda: trial.live() is None)
