from pytilt.loop.watching import Watching
from pytilt.model.files import FileRule
from pytilt.model.objects import FileWatch, FileWatchStatus
from pytilt.store.objects import Store
from pytilt.testing.host import FakeFileWatcher
from tests.loop.waiting import running, until

WEB = {"web": [FileRule(paths=("/p/web",))]}
BOTH = {**WEB, "db": [FileRule(paths=("/p/db", "/p/web"))]}


def status(store: Store, name: str) -> FileWatchStatus:
    found = store.get(FileWatch, name)
    assert found
    return found.status


async def test_a_change_is_in_the_status_of_every_watch_that_covers_it(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    async with running(watching.run()):
        await watching.declare(BOTH)
        watcher.change("/p/web/a", "/p/db/b")
        await until(store, lambda: status(store, "web").latest)
    assert status(store, "web").changes == {"/p/web/a": 1}
    assert status(store, "db").changes == {"/p/web/a": 1, "/p/db/b": 1}


async def test_later_changes_have_greater_sequences_and_a_file_has_that_of_its_last(store: Store):
    watching = Watching(store, FakeFileWatcher())
    await watching.declare(WEB)
    for paths in ({"a", "b"}, {"b"}):
        watching.tell({"web": frozenset(paths)})
    assert status(store, "web") == FileWatchStatus(changes={"a": 1, "b": 2}, latest=2)
    assert (watching.sequence, watching.next_sequence()) == (2, 3)


async def test_a_watch_that_goes_on_keeps_what_it_has_seen(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    await watching.declare(BOTH)
    watching.tell({"web": frozenset({"a"}), "db": frozenset({"a"})})
    await watching.declare({"web": [FileRule(paths=("/p/other",))]})
    assert status(store, "web").changes == {"a": 1}
    assert store.get(FileWatch, "db") is None
    assert watcher.rules == {"web": (FileRule(paths=("/p/other",)),)}


async def test_the_sequence_never_goes_back_when_watches_go(store: Store):
    watching = Watching(store, FakeFileWatcher())
    await watching.declare(WEB)
    watching.tell({"web": frozenset({"a"})})
    await watching.declare({})
    watching.tell({"gone": frozenset({"a"})})
    assert watching.sequence == 2
