import pytest
from msgspec.structs import replace

from pytilt.errors import CommandError
from pytilt.host.processes import HostRunner, Runner
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.model.commands import Command
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource
from pytilt.model.resources import LocalDeploy, UpdateSettings
from pytilt.model.updates import Outcome, Reason, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.loop.declaring import local
from tests.loop.kinds.trials import kinds
from tests.loop.waiting import logged

START = Start(resource=ResourceName("tool"), reason=Reason.INITIAL_BUILD, strategy=Strategy.COMMAND, sequence=1)


async def run(store: Store, logs: LogStore, runner: Runner, command: str | None, **fields: object) -> Done:
    """Update a local resource whose command this is."""
    spec = local("tool", command)
    assert isinstance(spec.deploy, LocalDeploy)
    if command is not None:
        changed = Command(**{"argv": ("sh", "-c", command), "dir": "/", **fields})  # type: ignore[arg-type]  # fields of a command
        spec = replace(spec, deploy=replace(spec.deploy, update=changed))
    log = logs.span(ResourceName("tool"), SpanId("build:1"), build=True)
    found = kinds(store, logs, FakeCluster(), runner)
    return await found.update(Resource(name="tool", spec=spec), START, log, UpdateSettings())


async def test_a_command_is_run_and_what_it_says_is_logged(store: Store, logs: LogStore):
    async with HostRunner() as runner:
        done = await run(store, logs, runner, "echo out; echo error >&2")
    assert done.outcome is Outcome.OK
    first, *rest = logged(logs).splitlines()
    assert first == "Running cmd: echo out; echo error >&2"
    assert sorted(rest) == ["error", "out"]


async def test_a_command_that_fails_is_named_with_its_status(store: Store, logs: LogStore):
    runner = FakeRunner()
    runner.answer("make", ProcessScript(exit_status=3))
    with pytest.raises(CommandError, match='Command "make" failed: exit status 3') as caught:
        await run(store, logs, runner, "make")
    assert caught.value.exit_status == 3


async def test_a_command_that_fails_is_reported_with_its_error_and_its_last_lines(store: Store, logs: LogStore):
    script = "seq 300; echo 'error: no such thing'; seq 301 303; exit 3"
    async with HostRunner() as runner:
        with pytest.raises(CommandError) as caught:
            await run(store, logs, runner, script)
    assert caught.value.output.splitlines() == ["error: no such thing", "300", "301", "302", "303"]
    assert str(caught.value).splitlines()[1] == "error: no such thing"


async def test_a_command_that_was_killed_is_reported_with_the_signal(store: Store, logs: LogStore):
    runner = FakeRunner()
    runner.answer("make", ProcessScript(exit_status=-9))
    with pytest.raises(CommandError, match='Command "make" failed: signal 9'):
        await run(store, logs, runner, "make")


async def test_with_echo_off_the_command_is_not_shown(store: Store, logs: LogStore):
    await run(store, logs, FakeRunner(), "secret", echo_off=True)
    assert logged(logs) == ""


async def test_a_resource_without_command_is_done_at_once(store: Store, logs: LogStore):
    runner = FakeRunner()
    assert (await run(store, logs, runner, None)).outcome is Outcome.OK
    assert not runner.requests
