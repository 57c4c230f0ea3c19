import sys
from functools import partial

import pytest
from msgspec.structs import replace

from pytilt.host.ports import free_port, is_free
from pytilt.host.processes import HostRunner, Runner
from pytilt.loop.commands.probing import ReadinessProber
from pytilt.loop.commands.processes import CommandProcesses, command_process
from pytilt.loop.kinds.local import LocalKind
from pytilt.model.api.cmds import Cmd
from pytilt.model.commands import ExecAction, Probe, TcpSocketAction
from pytilt.model.logs import Level
from pytilt.model.objects import Resource, ResourceStatus, Runtime, RuntimeState
from pytilt.model.resources import Link, LocalDeploy, ResourceSpec
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, Reason
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.idle import eventually, idle
from tests.loop.declaring import kubernetes, local, prepare, update
from tests.loop.waiting import logged, running, until


class Trial:
    """A local resource that serves."""

    def __init__(self, store: Store, logs: LogStore, runner: Runner) -> None:
        self.store = store
        environ = {"PATH": "/usr/bin:/bin"}
        request = partial(command_process, environ=environ)
        processes = CommandProcesses(runner, request, ReadinessProber(runner, environ, "/"))
        self.serving = LocalKind(store, logs, processes)

    def declare(self, spec: ResourceSpec) -> None:
        deploy = spec.deploy
        assert isinstance(deploy, LocalDeploy)
        if deploy.serve is not None:
            deploy = replace(deploy, serve=replace(deploy.serve, dir="/"))
        prepare(self.store, replace(spec, deploy=deploy))

    def updated(self, number: int, outcome: Outcome = Outcome.OK) -> None:
        def end(each: Resource) -> Resource:
            history = (update(number, outcome), *each.status.history)
            return replace(each, status=replace(each.status, history=history))

        self.store.change(Resource, "tool", end)

    def state(self) -> RuntimeState:
        found = self.store.get(Runtime, "tool")
        return found.status if found else RuntimeState()

    async def status(self, status: RuntimeStatus) -> RuntimeState:
        await until(self.store, lambda: self.state().status is status)
        return self.state()


@pytest.fixture
def runner() -> FakeRunner:
    made = FakeRunner()
    made.answer("server", ProcessScript(keeps_running=True))
    return made


@pytest.fixture
def trial(store: Store, logs: LogStore, runner: FakeRunner) -> Trial:
    return Trial(store, logs, runner)


async def test_a_process_is_started_after_the_first_good_update(trial: Trial, runner: FakeRunner, logs: LogStore):
    trial.declare(local("tool", serve="server", links=(Link(url="http://x"),)))
    async with running(trial.serving.run()):
        await idle()
        assert not runner.processes
        assert trial.state().status is RuntimeStatus.NONE
        trial.updated(1)
        state = await trial.status(RuntimeStatus.OK)
        runner.processes[0].write(b"listening\n")
        assert logged(logs, "tool") == "Running cmd: server\nlistening\n"
    assert (state.pid, state.ready_once, state.endpoints) == (1, True, (Link(url="http://x"),))


async def test_a_process_is_restarted_after_each_good_update_and_only_then(trial: Trial, runner: FakeRunner):
    trial.declare(local("tool", serve="server"))
    async with running(trial.serving.run()):
        trial.updated(1)
        first = await runner.process(0)
        trial.updated(2, Outcome.FAILED)
        await idle()
        assert len(runner.processes) == 1
        trial.updated(3)
        await runner.process(1)
        assert first.stopped
        await until(trial.store, lambda: trial.state().pid == 2)
    assert len(runner.processes) == 2


async def test_another_command_is_another_process(trial: Trial, runner: FakeRunner):
    trial.declare(local("tool", serve="server"))
    async with running(trial.serving.run()):
        trial.updated(1)
        await runner.process(0)
        spec = local("tool", serve="server --debug")
        trial.store.change(Resource, "tool", lambda each: replace(each, spec=spec))
        second = await runner.process(1)
    assert second.request.argv == ("sh", "-c", "server --debug")


@pytest.mark.parametrize("exit_status", [0, 3])
async def test_a_server_that_ends_is_an_error_whatever_its_status(
    trial: Trial, runner: FakeRunner, logs: LogStore, exit_status: int
):
    trial.declare(local("tool", serve="server"))
    async with running(trial.serving.run()):
        trial.updated(1)
        (await runner.process(0)).finish(exit_status)
        state = await trial.status(RuntimeStatus.ERROR)
        await idle()
        assert (state.reason, state.pid) == (f"Server exited with exit code {exit_status}", 0)
        assert [line.text for line in logs.read(0)[0] if line.level is Level.ERROR] == [state.reason]
        assert len(runner.processes) == 1
        trial.updated(2)
        await trial.status(RuntimeStatus.OK)


async def test_a_server_that_cannot_be_started_is_an_error(trial: Trial, runner: FakeRunner):
    runner.answer("server", ProcessScript(error="no such directory"))
    trial.declare(local("tool", serve="server"))
    async with running(trial.serving.run()):
        trial.updated(1)
        assert (await trial.status(RuntimeStatus.ERROR)).reason == "no such directory"


