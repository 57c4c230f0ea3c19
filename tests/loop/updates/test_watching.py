import asyncio

from msgspec.structs import replace

from pytilt.loop.updates.watching import Watching
from pytilt.model.files import FileRule, Ignore
from pytilt.model.names import CONFIGS, TILTFILE
from pytilt.model.objects import FileWatch, FileWatchStatus, ImageMap, Resource, Tiltfile, TiltfileStatus
from pytilt.store.objects import Store
from pytilt.testing.host import FakeFileWatcher
from tests.idle import idle
from tests.loop.declaring import image, kubernetes, local, prepare
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


async def test_what_matters_to_nobody_is_not_watched(store: Store):
    watcher = FakeFileWatcher()
    own = Ignore(base="/p/web/up.log")
    watching = Watching(store, watcher, unwatched=(own,))
    await watching.declare(WEB)
    assert watcher.rules == {"web": (FileRule(paths=("/p/web",), ignores=(own,)),)}
    watch = store.get(FileWatch, "web")
    assert watch is not None
    assert watch.rules == tuple(WEB["web"])


async def test_later_changes_have_greater_sequences_and_a_file_has_that_of_its_last(store: Store):
    watching = Watching(store, FakeFileWatcher())
    await watching.declare(WEB)
    for paths in ({"a", "b"}, {"b"}):
        watching.record({"web": frozenset(paths)})
    assert status(store, "web") == FileWatchStatus(changes={"a": 1, "b": 2}, latest=2)
    assert (watching.sequence, watching.next_sequence()) == (2, 3)


