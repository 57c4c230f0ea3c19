import random
import re
from io import FileIO
from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.model.lines import Line, Selection
from pytilt.model.names import ResourceName, SpanId
from pytilt.store import search
from pytilt.store.logs import LogStore
from pytilt.store.search import LogSearch, LogSearcher, backward
from pytilt.store.segments import Limits
from pytilt.testing.scanner import InlineScanner

WEB, DB = ResourceName("web"), ResourceName("db")


@pytest.fixture
def logs(tmp_path: Path):
    store = LogStore(tmp_path / "log")
    yield store
    store.close()


def every(logs: LogStore, wanted: LogSearch) -> list[str]:
    """The lines that are to be found, each looked at by itself."""
    sought = re.compile(wanted.pattern, re.MULTILINE)
    return [line.text for line in logs.read(0, wanted.selection, 10**6)[0] if sought.search(line.text)]


async def found(logs: LogStore, wanted: LogSearch, *ends: int, cursor: int = 0) -> list[str]:
    searcher = LogSearcher(logs, InlineScanner(), wanted, cursor)
    ends = (*ends, len(logs))
    parts = [some for end in ends async for some in searcher.advance(end)]
    return ["--" if line is None else line.text for some in parts for line in some]


async def parts_from_end(logs: LogStore, wanted: LogSearch) -> list[list[Line | None]]:
    return [some async for some in backward(logs, InlineScanner(), wanted, range(len(logs))) if some]


async def from_end(logs: LogStore, wanted: LogSearch) -> list[str]:
    parts = await parts_from_end(logs, wanted)
    return ["--" if line is None else line.text for part in reversed(parts) for line in part]


def fill(logs: LogStore, seed: int, *, words: str) -> None:
    """Lines of two resources, some of which come together."""
    chance = random.Random(seed)
    spans = [logs.span(WEB, SpanId("pod:web")), logs.span(DB, SpanId("pod:db"), build=True)]
    for _ in range(200):
        lines = [" ".join(chance.choices(words.split(), k=chance.randrange(4))) for _ in range(chance.randrange(1, 9))]
        chance.choice(spans)("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    "pattern",
    [
        "one",
        "t.o",
        "^one",
        "three$",
        r"one\s+two",
        r"\s",
        "",
        "resource",
        "(?i)ONE",
        "^$",
        "one|th.*ee$|^two",
        "on*e",
        "(?i)T.O|One",
        "x|",
        "[ot]n",
    ],
)
@pytest.mark.parametrize("words", ["one two three", "one two dréi"])
@pytest.mark.parametrize("selection", [Selection(), Selection(resources=frozenset({WEB})), Selection(source="build")])
async def test_exactly_the_lines_that_have_it_are_found(logs: LogStore, pattern: str, words: str, selection: Selection):
    fill(logs, 1, words=words)
    logs.hide([("two", "x"), ("two three", "[hidden]")])
    wanted = LogSearch(pattern=pattern, selection=selection)
    expected = every(logs, wanted)
    assert await found(logs, wanted) == expected
    assert await found(logs, wanted, 100, 333) == expected
    assert await from_end(logs, wanted) == expected


async def test_a_search_from_the_end_finds_the_newest_part_first(logs: LogStore):
    text = "x" * 1000
    for number in range(2000):
        logs.append(WEB, SpanId("s"), f"{number} {text}")
    parts = await parts_from_end(logs, LogSearch(pattern="^(7|1990) "))
    assert [line.number for part in parts for line in part if line] == [7, 1990]
    wanted = LogSearch(pattern="^7 ", context=1)
    assert [text.split()[0] for text in await from_end(logs, wanted)] == ["6", "7", "8"]


