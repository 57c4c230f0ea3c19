import pytest
from msgspec.structs import replace

from pytilt.errors import CommandError
from pytilt.host.processes import HostRunner
from pytilt.loop.commanding import Commanding
from pytilt.model.commands import Command
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.objects import Resource
from pytilt.model.resources import ComposeDeploy, ComposeProject, LocalDeploy, ResourceSpec
from pytilt.model.updates import Outcome
from pytilt.store.logs import LogStore
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.loop.declaring import command, local
from tests.loop.waiting import logged


def resource(update: str | None, **fields: object) -> Resource:
    spec = local("tool", update)
    assert isinstance(spec.deploy, LocalDeploy)
    if update is not None:
        changed = Command(**{"argv": ("sh", "-c", update), "dir": "/", **fields})  # type: ignore[arg-type]  # fields of a command
        spec = replace(spec, deploy=replace(spec.deploy, update=changed))
    return Resource(name="tool", spec=spec)


def span(logs: LogStore):
    return logs.span(ResourceName("tool"), SpanId("build:1"), build=True)


async def test_a_command_is_run_and_what_it_says_is_logged(logs: LogStore):
    async with HostRunner() as runner:
        commanding = Commanding(runner, {"PATH": "/usr/bin:/bin"})
        done = await commanding.update(resource("echo out; echo error >&2"), span(logs))
    assert done.outcome is Outcome.OK
    first, *rest = logged(logs).splitlines()
    assert first == "Running cmd: echo out; echo error >&2"
    assert sorted(rest) == ["error", "out"]


async def test_its_environment_is_the_sessions_with_what_tilt_adds_and_its_own(logs: LogStore):
    async with HostRunner() as runner:
        commanding = Commanding(runner, {"PATH": "/usr/bin:/bin", "A": "session", "LINES": "50"})
        await commanding.update(resource("echo $A $B $LINES $COLUMNS", env=(("B", "own"),)), span(logs))
    assert logged(logs).splitlines()[1] == "session own 50 80"


async def test_a_command_that_fails_is_named_with_its_status(logs: LogStore):
    runner = FakeRunner()
    runner.answer("make", ProcessScript(exit_status=3))
    with pytest.raises(CommandError, match='Command "make" failed: exit status 3') as caught:
        await Commanding(runner, {}).update(resource("make"), span(logs))
    assert caught.value.exit_status == 3


async def test_a_command_that_fails_is_reported_with_its_error_and_its_last_lines(logs: LogStore):
    script = "seq 300; echo 'error: no such thing'; seq 301 303; exit 3"
    async with HostRunner() as runner:
        with pytest.raises(CommandError) as caught:
            await Commanding(runner, {"PATH": "/usr/bin:/bin"}).update(resource(script), span(logs))
    assert caught.value.output.splitlines() == ["error: no such thing", "300", "301", "302", "303"]
    assert str(caught.value).splitlines()[1] == "error: no such thing"


async def test_a_command_that_was_killed_is_reported_with_the_signal(logs: LogStore):
    runner = FakeRunner()
    runner.answer("make", ProcessScript(exit_status=-9))
    with pytest.raises(CommandError, match='Command "make" failed: signal 9'):
        await Commanding(runner, {}).update(resource("make"), span(logs))


async def test_with_echo_off_the_command_is_not_shown(logs: LogStore):
    await Commanding(FakeRunner(), {}).update(resource("secret", echo_off=True), span(logs))
    assert logged(logs) == ""


async def test_a_resource_without_command_is_done_at_once(logs: LogStore):
    runner = FakeRunner()
    assert (await Commanding(runner, {}).update(resource(None), span(logs))).outcome is Outcome.OK
    assert not runner.requests


def test_a_process_is_started_in_the_directory_of_its_command():
    request = Commanding(FakeRunner(), {}).request(command("make", "/p/web"))
    assert (request.argv, request.dir) == (("sh", "-c", "make"), "/p/web")
    assert ("PYTHONUNBUFFERED", "1") in request.env


async def test_a_service_of_docker_compose_says_that_it_does_not_run(logs: LogStore):
    project = ComposeProject(name="p", path="/p", config_paths=("/p/c.yml",))
    deploy = ComposeDeploy(project=project, service="web", yaml="", image=ImageName("w"))
    spec = ResourceSpec(name=ResourceName("web"), deploy=deploy)
    with pytest.raises(CommandError, match="`web` is a service of Docker Compose, which is not run here yet"):
        await Commanding(FakeRunner(), {}).update(Resource(name="web", spec=spec), span(logs))
