import pytest
from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.host.processes import ProcessRequest
from pytilt.loop.api.kubernetes_applies import KubernetesApplies
from pytilt.loop.commands.deploy_commands import DeployCommandRunner
from pytilt.model.api.buttons import UIButton, UIButtonStatus
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.kubernetes_applies import (
    KubernetesApply,
    KubernetesApplyCmd,
    KubernetesApplySpec,
    KubernetesApplyStatus,
)
from pytilt.model.api.kubernetes_discoveries import Forward, KubernetesDiscovery, PortForwardTemplateSpec
from pytilt.model.api.metadata import ConfigMapDisableSource, DisableSource, RestartOnSpec
from pytilt.model.commands import Command
from pytilt.model.objects import ClusterState, ImageMap, ImageMapStatus
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.idle import idle
from tests.loop.declaring import INFO, image, prepare
from tests.loop.waiting import logged, running, until

COLORS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colors}\ndata: {sky: blue}\n"
SHAPES = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shapes}\n"
DONE = (
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {containers: []}}}\n"
    "status: {conditions: [{type: Complete, status: 'True'}]}\n"
)
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: main, image: a/web}]}\n"


class Trial:
    """KubernetesApply objects on a cluster in memory."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        prepare(store)
        self.store, self.logs, self.cluster, self.runner = store, logs, FakeCluster(), FakeRunner()
        commands = DeployCommandRunner(self.runner, self._request, self.cluster, kubernetes=True)
        self.applies = KubernetesApplies(store, logs, self.cluster, commands)

    def _request(self, command: Command) -> ProcessRequest:
        return ProcessRequest(argv=command.argv, dir=command.dir, env=command.env)

    def declare(self, name: str = "x", **spec: object) -> None:
        made = KubernetesApplySpec(**spec)  # type: ignore[arg-type]  # each test gives what fits
        self.store.put(KubernetesApply(name=name, annotations={"tilt.dev/resource": "web"}, spec=made))

    def status(self, name: str = "x") -> KubernetesApplyStatus:
        found = self.store.get(KubernetesApply, name)
        assert found
        return found.status

    async def applied(self, times: int = 1) -> KubernetesApplyStatus:
        await until(self.store, lambda: len(self.cluster.applied) >= times and self.status().last_apply_time)
        return self.status()


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_its_yaml_is_applied_and_its_pods_are_looked_for(trial: Trial):
    forward = PortForwardTemplateSpec(forwards=(Forward(local_port=8000),))
    trial.declare(yaml=COLORS, port_forward_template_spec=forward)
    async with running(trial.applies.run()):
        status = await trial.applied()
        found = await until(trial.store, lambda: trial.store.get(KubernetesDiscovery, "x"))
    assert objects.labels(trial.cluster.applied[0])["app.kubernetes.io/managed-by"] == "tilt"
    assert ("sky: blue" in status.result_yaml, status.error, bool(status.applied_input_hash)) == (True, "", True)
    (watch,) = found.spec.watches
    assert (watch.name, watch.namespace, bool(watch.uid)) == ("colors", "default", True)
    assert found.spec.port_forward_template_spec == forward
    assert found.annotations == {"tilt.dev/resource": "web"}
    assert "→ colors:configmap" in logged(trial.logs, "web")


async def test_a_job_that_had_ended_before_is_a_condition(trial: Trial):
    trial.declare(yaml=DONE)
    async with running(trial.applies.run()):
        status = await trial.applied()
    assert [(each.type, each.status) for each in status.conditions] == [("JobComplete", "True")]


async def test_what_is_in_its_yaml_no_more_is_deleted_and_all_of_it_with_the_object(trial: Trial):
    trial.declare(yaml=f"{COLORS}---\n{SHAPES}")
    async with running(trial.applies.run()):
        await trial.applied(2)
        trial.declare(yaml=SHAPES)
        await until(trial.store, lambda: trial.cluster.deleted)
        assert [str(each) for each in trial.cluster.deleted] == ["ConfigMap/colors"]
        trial.store.delete(KubernetesApply, "x")
        await until(trial.store, lambda: trial.store.get(KubernetesDiscovery, "x") is None)
    assert [str(each) for each in trial.cluster.deleted] == ["ConfigMap/colors", "ConfigMap/shapes"]


async def test_an_object_that_moved_to_another_apply_or_is_to_stay_is_not_deleted(trial: Trial):
    kept = SHAPES.replace("name: shapes", "name: shapes, annotations: {tilt.dev/down-policy: keep}")
    trial.declare(yaml=f"{COLORS}---\n{kept}")
    async with running(trial.applies.run()):
        await trial.applied(2)
        trial.declare("other", yaml=COLORS)
        await trial.applied(3)
        await until(trial.store, lambda: trial.status("other").last_apply_time)
        trial.store.delete(KubernetesApply, "x")
        await until(trial.store, lambda: trial.store.get(KubernetesDiscovery, "x") is None)
    assert trial.cluster.deleted == []


async def test_a_command_applies_and_a_click_runs_it_again(trial: Trial):
    trial.runner.answer("apply", ProcessScript(output=COLORS.encode()))
    trial.store.put(UIButton(name="again"))
    trial.declare(
        apply_cmd=KubernetesApplyCmd(args=("apply",), dir="/p", env=("A=1",)),
        delete_cmd=KubernetesApplyCmd(args=("delete",), dir="/p"),
        restart_on=RestartOnSpec(ui_buttons=("again",)),
    )
    async with running(trial.applies.run()):
        await until(trial.store, lambda: trial.status().last_apply_time)
        click = UIButtonStatus(last_clicked_at="2999-01-01T00:00:00Z")
        first = trial.status().last_apply_time
        trial.store.change(UIButton, "again", lambda each: replace(each, status=click))
        await until(trial.store, lambda: trial.status().last_apply_time != first)
        trial.store.delete(KubernetesApply, "x")
        await until(trial.store, lambda: trial.store.get(KubernetesDiscovery, "x") is None)
    assert [each.argv for each in trial.runner.requests][::2] == [("apply",), ("delete",)]
    assert ("A", "1") in trial.runner.requests[0].env


async def test_a_failure_is_its_status_and_deletes_nothing(trial: Trial):
    trial.declare(yaml=COLORS)
    async with running(trial.applies.run()):
        await trial.applied()
        trial.cluster.refuse("ConfigMap/shapes", "it is forbidden")
        trial.declare(yaml=SHAPES)
        await until(trial.store, lambda: "it is forbidden" in trial.status().error)
        trial.declare(yaml="a: [b")
        await until(trial.store, lambda: "spec.yaml" in trial.status().error)
    assert trial.cluster.deleted == []
    assert "kubernetesapply x: ConfigMap/shapes: it is forbidden" in logged(trial.logs, "web")


async def test_it_waits_for_the_cluster_and_for_its_images(trial: Trial):
    trial.store.delete(ClusterState, "default")
    trial.declare(yaml=POD, image_maps=("a_web",))
    async with running(trial.applies.run()):
        await idle()
        trial.store.put(ClusterState(name="default", info=INFO))
        trial.store.put(ImageMap(name="a/web", spec=image("a/web")))
        await idle()
        assert not trial.cluster.applied
        trial.store.put(ImageMap(name="a/web", spec=image("a/web"), status=ImageMapStatus(reference="a/web:tilt-1")))
        await trial.applied()
    assert trial.cluster.applied[0]["spec"]["containers"][0]["image"] == "a/web:tilt-1"


async def test_while_it_is_disabled_its_objects_are_not_there(trial: Trial):
    source = DisableSource(config_map=ConfigMapDisableSource(name="off", key="x"))
    trial.store.put(ConfigMap(name="off", data={"x": "false"}))
    trial.declare(yaml=COLORS, disable_source=source)
    async with running(trial.applies.run()):
        await trial.applied()
        trial.store.put(ConfigMap(name="off", data={"x": "true"}))
        await until(trial.store, lambda: trial.cluster.deleted)
        await until(trial.store, lambda: not trial.status().last_apply_time)
        trial.store.put(ConfigMap(name="off", data={"x": "false"}))
        await trial.applied(2)
    assert [str(each) for each in trial.cluster.deleted] == ["ConfigMap/colors"]


async def test_a_cluster_that_is_not_there_is_an_error(trial: Trial):
    trial.declare(yaml=COLORS, cluster="moon")
    async with running(trial.applies.run()):
        await until(trial.store, lambda: trial.status().error == 'there is no cluster "moon"')