@pytest.mark.parametrize("block", [1, 500])
@pytest.mark.parametrize("context", [0, 3])
async def test_of_many_matches_no_more_are_passed_on_at_once_than_a_turn_may(logs: LogStore, block: int, context: int):
    lines = 5000  # more than are enough for one scan
    for number in range(0, lines, block):
        logs.span(WEB, SpanId("s"))("".join(f"match {number + each}\n" for each in range(block)))
    wanted = LogSearch(pattern="match", context=context)
    parts = await parts_from_end(logs, wanted)
    assert max(map(len, parts)) <= search.TURN_PLACES
    assert {line.number for part in reversed(parts) for line in part if line} == {*range(lines)}
    forward = [some async for some in LogSearcher(logs, InlineScanner(), wanted, 0).advance(lines)]
    assert max(map(len, forward)) <= search.TURN_PLACES
    assert [line.number for part in forward for line in part if line] == [*range(lines)]


async def test_blocks_that_are_dropped_during_a_search_from_the_end_are_left_out(logs: LogStore):
    for number in range(10_000):
        logs.append(WEB, SpanId("s"), f"needle {number} {'x' * 1000}")
    wanted = LogSearch(pattern="needle")
    parts = backward(logs, InlineScanner(ahead=1), wanted, range(len(logs)))
    assert await anext(parts)
    logs.index.drop(logs.index.entry(700).begin)
    numbers = [line.number async for part in parts for line in part if line]
    assert min(numbers) == 700


async def test_a_file_that_is_renamed_or_removed_before_it_is_scanned_is_read_by_the_session(tmp_path: Path):
    logs = LogStore(tmp_path / "log", limits=Limits(bytes_kept=16 * 70_000))
    for number in range(2000):
        logs.append(WEB, SpanId("s"), f"needle {number} {'x' * 200}")
    expected = every(logs, LogSearch(pattern="needle"))
    _replace_files(tmp_path)
    assert await found(logs, LogSearch(pattern="needle")) == expected
    assert await from_end(logs, LogSearch(pattern="needle")) == expected
    logs.close()


async def test_what_a_full_disk_does_not_take_is_searched_too():
    logs = LogStore(Path("/dev/full"), opener=lambda path: FileIO(path, "w"))
    for number in range(3000):
        logs.append(WEB, SpanId("s"), f"needle {number} {'x' * 100}")
    wanted = LogSearch(pattern="needle|kept in memory")
    expected = every(logs, wanted)
    assert len(expected) == 3001
    assert await found(logs, wanted) == expected
    assert await from_end(logs, wanted) == expected
    logs.close()


def _replace_files(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    (folder / "log.1").write_bytes(b"needle of another file\n" * 10_000)


async def test_what_was_hidden_is_not_found_by_what_it_was(logs: LogStore):
    logs.span(WEB, SpanId("s"))("one\nswordfish\nthree\n")
    logs.hide([("swordfish", "[redacted]")])
    assert await found(logs, LogSearch(pattern="swordfish")) == []
    assert await found(logs, LogSearch(pattern="redacted")) == ["[redacted]"]


async def test_the_titles_of_blocks_are_no_lines(logs: LogStore):
    logs.span(WEB, SpanId("s"))("one\ntwo\n")
    logs.span(DB, SpanId("s"))('{"resource":"web"}\n')
    assert await found(logs, LogSearch(pattern="resource")) == ['{"resource":"web"}']


@pytest.mark.parametrize("ends", [(), tuple(range(20))])
async def test_lines_come_with_those_around_them(logs: LogStore, ends: tuple[int, ...]):
    for number in range(20):
        logs.append(WEB, SpanId("s"), f"web {number}")
        logs.append(DB, SpanId("s"), f"db {number}")
    wanted = LogSearch(pattern="[258]$", selection=Selection(resources=frozenset({WEB})), context=1)
    numbers = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "--", "11", "12", "13", "14", "15", "16", "17", "18", "19"]
    shown = [number if number == "--" else f"web {number}" for number in numbers]
    assert await found(logs, wanted, *(2 * end for end in ends)) == shown


async def test_a_search_begins_where_it_is_to(logs: LogStore):
    logs.span(WEB, SpanId("s"))("a1\na2\na3\n")
    assert await found(logs, LogSearch(pattern="a"), cursor=1) == ["a2", "a3"]


async def test_what_is_no_expression_is_refused(logs: LogStore):
    logs.append(WEB, SpanId("s"), "a")
    with pytest.raises(UserError, match="is no regular expression"):
        await found(logs, LogSearch(pattern="("))
