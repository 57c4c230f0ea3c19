import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from pytilt.loop.updates.recent_changes import RecentChanges
from pytilt.loop.updates.watching import Watching
from pytilt.model.files import FileRule
from pytilt.model.objects import Resource
from pytilt.model.resources import TriggerMode
from pytilt.model.updates import Strategy, Update
from pytilt.store.objects import Store
from pytilt.testing.host import FakeFileWatcher
from tests.loop.declaring import update
from tests.loop.planning.test_freshness import Trial
from tests.loop.waiting import running

SAVED = "/p/web/a"


class Saving:
    """Saves of the files of `web`, whose containers can be updated in place."""

    def __init__(self, store: Store, longest: float = 60) -> None:
        self.trial = Trial(store)
        self.watcher = FakeFileWatcher()
        self.watching = Watching(store, self.watcher)
        self.changes = RecentChanges(store, self.watching, longest)
        self.went: list[str] = []
        """Connections that have gone on."""

    def settle(self) -> Coroutine[None, None, None] | None:
        """A connection comes."""
        return self.changes.settle("web", self.go)

    def go(self) -> None:
        """It goes on."""
        self.went.append("web")

    async def save(self) -> None:
        await self.watching.declare({"image:web": [FileRule(paths=("/p/web",))]})
        self.watcher.change(SAVED)

    def runs(self, *updates: Update) -> None:
        """Say that these updates run, and take all that was saved."""
        self.trial.status(current=updates, consumed=1)


@asynccontextmanager
async def a_connection_waits(saving: Saving) -> AsyncIterator[asyncio.Task[None]]:
    """A file is saved, and a connection comes, for which the task runs."""
    async with running(saving.watching.run()) as group:
        await saving.save()
        settled = saving.settle()
        assert settled is not None
        waiting = group.create_task(settled)
        await saving.watching.caught_up()
        yield waiting


async def is_waited_for(saving: Saving) -> bool:
    """Does a connection wait that comes now? For a tenth of a second, that is."""
    settled = saving.settle()
    if settled is None:
        return False
    try:
        await asyncio.wait_for(settled, 0.1)
    except TimeoutError:
        return True
    return False


async def test_nobody_waits_where_nothing_was_saved(store: Store):
    saving = Saving(store)
    assert saving.settle() is None
    assert saving.changes.settle("nothing", saving.go) is None
    assert len(saving.went) == 2


async def test_what_was_saved_is_waited_for_until_its_live_update_has_ended(store: Store):
    saving = Saving(store)
    async with a_connection_waits(saving) as waiting:
        for current in ((), (update(strategy=Strategy.LIVE),)):
            if current:
                saving.runs(*current)
            await asyncio.sleep(0.01)
            assert not saving.went
        saving.runs()
        await asyncio.wait_for(waiting, 5)
        assert len(saving.went) == 1
        assert saving.settle() is None


async def test_who_waits_goes_on_before_it_is_noted_that_what_was_saved_is_there(store: Store):
    saving = Saving(store)
    async with a_connection_waits(saving) as waiting:
        sequence = saving.watching.sequence
        saving.runs(update(strategy=Strategy.LIVE))
        saving.changes.arrived("web", sequence - 1)
        saving.changes.arrived("other", sequence)
        await asyncio.sleep(0.01)
        assert not saving.went
        saving.changes.arrived("web", sequence)
        saving.changes.arrived("web", sequence + 1)
        assert len(saving.went) == 1
        saving.runs()
        await asyncio.wait_for(waiting, 5)
        assert len(saving.went) == 1


async def test_it_is_waited_for_a_moment_only(store: Store):
    saving = Saving(store, longest=0.01)
    async with running(saving.watching.run()):
        await saving.save()
        for _ in range(2):
            settled = saving.settle()
            assert settled is not None
            await asyncio.wait_for(settled, 5)


async def test_what_a_save_without_another_content_brings_is_there_at_once(store: Store):
    saving = Saving(store)
    saving.watcher.contents[SAVED] = b"same"
    async with running(saving.watching.run()):
        await saving.save()
        await saving.watching.caught_up()
        saving.runs()
        saving.watcher.change(SAVED)
        settled = saving.settle()
        assert settled is not None
        await asyncio.wait_for(settled, 5)


@pytest.mark.parametrize("why", ["manual", "full update", "rebuild"])
async def test_what_takes_long_is_not_waited_for(store: Store, why: str):
    saving = Saving(store)
    async with running(saving.watching.run()):
        await saving.save()
        await saving.watching.caught_up()
        assert await is_waited_for(saving)
        match why:
            case "manual":
                spec = replace(saving.trial.resource.spec, trigger_mode=TriggerMode.MANUAL)
                store.change(Resource, "web", lambda each: replace(each, spec=spec))
            case "full update":
                saving.trial.status(current=(update(),))
            case _:
                saving.trial.runs(image="other")
        assert not await is_waited_for(saving)
