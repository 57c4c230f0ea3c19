import asyncio
from pathlib import Path

import pytest

from pytilt.host.files.contract import Changes
from pytilt.host.files.gathering import EMPTY_SECONDS, HELD_SECONDS, OPEN_SECONDS, RECENT_SECONDS, Gathering
from pytilt.host.files.interests import Interest, Interests
from pytilt.host.files.repositories import Repository
from pytilt.model.files import FileRule
from tests.virtual_time import virtual_time


@pytest.fixture
def everything() -> Interest:
    interests = Interests()
    interests.carry_out(interests.plan({"k": [FileRule(paths=("/",))]}))
    return interests.all[0]


async def test_a_lock_that_git_left_behind_does_not_hold_for_ever(everything: Interest):
    gathering = Gathering(stale_seconds=0.05)
    repository = Repository("/repo/.git")
    gathering.hold(repository)
    gathering.emit([everything], "/repo/a", repository)
    items = gathering.items()
    async with asyncio.timeout(10):
        assert (await anext(items)).held == {"k"}
        released = await anext(items)
    assert released.paths == {"k": {"/repo/a"}}
    assert "/repo/.git/index.lock" in released.warning
    assert not repository.locked
    gathering.close()


@virtual_time
async def test_a_lock_under_which_nothing_changes_goes_stale_without_a_word(everything: Interest):
    gathering = Gathering(stale_seconds=1.0)
    repository = Repository("/repo/.git")
    gathering.hold(repository)
    await asyncio.sleep(1.1)
    assert not repository.locked
    gathering.emit([everything], "/repo/a", repository)
    found = await anext(gathering.items())
    assert (found.paths, found.warning) == ({"k": frozenset({"/repo/a"})}, "")


@virtual_time
async def test_who_goes_on_saving_does_not_wait_for_ever_for_a_lock(everything: Interest):
    gathering = Gathering()
    repository = Repository("/repo/.git")
    loop = asyncio.get_running_loop()
    gathering.hold(repository)
    began = loop.time()
    while repository.locked:
        gathering.emit([everything], "/repo/a", repository)
        await asyncio.sleep(1)
    assert loop.time() - began == pytest.approx(HELD_SECONDS, abs=1)
    assert (await anext(gathering.items())).paths == {"k": {"/repo/a"}}
    gathering.close()


async def test_what_is_held_for_a_key_that_is_gone_is_dropped(everything: Interest):
    gathering = Gathering()
    repository = Repository("/repo/.git")
    items = gathering.items()
    gathering.hold(repository)
    gathering.emit([everything], "/repo/a", repository)
    assert (await anext(items)).held == {"k"}
    gathering.keep([])
    assert not (await anext(items)).held
    everything.keys = frozenset({"other"})
    gathering.emit([everything], "/repo/b", repository)
    gathering.release(repository)
    assert (await anext(items)).paths == {"other": {"/repo/b"}}
    gathering.close()


async def test_it_is_said_of_which_keys_git_holds_changes(everything: Interest):
    gathering = Gathering()
    repository = Repository("/repo/.git")
    items = gathering.items()
    gathering.hold(repository)
    for name in ("a", "b"):
        gathering.emit([everything], f"/repo/{name}", repository)
    assert await anext(items) == Changes({}, held=frozenset({"k"}))
    gathering.emit([everything], "/elsewhere", None)
    elsewhere = await anext(items)
    assert elsewhere.paths == {"k": {"/elsewhere"}}
    assert elsewhere.held == {"k"}
    gathering.release(repository)
    released = await anext(items)
    assert released.paths == {"k": {"/repo/a", "/repo/b"}}
    assert not released.held
    gathering.close()


async def test_changes_for_keys_that_are_gone_are_dropped(everything: Interest):
    gathering = Gathering()
    gathering.emit([everything], "/repo/a", None)
    gathering.keep([])
    everything.keys = frozenset({"other"})
    gathering.emit([everything], "/repo/b", None)
    assert (await anext(gathering.items())).paths == {"other": {"/repo/b"}}


@virtual_time
@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken yet"])
async def test_an_entry_that_comes_and_goes_is_emitted_where_the_reader_may_have_seen_it(
    everything: Interest, taken: bool
):
    gathering = Gathering()
    items = gathering.items()

    def emit() -> None:
        gathering.emit([everything], "/repo/a", None)

    emit()  # it was deleted before, and the reader looks when it is there again
    if taken:
        await anext(items)
    gathering.appear("/repo/a", emit, None, forgettable=True)
    if not taken:
        await anext(items)
    gathering.vanish("/repo/a", emit, None)
    assert (await anext(items)).paths == {"k": {"/repo/a"}}
    gathering.close()