async def test_a_disabled_resource_has_no_process(trial: Trial, runner: FakeRunner):
    trial.declare(local("tool", serve="server"))
    async with running(trial.serving.run()):
        trial.updated(1)
        process = await runner.process(0)
        trial.store.change(Resource, "tool", lambda each: replace(each, enabled=False))
        state = await trial.status(RuntimeStatus.NONE)
        assert not process.running
        assert (state.pid, state.ready_once) == (0, False)


async def test_a_resource_that_is_declared_no_more_has_no_process(trial: Trial, runner: FakeRunner):
    trial.declare(local("tool", serve="server"))
    async with running(trial.serving.run()):
        trial.updated(1)
        process = await runner.process(0)
        trial.store.delete(Resource, "tool")
        await eventually(lambda: not trial.store.snapshot().all(Cmd))
        assert not process.running


async def test_leaving_stops_every_process(trial: Trial, runner: FakeRunner):
    trial.declare(local("tool", serve="server"))
    async with running(trial.serving.run()):
        trial.updated(1)
        process = await runner.process(0)
    assert process.stopped


async def test_a_resource_without_server_is_ready_once_its_command_succeeded(trial: Trial):
    trial.declare(local("tool"))
    async with running(trial.serving.run()):
        assert not (await trial.status(RuntimeStatus.NOT_APPLICABLE)).ready_once
        trial.updated(1, Outcome.FAILED)
        await idle()
        assert not trial.state().ready_once
        trial.updated(2)
        await until(trial.store, lambda: trial.state().ready_once)


async def test_while_its_update_is_due_a_server_is_pending(trial: Trial):
    trial.declare(local("tool", serve="server"))
    status = ResourceStatus(due=Reason.INITIAL_BUILD)
    trial.store.change(Resource, "tool", lambda each: replace(each, status=status))
    async with running(trial.serving.run()):
        await trial.status(RuntimeStatus.PENDING)


async def test_resources_of_the_cluster_are_left_alone(trial: Trial, runner: FakeRunner):
    prepare(trial.store, kubernetes("web"))
    async with running(trial.serving.run()):
        await idle()
    assert trial.store.get(Runtime, "web") is None
    assert not runner.processes


def probed(probe: Probe, serve: str = "server") -> ResourceSpec:
    spec = local("tool", serve=serve)
    assert isinstance(spec.deploy, LocalDeploy)
    return replace(spec, deploy=replace(spec.deploy, readiness_probe=probe))


async def test_with_a_probe_a_server_is_pending_until_it_is_ready(trial: Trial, runner: FakeRunner, logs: LogStore):
    runner.answer("check", ProcessScript(exit_status=1, output=b"still warming\n"))
    trial.declare(probed(Probe(exec=ExecAction(command=("check",)), failure_threshold=1)))
    async with running(trial.serving.run()):
        trial.updated(1)
        await until(trial.store, lambda: trial.state().reason == "not ready: still warming")
        assert (trial.state().status, trial.state().ready_once) == (RuntimeStatus.PENDING, False)
        runner.answer("check", ProcessScript(output=b"it is warm\n"))
        state = await trial.status(RuntimeStatus.OK)
    assert (state.reason, state.ready_once) == ("", True)
    assert "[readiness probe: success] it is warm\n" in logged(logs, "tool")
    assert [line.text for line in logs.read(0)[0] if line.level is Level.WARN] == [
        "[readiness probe: failure] still warming"
    ]


async def test_a_real_server_is_ready_when_its_port_answers_and_ends_with_the_session(store: Store, logs: LogStore):
    port = free_port("127.0.0.1")
    program = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); print('up'); time.sleep(1000)"
    probe = Probe(tcp_socket=TcpSocketAction(port=port, host="127.0.0.1"))
    async with HostRunner() as runner:
        trial = Trial(store, logs, runner)
        trial.declare(probed(probe, f'PYTHONUNBUFFERED=1 {sys.executable} -c "{program}"'))
        async with running(trial.serving.run()):
            trial.updated(1)
            await trial.status(RuntimeStatus.OK)
        assert is_free(port, "127.0.0.1")
    assert "up\n" in logged(logs, "tool")


async def test_a_real_server_that_ends_is_reported_with_its_last_words(store: Store, logs: LogStore):
    async with HostRunner() as runner:
        trial = Trial(store, logs, runner)
        trial.declare(local("tool", serve="echo bye; exit 3"))
        async with running(trial.serving.run()):
            trial.updated(1)
            await trial.status(RuntimeStatus.ERROR)
    assert logged(logs, "tool").endswith("bye\nServer exited with exit code 3\n")


async def test_the_process_is_a_cmd_until_another_takes_its_place(trial: Trial, runner: FakeRunner, store: Store):
    def serving() -> dict[str, bool]:
        return {each.name: each.status.running is not None for each in store.snapshot().all(Cmd)}

    trial.declare(local("tool", serve="server"))
    async with running(trial.serving.run()):
        trial.updated(1)
        await until(store, lambda: serving() == {"tool-serve-1": True})
        trial.updated(2)
        await until(store, lambda: serving() == {"tool-serve-2": True})
        (await runner.process(1)).finish(3)
        await until(store, lambda: serving() == {"tool-serve-2": False})
