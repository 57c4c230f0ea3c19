from msgspec.structs import replace

from pytilt.loop.api.file_watches import FileWatches, watch_name
from pytilt.loop.updates.watching import Watching
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import ApiFileWatch, FileWatchSpec
from pytilt.model.api.metadata import ConfigMapDisableSource, DisableSource, IgnoreDef
from pytilt.model.files import FileRule
from pytilt.model.objects import FileWatch, Session
from pytilt.store.objects import Store
from pytilt.testing.host import FakeFileWatcher
from tests.loop.waiting import running, until

SPEC = FileWatchSpec(watched_paths=("/p",), ignores=(IgnoreDef(base_path="/p", patterns=("*.tmp",)),))


def events(store: Store) -> list[tuple[str, ...]]:
    found = store.get(ApiFileWatch, "src")
    return [each.seen_files for each in found.status.file_events] if found else []


async def test_files_that_change_become_events_and_other_watches_stay(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    store.put(ApiFileWatch(name="src", spec=SPEC))
    async with running(watching.run()), running(FileWatches(store, watching).run()):
        await until(store, lambda: store.get(FileWatch, watch_name("src")))
        await watching.declare({"web": [FileRule(paths=("/web",))]})
        assert set(watcher.rules) == {"web", watch_name("src")}
        watcher.change("/p/a", "/p/b", "/p/c.tmp", "/web/x")
        await until(store, lambda: events(store))
        watcher.change("/p/a")
        await until(store, lambda: len(events(store)) > 1)
    assert events(store) == [("/p/a", "/p/b"), ("/p/a",)]
    found = store.get(ApiFileWatch, "src")
    assert found
    assert found.status.last_event_time == found.status.file_events[-1].time
    await watching.declare({})
    assert set(watcher.rules) == {watch_name("src")}


async def test_a_watch_that_is_disabled_or_gone_watches_nothing(store: Store):
    watcher = FakeFileWatcher()
    watches = FileWatches(store, Watching(store, watcher))
    source = DisableSource(config_map=ConfigMapDisableSource(name="state", key="off"))
    store.put(ApiFileWatch(name="src", spec=replace(SPEC, disable_source=source)))
    await watches.turn()
    assert set(watcher.rules) == {watch_name("src")}
    store.put(ConfigMap(name="state", data={"off": "true"}))
    await watches.turn()
    assert not watcher.rules
    store.put(ConfigMap(name="state", data={"off": "false"}))
    await watches.turn()
    store.delete(ApiFileWatch, "src")
    await watches.turn()
    assert not watcher.rules


async def test_a_session_that_ends_by_itself_watches_nothing(store: Store):
    watcher = FakeFileWatcher()
    store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile", ci=True))
    store.put(ApiFileWatch(name="src", spec=SPEC))
    await FileWatches(store, Watching(store, watcher)).turn()
    assert not watcher.rules
