import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from pytilt.model.files import FileRule
from pytilt.model.objects import FileWatch, FileWatchStatus, Session
from pytilt.store.objects import Changed, Store


def watch_named(name: str, **changes: int) -> FileWatch:
    return FileWatch(name=name, status=FileWatchStatus(changes=changes, latest=max(changes.values(), default=0)))


async def next_of(items: AsyncIterator[Changed]) -> Changed:
    async with asyncio.timeout(5):
        return await anext(items)


def test_what_was_put_is_read_back_with_version_and_time_of_creation():
    store = Store()
    stored = store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile"))
    assert store.get(Session, "Tiltfile") == stored
    assert stored.version == 1
    assert stored.created_at.endswith("Z")


def test_the_same_object_again_is_no_change():
    store = Store()
    first = store.put(watch_named("web", a=1))
    assert store.put(watch_named("web", a=1)) is first
    assert store.snapshot().version == 1


def test_an_object_keeps_its_time_of_creation_when_it_changes():
    store = Store()
    first = store.put(watch_named("web"))
    second = store.put(watch_named("web", a=1))
    assert second.created_at == first.created_at
    assert second.version > first.version


def test_a_snapshot_does_not_change_when_the_store_does():
    store = Store()
    store.put(watch_named("web"))
    before = store.snapshot()
    store.put(watch_named("db"))
    store.delete(FileWatch, "web")
    assert [watch.name for watch in before.all(FileWatch)] == ["web"]
    assert [watch.name for watch in store.snapshot().all(FileWatch)] == ["db"]


def test_of_snapshots_that_somebody_still_reads_each_stays_as_it_was():
    store = Store()
    taken = []
    for number in range(4):
        store.put(watch_named("web", a=number))
        if number == 2:
            store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile"))
        taken.append(store.snapshot())
    store.delete(FileWatch, "web")
    assert [each.named(FileWatch)["web"].status.latest for each in taken] == [0, 1, 2, 3]
    assert [len(each.all(Session)) for each in taken] == [0, 0, 1, 1]


def test_what_was_handed_out_of_a_snapshot_that_is_gone_stays_as_it_was():
    store = Store()
    store.put(watch_named("web", a=1))
    named = store.snapshot().named(FileWatch)
    store.put(watch_named("web", a=2))
    store.put(watch_named("db"))
    assert {name: each.status.latest for name, each in named.items()} == {"web": 1}


def test_the_state_is_the_same_snapshot_until_something_is_written():
    store = Store()
    before = store.snapshot()
    assert store.snapshot() is before
    store.put(watch_named("web"))
    assert store.snapshot() is not before


def test_writes_between_snapshots_that_nobody_keeps_copy_nothing():
    """A write costs the same however many objects there are: counted by what is allocated."""
    store = Store()
    for number in range(1000):
        store.put(watch_named(f"web{number}"))
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(50):
            assert store.snapshot().get(FileWatch, "web1") is not None
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            store.put(watch_named("web1", a=number))
            assert tracemalloc.get_traced_memory()[1] - before < 10_000
    finally:
        tracemalloc.stop()


def test_editing_what_is_not_there_does_nothing():
    store = Store()
    assert store.change(FileWatch, "web", lambda watch: replace(watch, rules=())) is None
    assert store.snapshot().version == 0


async def test_a_watch_yields_first_what_is_there_then_what_changes():
    store = Store()
    store.put(watch_named("web"))
    items = store.watch(FileWatch)
    assert (await next_of(items)).names == {(FileWatch, "web")}
    store.put(watch_named("db"))
    assert (await next_of(items)).names == {(FileWatch, "db")}
    await items.aclose()  # type: ignore[attr-defined]  # an async generator has it


async def test_a_slow_reader_gets_one_item_for_all_that_happened_meanwhile():
    store = Store()
    items = store.watch(FileWatch)
    await next_of(items)
    for number in range(100):
        store.put(watch_named("web", a=number))
    store.put(watch_named("db"))
    assert (await next_of(items)).names == {(FileWatch, "web"), (FileWatch, "db")}
    await items.aclose()  # type: ignore[attr-defined]  # an async generator has it


async def test_a_watch_gets_nothing_of_other_kinds():
    store = Store()
    items = store.watch(FileWatch)
    await next_of(items)
    store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile"))
    store.put(watch_named("web"))
    assert (await next_of(items)).kinds == {FileWatch}
    await items.aclose()  # type: ignore[attr-defined]  # an async generator has it


async def test_a_watch_of_an_aspect_wakes_nobody_for_what_it_leaves_out():
    store = Store()
    store.put(watch_named("web", a=1))
    items = store.watch(FileWatch, Session, aspects={FileWatch: lambda each: each.rules})
    assert (await next_of(items)).names == {(FileWatch, "web")}
    store.put(watch_named("web", a=2))
    store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile"))
    assert (await next_of(items)).names == {(Session, "Tiltfile")}
    store.change(FileWatch, "web", lambda each: replace(each, rules=(FileRule(paths=("/p",)),)))
    assert (await next_of(items)).names == {(FileWatch, "web")}
    store.delete(FileWatch, "web")
    assert (await next_of(items)).names == {(FileWatch, "web")}
    await items.aclose()  # type: ignore[attr-defined]  # an async generator has it


def test_time_goes_on_where_the_clock_is_set_back():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    clock = iter([noon, noon, noon - timedelta(hours=1), noon - timedelta(minutes=59), noon + timedelta(seconds=1)])
    store = Store(lambda: next(clock))
    times = [store.now() for _ in range(5)]
    assert [each[11:] for each in times] == [
        "12:00:00.000000Z",
        "12:00:00.000000Z",
        "12:00:00.000001Z",
        "12:00:00.000002Z",
        "12:00:01.000000Z",
    ]
