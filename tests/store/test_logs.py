import asyncio
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.model.lines import Selection
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.store.logs import BATCH, TURN_BLOCKS, TURN_BYTES, LogStore
from pytilt.store.segments import Limits

WEB, DB = ResourceName("web"), ResourceName("db")


@pytest.fixture
def logs(tmp_path: Path):
    store = LogStore(tmp_path / "log")
    yield store
    store.close()


def texts(logs: LogStore, selection: Selection | None = None) -> list[str]:
    lines, cursor = [], 0
    while cursor < len(logs):
        some, cursor = logs.read(cursor, selection)
        lines += [line.text for line in some]
    return lines


def test_a_line_is_complete_at_its_newline(logs: LogStore):
    span = logs.span(WEB, SpanId("build:1"))
    span("one\ntw")
    assert texts(logs) == ["one"]
    span("o\n")
    span("rest")
    span.close()
    assert texts(logs) == ["one", "two", "rest"]


def test_a_byte_that_is_no_text_does_not_keep_a_line_from_being_kept(logs: LogStore):
    logs.span(WEB, SpanId("build:1"))("1 File Changed: [é\udcff]\n")
    assert texts(logs) == ["1 File Changed: [é?]"]


def test_lines_of_one_resource_are_found_without_those_of_others(logs: LogStore):
    for number in range(10):
        logs.append(WEB if number % 2 else DB, SpanId("s"), str(number))
    assert texts(logs, Selection(resources=frozenset({WEB}))) == ["1", "3", "5", "7", "9"]
    assert texts(logs, Selection(resources=frozenset({WEB, DB}))) == [str(number) for number in range(10)]


def test_no_line_of_many_batches_is_lost(logs: LogStore):
    count = 3 * BATCH + 7
    for number in range(count):
        logs.append(WEB, SpanId("s"), str(number))
    assert texts(logs) == [str(number) for number in range(count)]
    assert texts(logs, Selection(resources=frozenset({WEB}))) == [str(number) for number in range(count)]


def test_a_level_selects_exactly_its_lines_and_the_headers_of_updates(logs: LogStore):
    span = logs.span(WEB, SpanId("build:1"), build=True)
    span.header("Initial Build")
    span("fine\n")
    span("oh\n", level=Level.ERROR)
    assert texts(logs, Selection(level=Level.ERROR)) == ["Initial Build", "oh"]


def test_what_is_at_least_as_loud_is_selected_without_the_headers_of_updates(logs: LogStore):
    span = logs.span(ResourceName("web"), SpanId("build:1"), build=True)
    span.header("Initial Build")
    span("fine\n")
    span("hm\n", level=Level.WARN)
    span("oh\n", level=Level.ERROR)
    assert texts(logs, Selection(at_least=Level.WARN)) == ["hm", "oh"]


def test_a_source_selects_builds_or_what_runs(logs: LogStore):
    logs.span(WEB, SpanId("build:1"), build=True)("building\n")
    logs.span(WEB, SpanId("pod:1"))("serving\n")
    assert texts(logs, Selection(source="build")) == ["building"]
    assert texts(logs, Selection(source="runtime")) == ["serving"]


def test_the_tail_begins_where_so_many_selected_lines_are_left(logs: LogStore):
    for number in range(2 * BATCH):
        logs.append(WEB if number % 100 == 0 else DB, SpanId("s"), str(number))
    cursor = logs.tail(3, Selection(resources=frozenset({WEB})))
    assert [line.text for line in logs.read(cursor, Selection(resources=frozenset({WEB})))[0]] == [
        "3700",
        "3800",
        "3900",
    ]
    assert logs.tail(10**6) == 0


def test_secrets_never_reach_the_disk(logs: LogStore, tmp_path: Path):
    logs.hide([("swordfish", "[redacted secret db:password]")])
    logs.append(WEB, SpanId("s"), "the word is swordfish, swordfish")
    assert texts(logs) == ["the word is [redacted secret db:password], [redacted secret db:password]"]
    logs.close()
    assert b"swordfish" not in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize("others", [0, 2000])
