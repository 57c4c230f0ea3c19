import random
from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.model.lines import Line, Selection
from pytilt.model.names import ResourceName, SpanId
from pytilt.store import search
from pytilt.store.logs import LogStore
from pytilt.store.search import LogPattern, LogSearch, LogSearcher, PatternTooSlowError, backward

WEB, DB = ResourceName("web"), ResourceName("db")


@pytest.fixture
def logs(tmp_path: Path):
    store = LogStore(tmp_path / "log")
    yield store
    store.close()


def every(logs: LogStore, selection: Selection) -> list[Line]:
    return logs.read(0, selection, 10**6)[0]


def found(logs: LogStore, wanted: LogSearch, *ends: int, cursor: int = 0) -> list[str]:
    searcher = LogSearcher(logs, wanted, cursor)
    ends = (*ends, len(logs))
    return ["--" if line is None else line.text for end in ends for some in searcher.advance(end) for line in some]


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
def test_exactly_the_lines_that_have_it_are_found(logs: LogStore, pattern: str, words: str, selection: Selection):
    fill(logs, 1, words=words)
    logs.hide([("two", "x"), ("two three", "[hidden]")])
    sought = LogPattern(pattern)
    expected = [line.text for line in every(logs, selection) if sought.is_in(line.text)]
    assert found(logs, LogSearch(pattern=sought, selection=selection)) == expected
    assert found(logs, LogSearch(pattern=sought, selection=selection), 100, 333) == expected


@pytest.mark.parametrize(
    "pattern", ["t.o", "^one", "ré", "(?i)RÉ", "(?i)k", r"a\.b|o\+", r"(?i)A\.B", "(?i)one", "[ot]n", "o\\n"]
)
@pytest.mark.parametrize("words", ["one two a.b o+ k", "one two dréi a.b Ké", "\u212a İ one"])
def test_the_same_is_found_in_whole_parts_as_in_lines(logs: LogStore, pattern: str, words: str):
    fill(logs, 2, words=words)
    sought = LogPattern(pattern)
    expected = [line.text for line in every(logs, Selection()) if sought.is_in(line.text)]
    assert found(logs, LogSearch(pattern=sought)) == expected
    assert from_end(logs, LogSearch(pattern=sought)) == expected


def from_end(logs: LogStore, wanted: LogSearch) -> list[str]:
    parts = [*backward(logs, wanted, range(len(logs)))]
    return ["--" if line is None else line.text for part in reversed(parts) for line in part]


def test_a_search_from_the_end_finds_the_newest_part_first(logs: LogStore):
    text = "x" * 1000
    for number in range(2000):
        logs.append(WEB, SpanId("s"), f"{number} {text}")
    parts = [part for part in backward(logs, LogSearch(pattern=LogPattern("^(7|1990) ")), range(len(logs))) if part]
    assert [[line.number for line in part if line] for part in parts] == [[1990], [7]]
    wanted = LogSearch(pattern=LogPattern("^7 "), context=1)
    assert [text.split()[0] for text in from_end(logs, wanted)] == ["6", "7", "8"]
    whole = search.PART_BYTES // 1000
    border = LogSearch(pattern=LogPattern(f"^{2000 - whole} "), context=100)
    around = {text.split()[0] for text in from_end(logs, border)}
    assert around >= {str(number) for number in range(2000 - whole - 100, 2000 - whole + 101)}


def test_capitals_matter_nowhere_in_a_part_that_has_some_of_them(logs: LogStore):
    said = ["Connection Refused", "connection refused", "CONNECTION REFUSED", "connection reFused", "connection"]
    for place, text in enumerate(said * 30):
        logs.append(WEB, SpanId("s"), f"{place} {text}")
    for first in range(len(said)):  # every other set of capitals, and few or many places
        logs.span(DB, SpanId("s"))("".join(f"{text}\n" for text in said[first:]))
        wanted = LogPattern("(?i)connection refused")
        for selection in (Selection(resources=frozenset({DB})), Selection()):
            expected = [line.text for line in every(logs, selection) if wanted.is_in(line.text)]
            assert found(logs, LogSearch(pattern=wanted, selection=selection)) == expected
            assert from_end(logs, LogSearch(pattern=wanted, selection=selection)) == expected


