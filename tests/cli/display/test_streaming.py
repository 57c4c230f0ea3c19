import asyncio
import errno
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from pytilt.cli.display.streaming import selection, streaming
from pytilt.errors import OutputClosedError, UserError
from pytilt.model.lines import Selection
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.store.logs import LogStore
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

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        span("one\n")
        task = group.create_task(_shown(show, logs), name="show")
        while "one" not in out:
            out += capsys.readouterr().out
            await asyncio.sleep(0)
        task.cancel()
        span("the last word\n")
    out += capsys.readouterr().out
    assert out == "          web │ one\n          web │ the last word\n"
    logs.close()


class Slow(StringIO):
    """A terminal that is still taking the first lines when the session ends."""

    def __init__(self, end: Callable[[], None]) -> None:
        super().__init__()
        self._ends = [end]

    def write(self, text: str) -> int:
        while self._ends:
            self._ends.pop()()
        return super().write(text)


class Full(StringIO):
    """A file on a disk without space."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_session_whose_output_cannot_be_written_ends_and_says_so(tmp_path: Path):
    logs = LogStore(tmp_path / "log")
    logs.span(ResourceName("web"), SpanId("pod:web"))("one\n")
    with (
        redirect_stdout(Full()),
        pytest.RaisesGroup(
            pytest.RaisesExc(UserError, match="^the output cannot be written: no space left on device$")
        ),
    ):
        await streaming(selection((), "all", None), color=False)(Store(), logs)
    logs.close()


async def test_a_session_whose_output_nobody_reads_ends_also_while_there_is_nothing_to_print(tmp_path: Path):
    logs = LogStore(tmp_path / "log")
    reader, writer = os.pipe()
    with (
        os.fdopen(writer, "w") as out,
        redirect_stdout(out),
        pytest.RaisesGroup(OutputClosedError, flatten_subgroups=True),
    ):
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            show = streaming(selection((), "all", None), color=False)
            group.create_task(_shown(show, logs), name="show")
            await asyncio.sleep(0)
            os.close(reader)
    logs.close()


async def test_lines_that_are_being_printed_when_the_session_ends_are_printed_once(tmp_path: Path):
    loop, ended = asyncio.get_running_loop(), threading.Event()
    logs = LogStore(tmp_path / "log")
    logs.span(ResourceName("web"), SpanId("build:1")).header("Initial Build")

    def cancel() -> None:
        task.cancel()
        ended.set()

    def end() -> None:
        loop.call_soon_threadsafe(cancel)
        ended.wait(timeout=10)

    with redirect_stdout(Slow(end)) as out:
        show = streaming(selection((), "all", None), color=False)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            task = group.create_task(_shown(show, logs), name="show")
    assert out.getvalue() == "          web │ \n          web │ Initial Build\n"
    logs.close()


async def _shown(show: Callable[[Store, LogStore], Awaitable[None]], logs: LogStore) -> None:
    await show(Store(), logs)
