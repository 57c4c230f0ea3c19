import asyncio

import pytest

from pytilt.errors import CommandError
from pytilt.host.files import Watcher
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.model.files import FileRule, Ignore
from pytilt.testing.host import FakeFileWatcher, FakeRunner, ProcessScript

REQUEST = ProcessRequest(argv=("sh", "-c", "make all"), dir="/")


async def test_a_command_without_answer_succeeds_and_is_remembered():
    runner = FakeRunner()
    outcome = await runner.run(REQUEST, lambda _: None)
    assert outcome.exit_status == 0
    assert runner.requests == [REQUEST]


async def test_the_last_answer_that_fits_wins():
    runner, output, errors = FakeRunner(), list[bytes](), list[bytes]()
    runner.answer("make", ProcessScript(exit_status=1))
    runner.answer("make all", ProcessScript(exit_status=2, output=b"out", error_output=b"err"))
    outcome = await runner.run(REQUEST, output.append, error_output=errors.append)
    assert (outcome.exit_status, output, errors) == (2, [b"out"], [b"err"])


async def test_a_process_runs_until_the_test_or_its_block_ends_it():
    runner: FakeRunner = FakeRunner()
    seam: Runner = runner
    runner.answer("make", ProcessScript(keeps_running=True))
    output: list[bytes] = []
    async with asyncio.TaskGroup() as group:
        running = group.create_task(seam.run(REQUEST, output.append))
        process = await runner.process()
        process.write(b"hello")
        process.finish(3)
    assert (await running).exit_status == 3
    assert output == [b"hello"]
    async with seam.start(REQUEST, output.append):
        pass
    assert runner.processes[1].stopped
    assert not runner.processes[0].stopped


async def test_a_command_can_be_unable_to_start():
    runner = FakeRunner()
    runner.answer("make", ProcessScript(error="`make` was not found"))
    with pytest.raises(CommandError, match="not found"):
        await runner.run(REQUEST, lambda _: None)
    assert runner.requests == []


async def test_watched_files_change_when_the_test_says_so():
    watcher: FakeFileWatcher = FakeFileWatcher()
    seam: Watcher = watcher
    rule = FileRule(paths=("/repo",), ignores=(Ignore(base="/repo", patterns=("*.log",)),))
    await seam.update({"a": [rule], "b": [FileRule(paths=("/repo/x",))]})
    await watcher.watching("a", "b")
    watcher.change("/repo/x", "/repo/y.log")
    watcher.change("/repo/y.log")
    watcher.change("/repo/z")
    assert (await anext(seam.changes())).paths == {"a": {"/repo/x", "/repo/z"}, "b": {"/repo/x"}}
