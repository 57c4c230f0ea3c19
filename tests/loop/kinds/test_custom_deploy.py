from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.cluster.drift import differences
from pytilt.cluster.pods import pod
from pytilt.errors import ApplyError
from pytilt.host.processes import ProcessRequest
from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.loop.apply.applied_objects import AppliedObjects
from pytilt.loop.apply.synced_pods import SyncedPods
from pytilt.loop.commands.deploy_commands import DeployCommandRunner
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.model.commands import Command
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus
from pytilt.model.resources import CustomDeploy, DeployCommands, UpdateSettings
from pytilt.model.updates import Outcome, Reason, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.loop.declaring import custom_deploy, deployment, image, prepare, update
from tests.loop.kinds.trials import kinds
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


class Updates:
    """A resource that its commands deploy, in a session in memory."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store = store
        self.runner = FakeRunner()
        self.runner.answer("apply", ProcessScript(output=PRINTED))
        self.applied = AppliedObjects()
        self.kinds = kinds(store, logs, FakeCluster(), self.runner, applied_objects=self.applied)
        self.log = logs.span(ResourceName("web"), SpanId("build:1"))
        prepare(store, custom_deploy("web"))

    async def update(self, *, force: bool = False) -> Done:
        start = Start(
            resource=ResourceName("web"), reason=Reason.CLI_TRIGGER, strategy=Strategy.FULL, sequence=1, force=force
        )
        return await self.kinds.update(self.resource, start, self.log, UpdateSettings())

    async def remove(self) -> None:
        await self.kinds.remove(self.resource, (), self.log, UpdateSettings())

    def ended(self, outcome: Outcome) -> None:
        status = ResourceStatus(history=(update(outcome=outcome),))
        self.store.change(Resource, "web", lambda each: replace(each, status=status))

    @property
    def resource(self) -> Resource:
        found = self.store.get(Resource, "web")
        assert found
        return found

    @property
    def ran(self) -> list[str]:
        return [request.argv[0] for request in self.runner.requests]


@pytest.fixture
def updates(store: Store, logs: LogStore) -> Updates:
    return Updates(store, logs)


async def test_an_update_runs_the_apply_command_and_knows_what_it_applied(updates: Updates):
    done = await updates.update()
    assert list(map(str, done.status["applied"])) == ["ConfigMap/colors"]
    assert updates.ran == ["apply"]


async def test_what_it_applied_is_looked_after_until_it_is_removed(updates: Updates):
    await updates.update()
    (kept,) = updates.applied.all()
    assert (kept.resource, kept.ref.name) == ("web", "colors")
    assert differences(kept.wanted, kept.leaves, {**CONFIG, "data": {"sky": "red"}}) == ()
    await updates.remove()
    assert updates.applied.all() == ()


async def test_a_forced_update_runs_the_delete_command_first(updates: Updates):
    await updates.update(force=True)
    assert updates.ran == ["delete", "apply"]


async def test_it_is_removed_by_the_delete_command_even_where_the_apply_command_failed(updates: Updates):
    updates.ended(Outcome.FAILED)
    await updates.remove()
    assert updates.ran == ["delete"]


async def test_what_was_never_applied_is_not_removed(updates: Updates):
    await updates.remove()
    assert updates.ran == []


@pytest.mark.parametrize(
    ("reason", "brought", "deleted"),
    [
        (Reason.CHANGED_FILES, True, ["web-1"]),
        (Reason.INITIAL_BUILD, True, ["web-1"]),
        (Reason.CHANGED_FILES, False, []),
    ],
)
async def test_pods_with_files_that_its_images_do_not_have_are_replaced(
    store: Store, logs: LogStore, tmp_path: Path, reason: Reason, brought: bool, deleted: list[str]
):
    cluster, runner = FakeCluster(), FakeRunner()
    runner.answer("apply", ProcessScript(output=PRINTED))
    synced = SyncedPods(store, cluster, Records(StateDirectory(tmp_path)))
    every = kinds(store, logs, cluster, runner, synced=synced)
    spec = custom_deploy("web", images=(image("shop/web", live=True),))
    assert isinstance(spec.deploy, CustomDeploy)
    prepare(store, replace(spec, deploy=replace(spec.deploy, images=(ImageName("shop/web"),))))

    async def update(reason: Reason) -> Done:
        resource, name = store.get(Resource, "web"), ResourceName("web")
        assert resource
        start = Start(resource=name, reason=reason, strategy=Strategy.FULL, sequence=1)
        return await every.update(resource, start, logs.span(name, SpanId("build:1")), UpdateSettings())

    done = await update(Reason.INITIAL_BUILD)
    (applied,) = done.status["applied_images"]
    owner = await cluster.apply(deployment("web", applied.reference), timeout=1)
    found = pod(cluster.add_pod("web-1", owner=owner, containers={"main": applied.reference}))
    if brought:
        synced.note("web", [found])
    await update(reason)
    assert [ref.name for ref in cluster.deleted] == deleted
