import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.cluster import objects, pods
from pytilt.errors import ApplyError, ClusterUnreachableError
from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.images.contract import BuildRequest
from pytilt.loop.apply.apply_records import ApplyRecords
from pytilt.loop.apply.synced_pods import SyncedPods
from pytilt.loop.images.imaging import Imaging
from pytilt.loop.kinds.kubernetes import KubernetesKind
from pytilt.loop.planning.schedule import Start
from pytilt.loop.pods.runtimes import Runtimes
from pytilt.loop.updates.outcomes import Done
from pytilt.model.images import BuiltImage, CustomBuild, Image
from pytilt.model.logs import Log
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus
from pytilt.model.resources import KubeObject, KubernetesDeploy, ResourceSpec, UpdateSettings
from pytilt.model.updates import Outcome, Reason, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.images import FakeBuilder, FakePublisher, built
from tests.idle import idle
from tests.loop.declaring import command, deployment, image, kubernetes, plain, prepare, update
from tests.loop.waiting import logged, running

CONFIG = plain("ConfigMap", "colors")
SECRET = plain("Secret", "key")
NAMESPACE = plain("Namespace", "shop")


def only_synced(name: str) -> Image:
    """An image that is not built."""
    return image(name, live=True, build=CustomBuild(command=command(":")))


UNCHANGED = [
    (False, Reason.CHANGED_FILES, 1),
    (True, Reason.CHANGED_FILES, 2),  # somebody has deleted it
    (False, Reason.CLI_TRIGGER, 2),  # who asks for an update gets one
]


class PreparedCluster(FakeCluster):
    """A cluster that is to prepare what will come before anything is built."""

    def __init__(self, builder: FakeBuilder) -> None:
        super().__init__()
        self._builder = builder

    async def prepare(self, objects: Sequence[KubeObject]) -> None:
        assert not self._builder.requests
        await super().prepare(objects)