def test_secrets_are_taken_out_of_the_lines_that_came_before_they_were_known(
    logs: LogStore, tmp_path: Path, others: int
):
    logs.append(WEB, SpanId("s"), "swordfish")
    for number in range(others):  # so many that the file has them, and the rest is not written yet
        logs.append(DB, SpanId("s"), f"line {number}")
    logs.append(WEB, SpanId("s"), 'a "sword\\fish" and swordfish')
    logs.append(WEB, SpanId("s"), "after it")
    (tmp_path / "log").rename(tmp_path / "gone")  # somebody may tidy up while a session runs
    logs.hide([("swordfish", "[redacted secret db:password]")])
    logs.hide([('"sword\\fish"', "[redacted secret db:other]"), ("swordfish", "[redacted secret db:password]")])
    found = texts(logs, Selection(resources=frozenset({WEB})))
    assert found == [
        "[redacted secret db:password]",
        "a [redacted secret db:other] and [redacted secret db:password]",
        "after it",
    ]
    assert len(texts(logs)) == others + 3
    logs.close()
    kept = (tmp_path / "gone").read_text()
    assert "sword" not in kept
    assert kept.splitlines()[1] == "*********"
    assert kept.splitlines()[-3::2] == ["a ************ and *********", "after it"]


def test_a_file_that_cannot_be_made_is_explained(tmp_path: Path):
    with pytest.raises(UserError, match="no such file or directory\nhint: set TILT_DEV_DIR"):
        LogStore(tmp_path / "nowhere" / "log")


def test_a_full_disk_loses_no_line():
    logs = LogStore(Path("/dev/full"), opener=lambda path: FileIO(path, "w"))
    for number in range(3000):
        logs.append(WEB, SpanId("s"), str(number))
    found = texts(logs)
    logs.close()
    assert [text for text in found if text.isdigit()] == [str(number) for number in range(3000)]
    assert [text for text in found if "no space left on device" in text]


async def test_a_follower_gets_what_is_there_and_what_comes(logs: LogStore):
    logs.append(WEB, SpanId("s"), "before")
    follower = logs.follow()
    async with asyncio.timeout(5):
        assert [line.text for line in await anext(follower)] == ["before"]
        logs.append(WEB, SpanId("s"), "after")
        assert [line.text for line in await anext(follower)] == ["after"]
    await follower.aclose()  # type: ignore[attr-defined]  # an async generator has it


async def test_a_follower_may_gather_what_comes(logs: LogStore):
    follower = logs.follow_blocks(gather=0.01)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        for number, text in enumerate(("one", "two")):
            loop.call_later(0.001 * number, logs.append, WEB, SpanId("s"), text)
        assert [block.text for block in await anext(follower)] == ["one", "two"]
    await follower.aclose()  # type: ignore[attr-defined]  # an async generator has it


def test_a_line_may_come_in_any_number_of_pieces(logs: LogStore):
    span = logs.span(ResourceName("web"), SpanId("pod"))
    for piece in ("a", "b", "", "c\nd", "e\n", "\n", "f"):
        span(piece)
    span.close()
    assert [line.text for line in logs.read(0)[0]] == ["abc", "de", "", "f"]


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----\n"


def test_a_key_of_several_lines_never_reaches_the_disk_however_it_comes(logs: LogStore, tmp_path: Path):
    logs.hide([(PEM, "[redacted secret tls:key]")])
    span = logs.span(WEB, SpanId("s"))
    span(f"before\n{PEM}after\n")
    for letter in f"{PEM}end\n":
        span(letter)
    shown = "[redacted secret tls:key]"
    slowly = ["-----BEGIN PRIVATE KEY-----", shown, shown, "-----END PRIVATE KEY-----", "end"]
    assert texts(logs) == ["before", shown, "after", *slowly]
    logs.close()
    assert b"MIIEvQ" not in (tmp_path / "log").read_bytes()


def test_a_key_that_was_printed_before_it_was_known_leaves_the_other_lines_in_their_places(logs: LogStore):
    logs.span(WEB, SpanId("s"))(f"before\n{PEM}after\n")
    logs.hide([(PEM, "[redacted secret tls:key]")])
    assert texts(logs) == ["before", "[redacted secret tls:key]", "", "", "", "after"]
    assert [line.text for line in logs.read(5)[0]] == ["after"]


