import asyncio
from pathlib import Path

import pytest

from pytilt.cli.streaming import selection, streaming
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.store.logs import LogStore, Selection
from pytilt.store.objects import Store


def test_the_options_choose_lines():
    wanted = selection(("web",), "build", "error")
    assert wanted == Selection(resources=frozenset({ResourceName("web")}), source="build", level=Level.ERROR)
    assert selection((), "all", None).level is None


async def test_lines_are_printed_as_they_come_and_those_of_the_end_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    logs = LogStore(tmp_path / "log")
    span = logs.span(ResourceName("web"), SpanId("pod:web"))
    show = streaming(selection((), "all", None), color=False)
    out = ""

    async def run() -> None:
        await show(Store(), logs)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        span("one\n")
        task = group.create_task(run(), name="show")
        while "one" not in out:
            out += capsys.readouterr().out
            await asyncio.sleep(0)
        task.cancel()
        span("the last word\n")
    out += capsys.readouterr().out
    assert out == "          web │ one\n          web │ the last word\n"
    logs.close()
