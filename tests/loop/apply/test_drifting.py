from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.loop.apply.applied_objects import AppliedObjects
from pytilt.loop.apply.drifting import Drifting
from pytilt.loop.apply.repairs import REPAIRS
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus, Tiltfile
from pytilt.model.resources import Declaration, KubeObject, KubernetesDeploy, TriggerMode, UpdateSettings
from pytilt.model.updates import Reason, Strategy, Update
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from tests.idle import eventually, idle
from tests.loop.declaring import kubernetes, plain, prepare
from tests.loop.waiting import logged, running

CONFIG = {**plain("ConfigMap", "colors"), "data": {"sky": "blue"}}


class Trial:
    """A resource whose objects were applied to a cluster in memory."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store = store
        self.logs = logs
        self.cluster = FakeCluster()
        self.applied = AppliedObjects()
        self.asked: list[tuple[str, str]] = []
        self.undone: list[str] = []
        self.now = 0.0
        self.drifting = Drifting(store, logs, self.cluster, self.applied, self._ask, clock=lambda: self.now, pause=0.01)

    def _ask(self, name: ResourceName, text: str, undone: bool) -> None:
        if undone or not text:
            self.undone.append(text)
        else:
            self.asked.append((name, text))
        edit = {"drift": text, "repair_undone": undone}
        self.store.change(Resource, name, lambda each: replace(each, status=replace(each.status, **edit)))

    async def apply(self, *wanted: KubeObject, mode: TriggerMode = TriggerMode.AUTO) -> None:
        """Apply the objects of `web`, as a session does."""
        if self.store.get(Resource, "web") is None:
            prepare(self.store, kubernetes("web", *wanted, trigger_mode=mode))
        present = [await self.cluster.apply(each, timeout=5) for each in wanted]
        self.applied.note("web", wanted, present)

    async def change(self, wanted: KubeObject, edit: Mapping[str, Any], manager: str = "kubectl-edit") -> None:
        """Change an object as somebody else does."""
        present = await self.cluster.get(objects.ref(wanted))
        assert present is not None
        entry = {"manager": manager, "time": "2026-01-01T00:00:00Z", "fieldsV1": _fields(edit)}
        metadata = {**objects.metadata(present), "managedFields": [entry]}
        self.cluster.put({**present, **edit, "metadata": {**metadata, **edit.get("metadata", {})}})
        await idle()


def _fields(edit: Mapping[str, Any]) -> dict[str, Any]:
    return {f"f:{name}": _fields(value) if isinstance(value, dict) else {} for name, value in edit.items()}


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_a_deleted_object_is_noticed_and_its_resource_repaired(trial: Trial):
    await trial.apply(CONFIG)
    async with running(trial.drifting.run()):
        await idle()
        assert trial.asked == []
        trial.cluster.remove(objects.ref(CONFIG))
        await idle()
    assert trial.asked == [("web", "configmap/colors was deleted by somebody else")]
    assert [each.ref.name for each in trial.applied.drifted("web")] == ["colors"]
    assert "configmap/colors was deleted by somebody else; it is applied again" in logged(trial.logs, "web")


async def test_what_goes_with_its_namespace_is_applied_again_when_that_is_there_again(trial: Trial):
    config = plain("ConfigMap", "colors", namespace="shop")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    await trial.apply(namespace, config)
    async with running(trial.drifting.run()):
        await idle()
        going = {**objects.metadata(namespace), "deletionTimestamp": "2026-01-01T00:00:00Z"}
        trial.cluster.put({**namespace, "metadata": going})
        trial.cluster.remove(objects.ref(config))
        await eventually(lambda: trial.undone)
        text = "namespace/shop is being deleted, and configmap/colors with it"
        assert (trial.asked, trial.undone) == ([], [text])
        trial.cluster.remove(objects.ref(namespace))
        await eventually(lambda: trial.asked)
        assert trial.asked == [("web", "namespace/shop was deleted by somebody else")]
        trial.applied.renew("web", [namespace], [await trial.cluster.apply(namespace, timeout=5)])
        await eventually(lambda: trial.asked[1:])
    assert trial.asked[1:] == [("web", "configmap/colors was deleted by somebody else")]
    assert trial.undone == [text]


async def test_what_an_update_itself_replaces_was_deleted_by_nobody_else(trial: Trial):
    await trial.apply(CONFIG)
    async with running(trial.drifting.run()):
        await idle()
        update = Update(id=1, span=SpanId("b"), reason=Reason.CLI_TRIGGER, strategy=Strategy.FULL, started_at="")
        running_one = ResourceStatus(current=(update,))
        trial.store.change(Resource, "web", lambda each: replace(each, status=running_one))
        before = await trial.cluster.get(objects.ref(CONFIG))
        assert before is not None
        trial.cluster.remove(objects.ref(CONFIG))
        await idle()
        made_anew = {**CONFIG, "metadata": {**objects.metadata(before), "uid": "another"}}
        trial.applied.note("web", [CONFIG], [made_anew])  # the watch has not reported it yet
        trial.store.change(Resource, "web", lambda each: replace(each, status=ResourceStatus()))
        await idle()
    assert trial.asked == []


async def test_a_changed_field_is_named_with_who_has_changed_it(trial: Trial):
    await trial.apply(CONFIG)
    async with running(trial.drifting.run()):
        await idle()
        await trial.change(CONFIG, {"data": {"sky": "red"}})
    assert trial.asked == [("web", 'configmap/colors was changed by kubectl-edit (data.sky: "blue" → "red")')]


@pytest.mark.parametrize(
    ("edit", "manager"),
    [
        ({"data": {"sky": "blue", "sea": "green"}}, "kubectl"),
        ({"metadata": {"annotations": {"who": "me"}}}, "kubectl"),
        ({"status": {"x": 1}}, "kubectl"),
        ({"data": {"sky": "red"}}, "kube-controller-manager"),
    ],
    ids=["a field of others", "an annotation of others", "a status", "a controller's work"],
)
async def test_what_others_own_is_theirs(trial: Trial, edit: dict[str, Any], manager: str):
    await trial.apply(CONFIG)
    async with running(trial.drifting.run()):
        await idle()
        await trial.change(CONFIG, edit, manager)
    assert trial.asked == []


async def test_what_undoes_a_repair_again_and_again_is_left_alone_with_a_warning(trial: Trial):
    await trial.apply(CONFIG)
    async with running(trial.drifting.run()):
        await idle()
        for _ in range(REPAIRS + 2):
            await trial.change(CONFIG, {"data": {"sky": "red"}})
            await trial.apply(CONFIG)
            await idle()
        assert len(trial.asked) == REPAIRS
        assert trial.undone[-1] == ""
        await trial.change(CONFIG, {"data": {"sky": "red"}})
        assert trial.undone[-1].startswith("configmap/colors was changed")
        await trial.change(CONFIG, {"data": {"sky": "blue"}})
        assert trial.undone[-1] == ""
        assert "again and again; it is left so until the next update of web" in logged(trial.logs, "web")
        trial.now += 3600
        await trial.change(CONFIG, {"data": {"sky": "red"}})
    assert len(trial.asked) == REPAIRS + 1


@pytest.mark.parametrize(("own", "all_of_them"), [(False, True), (None, False)])
async def test_a_repair_that_nobody_wants_is_not_done(trial: Trial, own: bool | None, all_of_them: bool):
    await trial.apply(CONFIG)
    resource = trial.store.get(Resource, "web")
    assert resource is not None
    assert isinstance(resource.spec.deploy, KubernetesDeploy)
    deploy = replace(resource.spec.deploy, repair_drift=own)
    trial.store.put(replace(resource, spec=replace(resource.spec, deploy=deploy)))
    _repair_all(trial.store, wanted=all_of_them)
    async with running(trial.drifting.run()):
        await idle()
        trial.cluster.remove(objects.ref(CONFIG))
        await idle()
    assert trial.asked == []
    assert "it is left so, since `repair_drift` is off" in logged(trial.logs, "web")


async def test_what_changes_during_an_update_is_judged_when_it_has_ended(trial: Trial):
    await trial.apply(CONFIG)
    update = Update(
        id=1, span=SpanId("build:1"), reason=Reason.CHANGED_FILES, strategy=Strategy.FULL, started_at="2026-01-01"
    )
    async with running(trial.drifting.run()):
        await idle()
        trial.store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, current=(update,))))
        trial.cluster.remove(objects.ref(CONFIG))
        await idle()
        assert trial.asked == []
        trial.store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, current=())))
        await idle()
    assert len(trial.asked) == 1


async def test_a_job_that_has_ended_may_be_cleaned_up(trial: Trial):
    job = {**plain("Job", "once"), "apiVersion": "batch/v1"}
    await trial.apply(job)
    async with running(trial.drifting.run()):
        await idle()
        await trial.change(job, {"status": {"conditions": [{"type": "Complete", "status": "True"}]}})
        trial.cluster.remove(objects.ref(job))
        await idle()
    assert trial.asked == []


async def test_a_resource_in_manual_mode_waits_for_its_trigger(trial: Trial):
    await trial.apply(CONFIG, mode=TriggerMode.MANUAL)
    async with running(trial.drifting.run()):
        await idle()
        trial.cluster.remove(objects.ref(CONFIG))
        await idle()
    assert "`tilt trigger web` applies it again" in logged(trial.logs, "web")


async def test_a_value_of_a_secret_is_not_shown(trial: Trial):
    secret = {**plain("Secret", "key"), "data": {"k": "b2xk"}}
    await trial.apply(secret)
    async with running(trial.drifting.run()):
        await idle()
        await trial.change(secret, {"data": {"k": "bmV3"}})
    assert trial.asked == [("web", "secret/key was changed by kubectl-edit (data.k)")]


def _repair_all(store: Store, *, wanted: bool) -> None:
    def edit(tiltfile: Tiltfile) -> Tiltfile:
        declaration = tiltfile.status.declaration or Declaration()
        updates = UpdateSettings(repair_drift=wanted)
        return replace(tiltfile, status=replace(tiltfile.status, declaration=replace(declaration, updates=updates)))

    store.change(Tiltfile, TILTFILE, edit)
