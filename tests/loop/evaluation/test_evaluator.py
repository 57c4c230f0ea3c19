import asyncio
import threading
from pathlib import Path

from pytilt.host.processes import HostRunner
from pytilt.loop.evaluation.evaluator import Evaluator
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, SpanId
from pytilt.settings import Settings
from pytilt.store.logs import LogStore
from pytilt.testing.host import FakeRunner, ProcessScript
from pytilt.tiltfile.running.request import EvaluationRequest, EvaluationResult
from tests.idle import eventually, idle
from tests.loop.waiting import logged


async def evaluated(folder: Path, logs: LogStore, text: str, *args: str) -> EvaluationResult:
    """Evaluate a Tiltfile with this text."""
    file = folder / "Tiltfile"
    file.write_text(text)
    request = EvaluationRequest(path=str(file), environ=Settings.from_environment().environ)
    async with HostRunner() as runner:
        result = await Evaluator(request, runner).evaluate(args, logs.span(TILTFILE, SpanId("tiltfile:1")))
    await idle()  # what the other thread said last is on its way
    return result


async def test_what_a_tiltfile_declares_and_prints_arrives(tmp_path: Path, logs: LogStore):
    result = await evaluated(tmp_path, logs, "print('hello')\nwarn('careful')\nlocal_resource('tool', 'true')\n")
    assert result.declaration
    assert [each.name for each in result.declaration.resources] == ["tool"]
    assert "hello" in logged(logs).splitlines()
    assert "careful" in [line.text for line in logs.read(0)[0] if line.level is Level.WARN]


async def test_its_commands_run_in_the_session_and_give_back_what_they_print(tmp_path: Path, logs: LogStore):
    text = "out = str(local('echo one; echo two >&2', quiet=True))\nlocal_resource(out.strip(), 'true')\n"
    result = await evaluated(tmp_path, logs, text)
    assert result.declaration
    assert [each.name for each in result.declaration.resources] == ["one"]


async def test_a_command_that_fails_fails_the_evaluation(tmp_path: Path, logs: LogStore):
    result = await evaluated(tmp_path, logs, "local('exit 3')\n")
    assert result.declaration is None
    assert "exit status 3" in (result.error or "")
    assert str(tmp_path / "Tiltfile") in result.config_files


async def test_the_arguments_are_those_of_this_evaluation(tmp_path: Path, logs: LogStore):
    text = (
        "config.define_string_list('names', args=True)\nfor n in config.parse()['names']: local_resource(n, 'true')\n"
    )
    result = await evaluated(tmp_path, logs, text, "a", "b")
    assert result.declaration
    assert [each.name for each in result.declaration.resources] == ["a", "b"]


async def test_no_chart_is_rendered_any_more_for_an_evaluation_that_was_stopped(tmp_path: Path, logs: LogStore):
    (tmp_path / "helm").touch(mode=0o755)
    for name in "abcdefgh":
        (tmp_path / name).mkdir()
    (tmp_path / "Tiltfile").write_text("k8s_yaml([helm(name) for name in 'abcdefgh'.elems()])")
    request = EvaluationRequest(path=str(tmp_path / "Tiltfile"), environ={"PATH": str(tmp_path)})
    runner = FakeRunner()
    runner.answer("helm", ProcessScript(keeps_running=True))
    async with asyncio.TaskGroup() as group:
        evaluating = group.create_task(Evaluator(request, runner).evaluate((), logs.span(TILTFILE, SpanId("t"))))
        await runner.process(1)
        evaluating.cancel()

    def over() -> bool:
        threads = [each.name for each in threading.enumerate() if each.name.startswith("render")]
        return not threads and all(process.stopped for process in runner.processes)

    try:
        await eventually(over)
    finally:
        for process in runner.processes:
            process.finish()