@pytest.mark.parametrize("text", ["REFUSED", "refused", "RefuseD", "r\u00e9fused REFUSED"])
def test_a_rare_word_is_found_whatever_is_a_capital_in_it(logs: LogStore, text: str):
    logs.span(WEB, SpanId("s"))("an Uncommon Device answers\n" * 50 + f"{text}\n" + "GET /index\n" * 50)
    assert found(logs, LogSearch(pattern=LogPattern("(?i)refused"))) == [text]


@pytest.mark.parametrize("block", [1, 500])
def test_of_many_matches_no_more_are_passed_on_at_once_than_a_turn_may(logs: LogStore, block: int):
    lines = 3000
    for number in range(0, lines, block):
        logs.span(WEB, SpanId("s"))("".join(f"match {number + each}\n" for each in range(block)))
    wanted = LogSearch(pattern=LogPattern("match"))
    parts = [*backward(logs, wanted, range(lines))]
    assert max(map(len, parts)) <= search.TURN_PLACES
    assert [line.number for part in reversed(parts) for line in part if line] == [*range(lines)]
    assert max(map(len, LogSearcher(logs, wanted, 0).advance(lines))) <= search.TURN_PLACES


def test_blocks_that_are_dropped_during_a_search_from_the_end_are_left_out(logs: LogStore):
    for number in range(1000):
        logs.append(WEB, SpanId("s"), f"needle {number} {'x' * 1000}")
    parts = backward(logs, LogSearch(pattern=LogPattern("needle")), range(len(logs)))
    assert next(filter(None, parts))
    logs.index.drop(logs.index.entry(700).begin)
    assert [line.number for part in parts for line in part if line and line.number < 700] == []


def test_what_was_hidden_is_not_found_by_what_it_was(logs: LogStore):
    logs.span(WEB, SpanId("s"))("one\nswordfish\nthree\n")
    logs.hide([("swordfish", "[redacted]")])
    assert found(logs, LogSearch(pattern=LogPattern("swordfish"))) == []
    assert found(logs, LogSearch(pattern=LogPattern("redacted"))) == ["[redacted]"]


@pytest.mark.parametrize("ends", [(), tuple(range(20))])
def test_lines_come_with_those_around_them(logs: LogStore, ends: tuple[int, ...]):
    for number in range(20):
        logs.append(WEB, SpanId("s"), f"web {number}")
        logs.append(DB, SpanId("s"), f"db {number}")
    wanted = LogSearch(pattern=LogPattern("[258]$"), selection=Selection(resources=frozenset({WEB})), context=1)
    numbers = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "--", "11", "12", "13", "14", "15", "16", "17", "18", "19"]
    shown = [number if number == "--" else f"web {number}" for number in numbers]
    assert found(logs, wanted, *(2 * end for end in ends)) == shown


def test_a_search_begins_where_it_is_to(logs: LogStore):
    logs.span(WEB, SpanId("s"))("a1\na2\na3\n")
    assert found(logs, LogSearch(pattern=LogPattern("a")), cursor=1) == ["a2", "a3"]


@pytest.mark.parametrize("text", ["(", "[a", "*", "(?P<x>"])
def test_what_is_no_expression_is_refused(text: str):
    with pytest.raises(UserError, match="is no regular expression"):
        LogPattern(text)


@pytest.mark.parametrize("line", ["a" * 40, "ä" + "a" * 40])
def test_a_pattern_that_would_take_years_ends_with_a_reason(logs: LogStore, line: str):
    logs.span(WEB, SpanId("s"))(f"a\n{line}b\n")
    with pytest.raises(PatternTooSlowError, match=r"\(a\+\)\+\$"):
        found(logs, LogSearch(pattern=LogPattern("(a+)+$")))
