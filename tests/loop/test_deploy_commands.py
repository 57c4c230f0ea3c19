import pytest

from pytilt.errors import ApplyError
from pytilt.host.processes import ProcessRequest
from pytilt.loop.deploy_commands import DeployCommandRunner
from pytilt.model.commands import Command
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.resources import DeployCommands
from pytilt.store.logs import LogStore
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.loop.waiting import logged

COMMANDS = DeployCommands(apply=Command(argv=("apply",), dir="/p"), delete=Command(argv=("delete",), dir="/p"))
PRINTED = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colors}\n"
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colors"}}


class Trial:
    """Commands on a cluster in memory."""

    def __init__(self, logs: LogStore, *, kubernetes: bool = True) -> None:
        self.runner = FakeRunner()
        self.cluster = FakeCluster()
        self.logs = logs
        self.log = logs.span(ResourceName("web"), SpanId("build:1"))
        self.commands = DeployCommandRunner(self.runner, self._request, self.cluster, kubernetes=kubernetes)

    def _request(self, command: Command) -> ProcessRequest:
        return ProcessRequest(argv=command.argv, dir=command.dir, env=command.env)

    async def apply(self, *, seconds: float = 5) -> list[str]:
        images = {ImageName("a/b"): "registry/a_b:tilt-1", ImageName("c"): "c:tilt-2"}
        applied = await self.commands.apply(COMMANDS, images, self.log, seconds=seconds)
        return [str(each["metadata"].get("uid")) for each in applied]


@pytest.fixture
def trial(logs: LogStore) -> Trial:
    return Trial(logs)


async def test_what_the_command_prints_is_what_was_applied(trial: Trial):
    stored = await trial.cluster.apply(CONFIG, timeout=1)
    trial.runner.answer("apply", ProcessScript(output=PRINTED))
    assert await trial.apply() == [stored["metadata"]["uid"]]
    assert "  → colors:configmap" in logged(trial.logs)


async def test_it_is_reported_of_its_images_in_order(trial: Trial):
    trial.runner.answer("apply", ProcessScript(output=PRINTED))
    await trial.apply()
    assert trial.runner.requests[0].env == (
        ("TILT_IMAGE_MAP_0", "a_b"),
        ("TILT_IMAGE_0", "registry/a_b:tilt-1"),
        ("TILT_IMAGE_MAP_1", "c"),
        ("TILT_IMAGE_1", "c:tilt-2"),
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ProcessScript(exit_status=3, output=b"half"), "apply command exited with status 3\nstdout:\nhalf"),
        (ProcessScript(exit_status=3), "apply command exited with status 3"),
        (ProcessScript(error="no such program"), "apply command failed: no such program"),
        (ProcessScript(output=b"{nothing"), "apply command returned malformed YAML"),
        (ProcessScript(output=b"a: b"), "apply command returned malformed YAML"),
        (ProcessScript(keeps_running=True), "apply command timed out after 0.01s"),
    ],
)
async def test_a_command_that_fails_says_how(trial: Trial, answer: ProcessScript, expected: str):
    trial.runner.answer("apply", answer)
    with pytest.raises(ApplyError) as failed:
        await trial.apply(seconds=0.01)
    assert failed.value.message.startswith(expected)


async def test_long_output_is_cut_in_the_middle(trial: Trial):
    trial.runner.answer("apply", ProcessScript(exit_status=1, output=b"a" * 400 + b"b" * 400))
    with pytest.raises(ApplyError, match="300 characters left out") as failed:
        await trial.apply()
    assert len(failed.value.message) < 700


async def test_a_delete_command_is_run_and_what_it_prints_is_shown(trial: Trial):
    trial.runner.answer("delete", ProcessScript(output=b"it is gone\n"))
    await trial.commands.delete(COMMANDS, trial.log, seconds=5)
    assert "it is gone\n" in logged(trial.logs)
    assert [request.argv for request in trial.runner.requests] == [("delete",)]


async def test_without_a_kubernetes_api_it_says_what_to_choose(logs: LogStore):
    trial = Trial(logs, kubernetes=False)
    with pytest.raises(ApplyError, match="the apply command speaks to the Kubernetes API"):
        await trial.apply()
    with pytest.raises(ApplyError, match="the delete command speaks to the Kubernetes API"):
        await trial.commands.delete(COMMANDS, trial.log, seconds=1)
    assert trial.runner.requests == []