async def test_a_watch_that_goes_on_keeps_what_it_has_seen(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    await watching.declare(BOTH)
    watching.record({"web": frozenset({"a"}), "db": frozenset({"a"})})
    await watching.declare({"web": [FileRule(paths=("/p/other",))]})
    assert status(store, "web").changes == {"a": 1}
    assert store.get(FileWatch, "db") is None
    assert watcher.rules == {"web": (FileRule(paths=("/p/other",)),)}


async def test_the_sequence_never_goes_back_when_watches_go(store: Store):
    watching = Watching(store, FakeFileWatcher())
    await watching.declare(WEB)
    watching.record({"web": frozenset({"a"})})
    await watching.declare({})
    watching.record({"gone": frozenset({"a"})})
    assert watching.sequence == 2


async def test_what_is_written_anew_with_the_content_it_had_is_no_change(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    async with running(watching.run()):
        await watching.declare(WEB)
        for content in (b"1", b"1", b"2", b"2"):
            watcher.contents["/p/web/a"] = content
            watcher.change("/p/web/a")
            await idle()
    assert status(store, "web") == FileWatchStatus(changes={"/p/web/a": 2}, latest=2)


async def test_a_watch_says_that_git_holds_changes_of_it_until_they_were_read(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    many = [f"/p/db/{number}" for number in range(100)]
    async with running(watching.run()):
        await watching.declare(BOTH)
        watcher.hold("db")
        await until(store, lambda: status(store, "db").held)
        assert not status(store, "web").held
        watcher.change("/p/web/a")
        await until(store, lambda: status(store, "db").latest)
        assert status(store, "db").held
        watcher.hold()
        watcher.change(*many)
        await until(store, lambda: not status(store, "db").held)
        assert len(status(store, "db").changes) == 101


async def test_what_changed_and_is_what_it_was_can_be_taken_back_for_those_who_saw_no_more(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    async with running(watching.run()):
        await watching.declare(BOTH)
        watcher.contents |= {"/p/web/a": b"1", "/p/web/b": b"1"}
        watcher.change("/p/web/a")
        await idle()
        with watching.observe(["web"]) as seen:
            for content in (b"2", b"1"):
                watcher.contents |= {"/p/web/a": content, "/p/web/new": content}
                watcher.change("/p/web/a", "/p/web/new")
                await idle()
    assert seen.contents == {"/p/web/a": b"1", "/p/web/new": None}
    assert watching.content("/p/web/a") == b"1"
    watching.restore(seen, ["/p/web/a"])
    assert status(store, "web").changes == {"/p/web/a": 1, "/p/web/new": 3}
    assert status(store, "db").changes == {"/p/web/a": 3, "/p/web/new": 3}


async def test_files_that_may_have_changed_without_an_event_are_compared(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    watcher.contents["/p/web/a"] = b"1"
    await watching.declare(WEB)
    for _ in range(2):
        await watching.compare({"web": frozenset({"/p/web/a"})})
    assert status(store, "web") == FileWatchStatus(changes={"/p/web/a": 1}, latest=1)


async def test_many_files_are_read_in_a_thread_and_what_changes_meanwhile_is_read_again(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    paths = [f"/p/web/{number}" for number in range(100)]
    async with running(watching.run()):
        await watching.declare(WEB)
        watcher.change(*paths)
        await asyncio.sleep(0)
        watcher.change(*paths)
        await until(store, lambda: set(status(store, "web").changes) == set(paths) and status(store, "web").latest > 1)
        await watching.caught_up()
    assert set(status(store, "web").changes.values()) == {2}


async def test_a_change_is_forgotten_when_its_resource_has_taken_it(store: Store):
    watching = Watching(store, FakeFileWatcher())
    await watching.declare(WEB)
    prepare(store, local("web"))
    for path in ("a", "b", "c"):
        watching.record({"web": frozenset({path})})
    assert status(store, "web").changes == {"a": 1, "b": 2, "c": 3}
    store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, consumed=2)))
    watching.record({"web": frozenset({"c", "d"})})
    assert status(store, "web") == FileWatchStatus(changes={"c": 4, "d": 4}, latest=4)


async def test_a_change_of_a_config_file_is_forgotten_when_the_tiltfile_was_evaluated(store: Store):
    watching = Watching(store, FakeFileWatcher())
    await watching.declare({CONFIGS: [FileRule(paths=("/p/Tiltfile",))]})
    store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=TiltfileStatus(consumed=1)))
    for path in ("a", "b"):
        watching.record({CONFIGS: frozenset({path})})
    assert status(store, CONFIGS).changes == {"b": 2}


async def test_a_change_of_an_image_is_kept_until_that_is_built_anew(store: Store):
    watching = Watching(store, FakeFileWatcher())
    await watching.declare({"image:web": [FileRule(paths=("/p/web",))]})
    prepare(store, kubernetes("web", images=(image("web", live=True),)))
    store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, consumed=2, synced=2)))
    for path in ("a", "b"):
        watching.record({"image:web": frozenset({path})})
    assert status(store, "image:web").changes == {"a": 1, "b": 2}
    store.change(ImageMap, "web", lambda each: replace(each, status=replace(each.status, sequence=2)))
    watching.record({"image:web": frozenset({"c"})})
    assert status(store, "image:web").changes == {"c": 3}


async def test_changes_are_in_their_order_after_some_were_taken_back(store: Store):
    watcher = FakeFileWatcher()
    watching = Watching(store, watcher)
    async with running(watching.run()):
        await watching.declare(WEB)
        for path in ("/p/web/a", "/p/web/b"):
            watcher.contents[path] = b"1"
            watcher.change(path)
            await idle()
        with watching.observe(["web"]) as seen:
            for content in (b"2", b"1"):
                watcher.contents["/p/web/a"] = content
                watcher.change("/p/web/a")
                await idle()
        watching.restore(seen, ["/p/web/a"])
    assert list(status(store, "web").changes.items()) == [("/p/web/a", 1), ("/p/web/b", 2)]


async def test_a_consumer_without_a_status_says_what_it_has_taken(store: Store):
    watching = Watching(store, FakeFileWatcher())
    await watching.declare(WEB)
    for path in ("a", "b"):
        watching.record({"web": frozenset({path})})
    watching.taken("web", 2)
    watching.record({"web": frozenset({"c"})})
    assert status(store, "web").changes == {"c": 3}