@virtual_time
async def test_an_entry_that_nobody_can_have_seen_comes_and_goes_without_a_word(everything: Interest):
    gathering = Gathering()
    for path in ("/repo/a", "/repo/b"):
        gathering.emit([everything], path, None)
        await anext(gathering.items())
        await asyncio.sleep(2 * RECENT_SECONDS)
    gathering.appear("/repo/a", lambda: gathering.emit([everything], "/repo/a", None), None, forgettable=True)
    gathering.vanish("/repo/a", lambda: gathering.emit([everything], "/repo/a", None), None)
    await asyncio.sleep(1)
    gathering.emit([everything], "/repo/c", None)
    assert (await anext(gathering.items())).paths == {"k": {"/repo/c"}}
    gathering.close()


async def test_a_warning_is_emitted_once_without_any_change(everything: Interest):
    gathering = Gathering()
    gathering.warn("no more watches")
    items = gathering.items()
    assert await anext(items) == Changes({}, warning="no more watches")
    gathering.emit([everything], "/repo/b", None)
    found = await anext(items)
    assert (found.paths, found.warning) == ({"k": frozenset({"/repo/b"})}, "")


async def test_what_is_emitted_later_was_seen_when_its_first_event_came(everything: Interest):
    gathering = Gathering()
    loop = asyncio.get_running_loop()
    before = loop.time()
    gathering.appear("/repo/new", lambda: gathering.emit([everything], "/repo/new", None), None, forgettable=True)
    after = loop.time()
    gathering.emit([everything], "/repo/new", None)
    found = await anext(gathering.items())
    assert before <= found.seen <= after
    gathering.close()


async def _drained(gathering: Gathering) -> set[str]:
    """What a reader has been given when a flush returns."""
    seen: set[str] = set()

    async def read() -> None:
        async for item in gathering.items():
            seen.update(item.paths.get("k", ()))

    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        reading = group.create_task(read())
        await gathering.drained()
        reading.cancel()
    return seen


async def test_a_flush_waits_for_git_to_let_go_of_what_it_holds(everything: Interest):
    gathering = Gathering()
    repository, idle = Repository("/repo/.git"), Repository("/other/.git")
    gathering.hold(repository)
    gathering.hold(idle)  # nothing of it is held, so nobody waits for it
    gathering.emit([everything], "/repo/a", repository)
    asyncio.get_running_loop().call_later(0.02, gathering.release, repository)
    assert await _drained(gathering) == {"/repo/a"}
    gathering.close()


async def test_a_flush_waits_so_long_for_git_and_no_longer(everything: Interest):
    gathering = Gathering(flush_seconds=0.02)
    repository = Repository("/repo/.git")
    gathering.hold(repository)
    gathering.emit([everything], "/repo/a", repository)
    assert await _drained(gathering) == {"/repo/a"}
    gathering.close()


async def test_a_flush_emits_what_is_still_being_written(everything: Interest):
    gathering = Gathering()
    gathering.emit_when_closed("/repo/a", lambda: gathering.emit([everything], "/repo/a", None))
    gathering.appear("/repo/b", lambda: gathering.emit([everything], "/repo/b", None), None, forgettable=True)
    gathering.emit_when_closed("/repo/b", lambda: gathering.emit([everything], "/repo/b", None))
    assert await _drained(gathering) == {"/repo/a", "/repo/b"}
    gathering.close()


async def emitted_after(gathering: Gathering, everything: Interest, path: str, writes: int = 1) -> float:
    """How long it takes until a file that stays open is emitted, by virtual time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(writes):
        gathering.emit_when_closed(path, lambda: gathering.emit([everything], path, None))
        await asyncio.sleep(0.1)
    await anext(gathering.items())
    gathering.close()
    return loop.time() - began


@virtual_time
async def test_a_file_that_stays_open_is_emitted_when_nothing_more_is_written(everything: Interest, tmp_path: Path):
    path = tmp_path / "written"
    path.write_text("some")
    assert await emitted_after(Gathering(), everything, str(path)) == pytest.approx(OPEN_SECONDS)
    assert await emitted_after(Gathering(), everything, str(path), 4) == pytest.approx(0.3 + OPEN_SECONDS)


@virtual_time
async def test_a_file_that_was_truncated_is_not_emitted_empty_while_its_writer_pauses(
    everything: Interest, tmp_path: Path
):
    path = tmp_path / "truncated"
    path.write_text("")
    assert await emitted_after(Gathering(), everything, str(path)) == pytest.approx(EMPTY_SECONDS)


async def test_what_closes_a_file_emits_it_at_once(everything: Interest, tmp_path: Path):
    gathering = Gathering()
    gathering.emit_when_closed(str(tmp_path), lambda: None)
    gathering.emit([everything], str(tmp_path), None)
    async with asyncio.timeout(OPEN_SECONDS):
        assert (await anext(gathering.items())).paths == {"k": {str(tmp_path)}}
    gathering.close()
