import asyncio
from collections.abc import Callable

from pytilt.model.lines import Source
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.store.spans import COLLECTED, Span


class Lines:
    """Keeps lines, at the times that it is given."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[tuple[str, str]] = []

    def seconds(self) -> float:
        return self.now

    def append_text(self, source: Source, text: str) -> None:
        self.lines += [(line, source.progress) for line in text.split("\n")]


def written(*pieces: str, pause: float = 1.0) -> list[tuple[str, str]]:
    lines = Lines()
    span = Span(lines, ResourceName("web"), SpanId("build:1"), build=True)
    for piece in pieces:
        span(piece)
        lines.now += pause
    span.close()
    return lines.lines


def test_a_line_that_is_rewritten_is_shown_before_it_is_complete_and_then_once_more():

    assert written("10%", "\r20%", "\r30%", "\rdone\n", "next\n") == [
        ("20%", "build:1 1"),
        ("30%", "build:1 1"),
        ("done", "build:1 1"),
        ("next", ""),
    ]


def test_states_that_come_quickly_are_shown_now_and_then():
    pieces = [f"{number}%\r" for number in range(100)]
    shown = [text for text, _ in written(*pieces, "\n", pause=0.0625)]
    assert (shown[:3], shown[-1], len(shown)) == (["1%", "5%", "9%"], "99%", 26)


def test_of_a_line_that_came_at_once_the_last_state_stays():
    assert written("1%\r2%\r3%\nnext\r\n\r\n") == [("3%", ""), ("next", ""), ("", "")]


def test_a_newline_may_come_in_two_pieces():
    assert written("one\r", "\ntwo\r", "\n") == [("one", ""), ("two", "")]


def test_a_long_line_with_carriage_returns_takes_no_longer_than_others():
    """With a regular expression each of these took hours, and the session did nothing else."""
    long = "x" * 1_000_000
    assert written(f"{long}\r", "\n", "next\n") == [(long, ""), ("next", "")]
    assert written(f"a\rb\n{long}\n") == [("b", ""), (long, "")]
    assert written("\r" * 1_000_000, "\r" * 1_000_000, "end\n") == [("end", "")]
    assert written(f"{long}\r" * 3, "\r\n") == [(long, "build:1 1"), (long, "build:1 1")]


def test_a_line_without_an_end_is_not_held_for_ever():
    lines = Lines()
    span = Span(lines, ResourceName("web"), SpanId("build:1"), build=True, longest=1000)
    for _ in range(50):
        span("x" * 100)
    assert [len(text) for text, _ in lines.lines] == [1100] * 4
    span("y\n")
    span("z" * 999)
    span("\n")
    assert [len(text) for text, _ in lines.lines] == [1100] * 4 + [601, 999]


async def test_much_that_is_collected_is_passed_on_at_once():
    """Else all that a program wrote in the meantime would be one text, for which everything waits."""
    lines, timers, loop = Lines(), list[asyncio.TimerHandle](), asyncio.get_running_loop()

    def later(flush: Callable[[], None]) -> asyncio.Handle:
        timers.append(loop.call_later(60, flush))
        return timers[-1]

    span = Span(lines, ResourceName("web"), SpanId("build:1"), build=True, later=later)
    for number in range(9):
        span(f"{number}" + "x" * (COLLECTED // 4) + "\n")
    assert [text[0] for text, _ in lines.lines] == list("01234567")
    assert [timer.cancelled() for timer in timers] == [True, True, False]
    span.close()
    assert [text[0] for text, _ in lines.lines] == list("012345678")


def test_an_error_does_not_join_a_line_that_was_not_completed():
    lines = Lines()
    span = Span(lines, ResourceName("web"), SpanId("build:1"), build=True)
    span("a")
    span("b")
    span("Build failed\n", level=Level.ERROR)
    span("c\nd")
    span.aside("probe\nfails\n", level=Level.WARN)
    span("e\nf")
    span.close()
    assert [text for text, _ in lines.lines] == ["ab", "Build failed", "c", "probe", "fails", "de", "f"]


async def test_what_is_collected_for_a_while_is_passed_on_at_the_end_at_the_latest():
    lines, loop = Lines(), asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def later(flush: Callable[[], None]) -> asyncio.Handle:
        timers.append(loop.call_later(60, flush))
        return timers[-1]

    span = Span(lines, ResourceName("web"), SpanId("build:1"), build=True, later=later)
    span("one\n")
    span("two\n")
    assert lines.lines == []
    span.close()
    assert lines.lines == [("one", ""), ("two", "")]
    assert [timer.cancelled() for timer in timers] == [True]