class Trial:
    """Full updates on a cluster in memory."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store = store
        self.logs = logs
        self.builder = FakeBuilder()
        self.cluster = PreparedCluster(self.builder)
        self.imaging = Imaging(store, self.builder, FakePublisher())
        self.runtimes = Runtimes(store, logs, self.cluster, "localhost")
        self.kind = KubernetesKind(store, self.cluster, self.imaging, self.runtimes)

    async def update(
        self,
        name: str,
        *,
        force: bool = False,
        timeout: float = 5,  # noqa: ASYNC109 - the limit of one object
        reason: Reason = Reason.INITIAL_BUILD,
    ) -> Done:
        """Update a resource, and write what came of it as updates do."""
        resource = self.store.get(Resource, name)
        assert resource
        start = Start(
            resource=resource.spec.name,
            reason=reason,
            strategy=Strategy.FULL,
            sequence=7,
            force=force,
        )
        log = self.logs.span(ResourceName(name), SpanId("build:1"))
        settings = UpdateSettings(apply_timeout_seconds=timeout)  # type: ignore[arg-type]  # whole seconds take too long
        deploy = resource.spec.deploy
        assert isinstance(deploy, KubernetesDeploy)
        done = await self.kind.update(resource, deploy, start, log, settings)
        self.store.put(replace(resource, status=ResourceStatus(**done.status)))
        return done

    def declare(self, spec: ResourceSpec) -> None:
        """Give a resource another definition."""
        self.store.change(Resource, spec.name, lambda each: replace(each, spec=spec))

    @property
    def applied(self) -> Sequence[str]:
        return [str(objects.ref(each)) for each in self.cluster.applied]

    @property
    def deleted(self) -> Sequence[str]:
        return list(map(str, self.cluster.deleted))

    @property
    def present(self) -> set[str]:
        return {str(objects.ref(each)) for each in self.cluster.stored}


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_what_others_need_is_applied_first(trial: Trial):
    prepare(trial.store, kubernetes("web", deployment("web"), CONFIG, NAMESPACE))
    await trial.update("web")
    assert trial.applied == ["Namespace/shop", "ConfigMap/colors", "Deployment/web"]


async def test_objects_of_a_later_stage_wait_for_the_earlier_ones(trial: Trial):
    prepare(trial.store, kubernetes("web", deployment("web"), CONFIG, NAMESPACE))
    gate = trial.cluster.hold("Namespace/shop")
    async with running() as group:
        ended = group.create_task(trial.update("web"))
        await trial.cluster.wait_applied(1)
        assert trial.applied == ["Namespace/shop"]
        gate.set()
        await ended
    assert len(trial.applied) == 3


async def test_an_update_reports_what_it_applied_and_remembers_it(trial: Trial, logs: LogStore):
    prepare(trial.store, kubernetes("web", deployment("web"), CONFIG))
    done = await trial.update("web")
    assert done.outcome is Outcome.OK
    assert list(map(str, done.status["applied"])) == ["ConfigMap/colors", "Deployment/web"]
    assert done.status["applied_uids"] == tuple(objects.uid(each) for each in trial.cluster.stored)
    assert len(done.status["template_hashes"]) == 1
    assert (done.status["synced"], done.status["containers"]) == (7, ())
    assert done.status["deployed_at"]
    assert logged(logs).startswith(
        "STEP 1/1 — Deploying\n"
        "     Applying YAML to cluster\n"
        "     Objects applied to cluster:\n"
        "       → colors:configmap\n"
        "       → web:deployment\n"
        "\n"
        "     Step 1 - "
    )


async def test_the_reference_of_the_built_image_is_in_what_is_applied(trial: Trial):
    spec = image("web-image")
    prepare(trial.store, kubernetes("web", images=[spec]))
    done = await trial.update("web")
    (found,) = done.status["applied_images"]
    assert _image(trial.cluster.applied[0]) == found.reference
    assert found.reference.startswith("web-image:tilt-")


def _image(of: KubeObject) -> str:
    return str(of["spec"]["template"]["spec"]["containers"][0]["image"])


async def test_the_cluster_gets_what_will_come_before_the_images_are_built(trial: Trial):
    wanted = deployment("api", "api")
    prepare(trial.store, kubernetes("api", wanted, images=[image("api")]), kubernetes("plain", CONFIG))
    await trial.update("plain")
    assert trial.cluster.prepared == []
    await trial.update("api")
    assert trial.cluster.prepared == [wanted]


async def test_what_is_declared_no_more_is_deleted_after_the_rest_was_applied(trial: Trial):
    prepare(trial.store, kubernetes("web", deployment("web"), CONFIG, SECRET))
    await trial.update("web")
    trial.declare(kubernetes("web", deployment("web"), SECRET))
    done = await trial.update("web")
    assert trial.deleted == ["ConfigMap/colors"]
    assert len(done.status["applied"]) == 2


async def test_what_a_failed_update_may_have_applied_is_deleted_once_it_is_declared_no_more(trial: Trial):
    prepare(trial.store, kubernetes("web", deployment("web")))
    tried = tuple(objects.ref(each) for each in (CONFIG, deployment("web")))
    trial.cluster.put(CONFIG)
    trial.store.change(Resource, "web", lambda each: replace(each, status=ResourceStatus(applied=tried)))
    await trial.update("web")
    assert trial.deleted == ["ConfigMap/colors"]


async def test_an_object_that_moved_to_another_resource_is_not_deleted(trial: Trial):
    prepare(trial.store, kubernetes("web", deployment("web"), CONFIG), kubernetes("cart", deployment("cart")))
    await trial.update("web")
    await trial.update("cart")
    trial.declare(kubernetes("web", deployment("web")))
    trial.declare(kubernetes("cart", deployment("cart"), CONFIG))
    await trial.update("cart")
    await trial.update("web")
    assert "ConfigMap/colors" in trial.present
    assert trial.deleted == []


async def test_an_object_that_a_disabled_resource_declares_as_well_is_deleted(trial: Trial):
    prepare(trial.store, kubernetes("web", deployment("web"), CONFIG), kubernetes("cart", deployment("cart"), CONFIG))
    trial.store.change(Resource, "cart", lambda each: replace(each, enabled=False))
    await trial.update("web")
    trial.declare(kubernetes("web", deployment("web")))
    await trial.update("web")
    assert trial.deleted == ["ConfigMap/colors"]


async def test_force_deletes_what_was_applied_before_it_builds(trial: Trial, logs: LogStore):
    prepare(trial.store, kubernetes("web", deployment("web", "web-image"), CONFIG, images=[image("web-image")]))
    await trial.update("web")
    await trial.update("web", force=True)
    assert trial.deleted == ["Deployment/web", "ConfigMap/colors"]
    assert len(trial.builder.requests) == 2
    assert "STEP 1/4 — Force update\n     Deleting kubernetes objects:\n     → Deployment/web\n" in logged(logs)


async def test_force_never_deletes_what_holds_others(trial: Trial):
    definition = plain("CustomResourceDefinition", "carts.example.com", "apiextensions.k8s.io/v1")
    claim, volume = plain("PersistentVolumeClaim", "data"), plain("PersistentVolume", "disk")
    prepare(trial.store, kubernetes("uncategorized", NAMESPACE, definition, claim, volume, CONFIG))
    await trial.update("uncategorized")
    await trial.update("uncategorized", force=True)
    assert trial.deleted == ["ConfigMap/colors"]
    assert len(trial.applied) == 10


async def test_force_names_what_does_not_go(trial: Trial):
    cart = plain("Cart", "one", "example.com/v1", finalizers=["example.com/empty"])
    prepare(trial.store, kubernetes("web", deployment("web"), cart))
    await trial.update("web")
    trial.kind = KubernetesKind(trial.store, trial.cluster, trial.imaging, trial.runtimes, clear_seconds=0.05)
    with pytest.raises(ApplyError, match=r"still being deleted .*: Cart/one \(finalizer `example.com/empty`\)"):
        await trial.update("web", force=True)
    assert trial.deleted == ["Cart/one"]


async def test_a_refused_object_fails_the_update_with_the_clusters_words(trial: Trial):
    prepare(trial.store, kubernetes("web", deployment("web"), CONFIG))
    trial.cluster.refuse("ConfigMap/colors", "data is not a map")
    with pytest.raises(ApplyError, match="ConfigMap/colors: data is not a map"):
        await trial.update("web")
    assert "Deployment/web" not in trial.applied


async def test_the_time_limit_is_that_of_one_object(trial: Trial):
    prepare(trial.store, kubernetes("web"))
    trial.cluster.hold("Deployment/web")
    with pytest.raises(ApplyError, match=r"timed out after 0\.01 s"):
        await trial.update("web", timeout=0.01)


async def test_nothing_is_built_while_no_cluster_is_connected(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]), connected=False)
    with pytest.raises(ApplyError, match="not connected"):
        await trial.update("web")
    assert not trial.builder.requests


async def test_a_cluster_that_does_not_answer_is_reported_as_that(trial: Trial):
    prepare(trial.store, kubernetes("web"))
    trial.cluster.unreachable = "no route to host"
    with pytest.raises(ClusterUnreachableError, match="no route to host"):
        await trial.update("web")


async def test_a_repair_applies_only_what_somebody_has_changed(store: Store, logs: LogStore):
    trial = Trial(store, logs)
    prepare(store, kubernetes("web", CONFIG, SECRET))
    first = await trial.update("web")
    uids = first.status["applied_uids"]
    gone = trial.kind.applied_objects.find(first.status["applied"][0])
    assert gone is not None
    trial.cluster.remove(gone.ref)
    trial.cluster.applied.clear()
    trial.kind.applied_objects.mark(gone)
    done = await trial.update("web", reason=Reason.DRIFTED)
    assert [objects.name(each) for each in trial.cluster.applied] == [gone.ref.name]
    assert done.status["applied"] == first.status["applied"]
    assert done.status["applied_uids"][1] == uids[1]
    assert done.status["applied_uids"][0] != uids[0]
    assert trial.kind.applied_objects.drifted("web") == ()


async def test_a_repair_leaves_the_number_of_pods_to_an_autoscaler(trial: Trial):
    plain_one = deployment("web")
    web = {**plain_one, "spec": {**plain_one["spec"], "replicas": 1}}
    prepare(trial.store, kubernetes("web", web))
    first = await trial.update("web")
    edited = trial.kind.applied_objects.find(first.status["applied"][0])
    assert edited is not None
    present = await trial.cluster.get(edited.ref)
    assert present is not None
    entry = {"manager": "kube-controller-manager", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    metadata = {**objects.metadata(present), "managedFields": [entry]}
    trial.cluster.put({**present, "metadata": metadata, "spec": {**present["spec"], "replicas": 3, "paused": True}})
    for _ in range(2):
        trial.kind.applied_objects.mark(edited)
        await trial.update("web", reason=Reason.DRIFTED)
        assert trial.cluster.applied[-1]["spec"]["replicas"] == 3
    again = trial.kind.applied_objects.find(edited.ref)
    assert again is not None
    assert again.wanted == edited.wanted


async def test_a_repair_mends_nothing_of_what_was_built_last(trial: Trial):
    prepare(trial.store, kubernetes("web", CONFIG))
    first = await trial.update("web")
    gone = trial.kind.applied_objects.find(first.status["applied"][0])
    assert gone is not None
    maybe = replace(gone.ref, name="never-seen")
    failed = update(2, Outcome.FAILED)
    status = {**first.status, "applied": (gone.ref, maybe), "history": (failed, update())}
    trial.store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, **status)))
    trial.cluster.remove(gone.ref)
    trial.kind.applied_objects.mark(gone)
    done = await trial.update("web", reason=Reason.DRIFTED)
    assert (done.status["applied"], len(done.status["applied_uids"])) == ((gone.ref, maybe), 1)
    assert (done.outcome, done.error) == (Outcome.FAILED, failed.error)
    assert "What was built last has failed, and that is still to be mended" in logged(trial.logs, "web")


class SlowBuilder(FakeBuilder):
    """Builds when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        await self.gate.wait()
        return await super().build(request, log)


