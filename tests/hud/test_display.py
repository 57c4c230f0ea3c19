import pytest
from msgspec.structs import replace

from pytilt.model.names import SpanId
from pytilt.model.pods import ContainerState
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Reason
from tests import samples
from tests.hud.pilot import showing
from tests.samples import runtime, service


def crash(*, size, said, others=()):
    """A display over one service whose container has ended, with lines of its log."""
    pod = samples.pod(
        "crashy-1", age=5, state=ContainerState.TERMINATED, reason="Error", message="ended with exit code 3"
    )
    objects = (
        *samples.frame(),
        service("crashy", 1, history=(samples.update(1, seconds=1, ended=9, reason=Reason.INITIAL_BUILD),)),
        runtime("crashy", RuntimeStatus.ERROR, pods=(pod,), reason="pod crashy-1: Error: ended with exit code 3"),
    )
    lines = [samples.line(number, "crashy", text) for number, text in enumerate(said)]
    seen = [
        replace(samples.line(len(lines) + number, "crashy", text), span=SpanId("monitor:crashy:crashy-1"))
        for number, text in enumerate(others)
    ]
    return showing(objects, [*lines, *seen], size=size)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_crashing_containers_own_last_words_come_before_what_others_say_of_it(size):
    rollout = [
        "Tracking new pod rollout (crashy-1):",
        "     ┊ Scheduled       - <1s",
        "     ┃ Not Ready - (Error)",
    ]
    said = ["starting up", "Error: config.json has no field port", "bye"]
    async with crash(size=size, said=said, others=rollout) as screen:
        assert await screen.until("log      Error")
        at = next(number for number, line in enumerate(screen.lines) if "✖ crashy" in line and number > 1)
        assert [line.strip(" │┃") for line in screen.lines[at + 1 : at + 5]] == [
            "log      Error: config.json has no field port",
            "starting up",
            "bye",
            "error    pod crashy-1: Error: ended with exit code 3",
        ]


async def test_how_a_container_ended_is_said_once():
    async with crash(size=(100, 30), said=["bye"]) as screen:
        assert await screen.until("log      bye")
        assert screen.text.count("ended with exit code 3") == 1


async def test_the_broken_rows_are_named_on_top_and_a_click_goes_there():
    async with showing(samples.many(120), size=(80, 24)) as screen:
        assert "✖ 2 broken: service-050, service-100" in screen.lines[0]
        assert "v0.1.0" in screen.lines[0]
        await screen.pilot.click(offset=(screen.lines[0].index("service-100") + 3, 0))
        await screen.settle()
        assert screen.selected == "service-100"


async def test_of_many_broken_rows_those_are_named_that_have_room():
    async with showing(samples.many(120, every=10), size=(80, 24)) as screen:
        assert "✖ 12 broken: service-010, service-020 +10" in screen.lines[0]
        assert len(screen.lines[0]) <= 80


async def test_the_log_has_the_lines_that_the_rows_leave_empty():
    lines = [samples.line(number, "web", f"line {number}.") for number in range(300)]
    async with showing(samples.shop(), lines, size=(250, 80)) as screen:
        assert "" not in screen.lines
        assert sum("│ line" in line for line in screen.lines) == 80 - 3 - 1 - len(screen.hud.table._entries)
        await screen.put(*samples.crashing())
        assert screen.row("docs")
        await screen.pilot.resize_terminal(80, 24)
        await screen.settle()
        assert sum("│ line" in line for line in screen.lines) == 8


async def test_the_last_words_of_a_crash_may_come_after_the_news_of_it():
    async with showing(samples.crashing(), size=(100, 40)) as screen:
        assert "    log " not in screen.text
        screen.session.say(samples.line(0, "catalog", "FileNotFoundError: frut.txt"))
        screen.hud._tick()
        await screen.settle()
        assert "    log      FileNotFoundError: frut.txt" in screen.text