def test_a_long_text_is_kept_in_blocks_of_which_each_line_has_its_number(logs: LogStore):
    lines = [f"{number} {'x' * 90}" for number in range(3000)]
    logs.span(WEB, SpanId("s"))("\n".join(lines) + "\n")
    assert texts(logs) == lines
    assert logs.read(1234, limit=1)[0][0].text == lines[1234]
    assert logs.tail(7) == 2993
    assert len(logs.read_blocks(0)[0]) > 3


def test_lines_of_a_time_are_found(tmp_path: Path):
    times = iter(datetime(2026, 1, 1, 0, minute, tzinfo=UTC) for minute in range(10))
    logs = LogStore(tmp_path / "log", clock=lambda: next(times))
    for minute in range(10):
        logs.append(WEB, SpanId("s"), str(minute))
    wanted = Selection(since="2026-01-01T00:03:00.000000Z", until="2026-01-01T00:05:00.000000Z")
    assert texts(logs, wanted) == ["3", "4"]
    logs.close()


def test_a_log_that_has_reached_its_limit_loses_its_oldest_lines_and_says_so(tmp_path: Path):
    logs = LogStore(tmp_path / "log", limits=Limits(bytes_kept=256 * 1024))
    reports: list[str] = []
    for number in range(100):
        logs.append(WEB if number % 2 else DB, SpanId("s"), f"{number} {'x' * 8000}")
        reports += [line.text for line in logs.read(logs.tail(1))[0] if line.level is Level.WARN]
    found = [text.split()[0] for text in texts(logs) if "xxx" in text]
    assert (found[-1], found) == ("99", [str(number) for number in range(int(found[0]), 100)])
    assert logs.first_number > 50
    assert reports == ["the log has reached its limit; its oldest lines are removed from now on"]
    assert texts(logs, Selection(resources=frozenset({WEB})))[-1].startswith("99 ")
    logs.close()


def test_blocks_that_end_before_the_cursor_are_not_read(tmp_path: Path):
    store = LogStore(tmp_path / "log")
    store.span(ResourceName("web"), SpanId("s"))("one\ntwo\n")
    assert store.read_blocks(len(store)) == ([], 2)
    store.close()


def test_a_turn_reads_no_more_than_it_may(logs: LogStore):
    for number in range(3 * TURN_BLOCKS):
        logs.append(WEB if number % 2 else DB, SpanId("s"), str(number))
    logs.span(WEB, SpanId("s"))("".join("x" * 1000 + "\n" for _ in range(2000)))
    for selection in (Selection(), Selection(resources=frozenset({WEB}))):
        cursor, lines = 0, 0
        while cursor < len(logs):
            blocks, cursor = logs.read_turn(cursor, selection)
            assert len(blocks) <= TURN_BLOCKS
            assert sum(len(block.text) for block in blocks) < 2 * TURN_BYTES
            lines += sum(block.count for block in blocks)
        assert lines == len(texts(logs, selection))


def test_blocks_that_are_far_from_each_other_are_read_without_what_is_between(tmp_path: Path):
    logs = LogStore(tmp_path / "log")
    for number in range(20):
        logs.append(WEB, SpanId("s"), str(number))
        logs.append(DB, SpanId("s"), "x" * 50_000)
    assert texts(logs, Selection(resources=frozenset({WEB}))) == [str(number) for number in range(20)]
    logs.close()


def test_a_clock_that_is_set_back_does_not_put_new_lines_before_old_ones(tmp_path: Path):
    """What `--since 5m` counts from: not five minutes before an hour ago."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    clock = [noon]
    logs = LogStore(tmp_path / "log", lambda: clock[-1])
    logs.append(WEB, SpanId("s"), "one")
    clock.append(noon - timedelta(hours=1))
    logs.append(WEB, SpanId("s"), "two")
    lines, _ = logs.read(0)
    assert [line.time for line in lines] == ["2026-01-01T12:00:00.000000Z"] * 2
    assert logs.now() == noon
    clock.append(noon + timedelta(hours=1))
    assert logs.now() == noon + timedelta(hours=1)
    logs.close()