@pytest.mark.parametrize("changed", [False, True])
async def test_what_changes_while_images_take_long_is_applied_again(
    store: Store, logs: LogStore, tmp_path: Path, changed: bool
):
    cluster, web = FakeCluster(), deployment("web", image="shop/web")
    prepare(store, kubernetes("web", web, images=(image("shop/web"),)))

    async def session(*, disturbed: bool) -> None:
        builder, records = SlowBuilder(), ApplyRecords(Records(StateDirectory(tmp_path)), cluster)
        imaging, runtimes = Imaging(store, builder, FakePublisher()), Runtimes(store, logs, cluster, "localhost")
        trial = Trial(store, logs)
        trial.kind = KubernetesKind(store, cluster, imaging, runtimes, records=records, fresh_seconds=0)
        async with running() as group:
            ended = group.create_task(trial.update("web"))
            await idle()
            if disturbed:
                cluster.remove(objects.ref(cluster.stored[0]))
            builder.gate.set()
            await ended

    await session(disturbed=False)
    await session(disturbed=changed)
    assert len(cluster.applied) == 1 + changed


@pytest.mark.parametrize(("undone", "reason", "applies"), UNCHANGED)
async def test_files_that_make_the_same_image_apply_nothing_again(
    trial: Trial, tmp_path: Path, undone: bool, reason: Reason, applies: int
):
    records = ApplyRecords(Records(StateDirectory(tmp_path)), trial.cluster)
    trial.kind = KubernetesKind(trial.store, trial.cluster, trial.imaging, trial.runtimes, records=records)
    prepare(trial.store, kubernetes("web", deployment("web", image="shop/web"), images=(image("shop/web"),)))
    first = await trial.update("web")
    trial.builder.requests.clear()
    if undone:
        trial.cluster.remove(objects.ref(trial.cluster.stored[0]))
    done = await trial.update("web", reason=reason)
    assert len(trial.cluster.applied) == applies
    assert ("Unchanged: nothing to apply" in logged(trial.logs, "web")) is (applies == 1)
    assert (done.status["applied"], done.status["adopted"]) == (first.status["applied"], False)


