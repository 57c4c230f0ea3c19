from functools import partial

import pytest
from msgspec.structs import replace

from pytilt.loop.api.cmds import WAITS, Cmds
from pytilt.loop.commands.probing import ReadinessProber
from pytilt.loop.commands.processes import CommandProcesses, command_process
from pytilt.model.api.buttons import (
    UIBoolInputSpec,
    UIBoolInputStatus,
    UIButton,
    UIButtonSpec,
    UIButtonStatus,
    UIInputSpec,
    UIInputStatus,
)
from pytilt.model.api.cmds import Cmd, CmdSpec, CmdStatus
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import ApiFileWatch, FileEventsStatus
from pytilt.model.api.metadata import ConfigMapDisableSource, DisableSource, RestartOnSpec, StartOnSpec
from pytilt.model.commands import ExecAction, Probe
from pytilt.model.lines import Selection
from pytilt.model.names import ResourceName
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.loop.waiting import logged, running, until


class Trial:
    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store, self.runner = store, FakeRunner()
        self.runner.answer("server", ProcessScript(keeps_running=True))
        request = partial(command_process, environ={"PATH": "/bin"})
        processes = CommandProcesses(self.runner, request, ReadinessProber(self.runner, {}, "/"))
        self.cmds = Cmds(store, logs, processes)

    def declare(self, name: str = "x", *, resource: str = "web", **spec: object) -> None:
        made = CmdSpec(**{"args": ("true",), "dir": "/", **spec})  # type: ignore[arg-type]  # each test gives what fits
        self.store.put(Cmd(name=name, annotations={"tilt.dev/resource": resource}, spec=made))

    def click(self, name: str, at: str, *inputs: UIInputStatus) -> None:
        self.store.change(
            UIButton, name, lambda each: replace(each, status=UIButtonStatus(last_clicked_at=at, inputs=inputs))
        )

    def status(self, name: str = "x") -> CmdStatus:
        found = self.store.get(Cmd, name)
        assert found
        return found.status

    async def ended(self, name: str = "x") -> CmdStatus:
        await until(self.store, lambda: self.status(name).terminated)
        return self.status(name)


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_a_command_runs_at_once_and_its_log_is_that_of_its_resource(trial: Trial, logs: LogStore):
    trial.runner.answer("greet", ProcessScript(output=b"hello\n", exit_status=3))
    trial.declare(args=("greet", "all"), env=("A=1",))
    async with running(trial.cmds.run()):
        found = await trial.ended()
    assert found.terminated
    assert (found.terminated.exit_code, found.terminated.reason) == (3, "exit status 3")
    assert ("A", "1") in trial.runner.requests[0].env
    lines, _ = logs.read(0, Selection(resources=frozenset({ResourceName("web")})))
    assert [line.text for line in lines] == ["Running cmd: greet all", "hello"]


async def test_a_click_starts_it_with_what_was_given(trial: Trial):
    asked = (UIInputSpec(name="OK", bool=UIBoolInputSpec(true_string="yes")),)
    trial.store.put(UIButton(name="go", spec=UIButtonSpec(text="Go", inputs=asked)))
    trial.declare(start_on=StartOnSpec(ui_buttons=("go",), start_after="2026-01-01T00:00:00Z"))
    async with running(trial.cmds.run()):
        await until(trial.store, lambda: trial.status().waiting)
        waiting = trial.status().waiting
        assert waiting is not None
        assert waiting.reason == WAITS
        trial.click("go", "2025-12-31T23:59:59Z")
        trial.click("go", "2026-01-01T00:00:01Z", UIInputStatus(name="OK", bool=UIBoolInputStatus(value=True)))
        await trial.ended()
        trial.click("go", "2026-01-01T00:00:02Z", UIInputStatus(name="OK", bool=UIBoolInputStatus(value=False)))
        await trial.runner.process(1)
    given = [dict(each.env)["OK"] for each in trial.runner.requests]
    assert given == ["yes", "false"]


async def test_a_file_that_changed_and_another_declaration_start_it_again(trial: Trial):
    trial.store.put(ApiFileWatch(name="files"))
    trial.declare(args=("server",), restart_on=RestartOnSpec(file_watches=("files",)))
    async with running(trial.cmds.run()):
        first = await trial.runner.process(0)
        event = FileEventsStatus(last_event_time="2026-01-01T00:00:00Z")
        trial.store.change(ApiFileWatch, "files", lambda each: replace(each, status=event))
        second = await trial.runner.process(1)
        assert first.stopped
        trial.store.change(Cmd, "x", lambda each: replace(each, spec=replace(each.spec, args=("server", "2"))))
        third = await trial.runner.process(2)
        assert (second.stopped, third.request.argv) == (True, ("server", "2"))


async def test_one_that_is_gone_or_disabled_is_stopped_and_starts_when_enabled(trial: Trial):
    source = DisableSource(config_map=ConfigMapDisableSource(name="state", key="off"))
    trial.store.put(ConfigMap(name="state", data={"off": "true"}))
    trial.declare(args=("server",), disable_source=source)
    async with running(trial.cmds.run()):
        await until(trial.store, lambda: trial.status().disable_status)
        disabled = trial.status().disable_status
        assert disabled is not None
        assert (disabled.state, trial.runner.requests) == ("Disabled", [])
        trial.store.put(ConfigMap(name="state", data={"off": "false"}))
        process = await trial.runner.process(0)
        await until(trial.store, lambda: trial.status().running)
        trial.store.put(ConfigMap(name="state", data={"off": "true"}))
        found = await trial.ended()
        assert found.terminated
        assert (process.stopped, found.terminated.exit_code) == (True, 137)
        trial.store.put(ConfigMap(name="state", data={"off": "false"}))
        process = await trial.runner.process(1)
        trial.store.delete(Cmd, "x")
        await process.wait()
    assert process.stopped


async def test_a_probe_says_whether_it_is_ready(trial: Trial):
    trial.declare(args=("server",), readiness_probe=Probe(exec=ExecAction(command=("ask",))))
    async with running(trial.cmds.run()):
        await until(trial.store, lambda: trial.status().ready)


async def test_one_that_cannot_start_says_why(trial: Trial, logs: LogStore):
    trial.runner.answer("none", ProcessScript(error="`none` was not found"))
    trial.declare(args=("none",))
    async with running(trial.cmds.run()):
        found = await trial.ended()
    assert found.terminated
    assert (found.terminated.exit_code, found.terminated.reason) == (1, "`none` was not found")
    assert "none failed to start: `none` was not found" in logged(logs)


async def test_those_that_another_controller_runs_are_left_to_it(trial: Trial):
    trial.store.put(Cmd(name="web:update", annotations={"tilt.dev/managed-by": "local_resource"}))
    trial.declare("mine")
    async with running(trial.cmds.run()):
        await trial.ended("mine")
    assert len(trial.runner.requests) == 1
