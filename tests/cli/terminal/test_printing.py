import io
import time

import pytest
from msgspec.structs import replace

from pytilt.cli.terminal.printing import LogPrinter, readable, wants_color
from pytilt.model.lines import Block, Line, Source
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName, SpanId


def line(text: str, resource: str = "web", *, span: str = "", level: Level = Level.INFO, start: bool = False) -> Line:
    return Line(
        number=0,
        time="2026-01-01T00:00:00Z",
        resource=ResourceName(resource),
        span=SpanId(span or f"pod:{resource}"),
        text=text,
        level=level,
        start=start,
    )


def shown(*lines: Line, color: bool = False, prefix: bool = True) -> str:
    out = io.StringIO()
    LogPrinter(out, color=color, prefix=prefix).lines(lines)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("web", "          web │ "),
        ("exactly-13-ch", "exactly-13-ch │ "),
        ("exactly-14-cha", "exactly-14-c… │ "),
        ("日本語サービス", "日本語サービ… │ "),
        ("日本", "         日本 │ "),
        ("émoji-🚀-service", "émoji-🚀-ser… │ "),
        ("", ""),
        (TILTFILE, ""),
    ],
)
def test_the_column_of_names_has_thirteen_cells(name: str, column: str):
    assert shown(line("hello", name)) == f"{column}hello\n"


def test_the_lines_of_one_resource_have_no_column():
    assert shown(line("hello"), prefix=False) == "hello\n"


def test_before_an_update_comes_an_empty_line():
    assert shown(line("Initial Build", start=True)) == "          web │ \n          web │ Initial Build\n"


def test_a_warning_and_an_error_have_a_word_at_their_first_line():
    found = shown(
        line("a", level=Level.WARN),
        line("b", level=Level.WARN),
        line("c", level=Level.ERROR),
        line("d"),
        line("e", level=Level.ERROR),
        line("f", level=Level.ERROR, span="other"),
        prefix=False,
    )
    assert found == "WARNING: a\nb\nERROR: c\nd\nERROR: e\nERROR: f\n"


def test_without_colour_there_is_no_escape():
    assert "\x1b" not in shown(line("a", level=Level.ERROR), line("b", "db"))


def test_names_have_colours_of_their_own_and_keep_them():
    first, second, third = shown(line("a"), line("b", "db"), line("c"), color=True).splitlines()
    assert first.startswith("\x1b[36m")
    assert second.startswith("\x1b[32m")
    assert third.startswith("\x1b[36m")
    assert "\x1b[31m" in shown(line("a", level=Level.ERROR), color=True)
    assert "\x1b[33m" in shown(line("a", level=Level.WARN), color=True, prefix=False)


def test_colour_is_for_terminals():
    assert not wants_color(io.StringIO(), no_color=False)


def test_nobody_who_said_no_gets_colour():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert wants_color(Terminal(), no_color=False)
    assert not wants_color(Terminal(), no_color=True)


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("\x1b[1;31mred\x1b[0m\tplain", "\x1b[1;31mred\x1b[0m\tplain"),
        ("\x1b]0;title\x07a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("a\x1b[2J\x1b[1;1Hb\x1b[?1049hc", "abc"),
        ("10 %\r20 %\bx", "10 % 20 %x"),
        ("a\x00\x00\x07b\rc\td\x9be\x7f", "ab c\tde"),
        ("\x00\x00\x07b\rc\r\r\x1b[2J\x01\x02d", "b c  d"),
        ("\x1bP1$r\x1b\\a\x1bcb\x9b2Jc\x00\x1b", "ab2Jc"),
    ],
)
def test_what_a_program_prints_does_not_steer_the_terminal(text: str, harmless: str):
    assert shown(line(text), prefix=False) == f"{harmless}\n"


@pytest.mark.parametrize("text", ["\0" * 20_000_000, "\0" * 2_000_000 + "\x1b[2J"], ids=["no escape", "an escape"])
def test_a_long_line_of_control_characters_takes_no_longer_than_others(text: str):
    began = time.process_time()
    assert shown(line(text), prefix=False) == "\n"
    assert time.process_time() - began < 1


def test_a_name_does_not_steer_the_terminal_either():
    assert shown(line("hi", "a\x1b[2J\rb")) == "          a b │ hi\n"


def test_a_colour_ends_with_its_line_and_goes_on_in_the_next_of_the_same_writer():
    out = io.StringIO()
    printer = LogPrinter(out, color=False)
    printer.blocks([block("a\x1b[31m\x1b[8mb\nc")])
    other = replace(block("x"), source=Source(resource=ResourceName("db"), span=SpanId("pod:db")))
    printer.blocks([other, block("d\ne\x1b[mf\ng")])
    red = "\x1b[31m\x1b[8m"
    lines = [line.partition("│ ")[2] for line in out.getvalue().splitlines()]
    assert lines == [f"a{red}b\x1b[0m", f"{red}c\x1b[0m", "x", f"{red}d\x1b[0m", f"{red}e\x1b[mf", "g"]


def test_an_error_ends_its_colours():
    assert readable("\x1b[31mred\nmore") == "\x1b[31mred\nmore\x1b[0m"


def test_an_error_of_several_lines_does_not_steer_the_terminal():
    text = "one\n\x1b]52;c;eA==\x07two\ttabs\n\x1b[31mred\x1b[0m\x1b[2J\n"
    assert readable(text) == "one\ntwo\ttabs\n\x1b[31mred\x1b[0m\n"


def block(text: str, *, level: Level = Level.INFO, progress: str = "") -> Block:
    source = Source(resource=ResourceName("web"), span=SpanId("pod:web"), level=level, progress=progress)
    return Block(number=0, time="2026-01-01T00:00:00Z", source=source, text=text)


def printed(*blocks: Block, cursor: int = 0, width: int | None = None) -> str:
    out = io.StringIO()
    LogPrinter(out, color=False, width=None if width is None else lambda: width).blocks(blocks, cursor)
    return out.getvalue()


@pytest.mark.parametrize("text", ["one\ntwo", "one", "", "a\tb\n\nc", "red \x1b[31mx\x1b[0m\nand\x07 a bell"])
@pytest.mark.parametrize("level", [Level.INFO, Level.WARN])
def test_a_block_is_printed_like_its_lines(text: str, level: Level):
    assert printed(block(text, level=level)) == shown(*block(text, level=level).lines())


def test_of_a_block_only_the_lines_from_a_cursor_on_are_printed():
    assert printed(block("one\ntwo\nthree"), cursor=1) == "          web │ two\n          web │ three\n"


def test_progress_is_rewritten_in_place_on_a_terminal():
    states = [block("10%", progress="p"), block("20%", progress="p"), block("other"), block("30%", progress="p")]
    line = "          web │ {}\n"
    assert printed(*states) == "".join(line.format(word) for word in ("10%", "20%", "other", "30%"))
    up = "\x1b[1A\x1b[2K"
    assert printed(*states, width=80) == "".join(
        [line.format("10%"), up, line.format("20%"), line.format("other"), line.format("30%")]
    )


def test_progress_that_takes_more_than_a_row_is_not_rewritten():
    states = [block("x" * 70, progress="p"), block("y" * 70, progress="p")]
    assert "\x1b" not in printed(*states, width=80)