async def test_files_that_make_another_image_apply_it(trial: Trial, tmp_path: Path):
    versions = itertools.count()
    builder = FakeBuilder(lambda request: built(request.image.name, b"%d" % next(versions)))
    records = ApplyRecords(Records(StateDirectory(tmp_path)), trial.cluster)
    imaging = Imaging(trial.store, builder, FakePublisher())
    trial.kind = KubernetesKind(trial.store, trial.cluster, imaging, trial.runtimes, records=records)
    prepare(trial.store, kubernetes("web", deployment("web", image="shop/web"), images=(image("shop/web"),)))
    await trial.update("web")
    builder.stored.clear()
    await trial.update("web", reason=Reason.CHANGED_FILES)
    assert len(trial.cluster.applied) == 2


@pytest.mark.parametrize(
    ("images", "deleted"),
    [
        ((image("shop/web"),), ["Pod/web-1"]),
        ((image("shop/web"), only_synced("other")), ["Pod/web-1"]),
        ((only_synced("shop/web"),), []),  # no build takes back what it has
    ],
)
async def test_pods_with_synced_files_are_replaced_when_their_image_is_built_again(
    trial: Trial, tmp_path: Path, images: tuple[Image, ...], deleted: list[str]
):
    records = Records(StateDirectory(tmp_path))
    applies, synced = ApplyRecords(records, trial.cluster), SyncedPods(trial.store, trial.cluster, records)
    trial.kind = KubernetesKind(
        trial.store, trial.cluster, trial.imaging, trial.runtimes, records=applies, synced=synced
    )
    prepare(trial.store, kubernetes("web", deployment("web", image="shop/web"), images=images))
    await trial.update("web")
    found = trial.cluster.add_pod("web-1", owner=trial.cluster.stored[0])
    applies.synced("web")
    synced.note("web", [pods.pod(found)])
    trial.builder.requests.clear()
    await trial.update("web", reason=Reason.CHANGED_FILES)
    assert trial.deleted == deleted
