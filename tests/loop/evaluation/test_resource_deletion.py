import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.loop.evaluation.resource_deletion import ResourceDeletion
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.loop.updates.updating import Updating
from pytilt.loop.updates.watching import Watching
from pytilt.model.logs import Level
from pytilt.model.objects import Resource, ResourceStatus
from pytilt.model.resources import KubeObject, ResourceSpec, UpdateSettings
from pytilt.model.updates import Outcome, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.store.spans import Span
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.host import FakeFileWatcher
from tests.idle import eventually
from tests.loop.declaring import deployment, kubernetes, local, plain, prepare, update
from tests.loop.kinds.trials import kinds
from tests.loop.waiting import logged, running

CONFIG = plain("ConfigMap", "colors", namespace="default")
DEPLOYMENT = deployment("web", namespace="default")


class Trial:
    """Resources of a session that end."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store = store
        self.cluster = FakeCluster()
        self.updates = 0
        watching = Watching(store, FakeFileWatcher())
        self.updating = Updating(store, logs, watching, {Strategy.FULL: self.work}, "/p")
        self.resource_deletion = ResourceDeletion(store, logs, self.updating, kinds(store, logs, self.cluster))

    async def work(self, *_: Resource | Start | Span | UpdateSettings) -> Done:
        """An update that does not end."""
        self.updates += 1
        await asyncio.Event().wait()
        raise AssertionError

    def applied(self, name: str, *wanted: KubeObject) -> None:
        """Say that a resource was updated and applied these objects."""
        refs = tuple(objects.ref(self.cluster.put(each)) for each in wanted)
        status = ResourceStatus(history=(update(),), applied=refs)
        self.store.change(Resource, name, lambda each: replace(each, status=status))

    async def remove(self, name: str, *declared: ResourceSpec) -> None:
        resource = self.store.get(Resource, name)
        assert resource
        await self.resource_deletion.remove(resource, declared)

    @property
    def deleted(self) -> Sequence[str]:
        return list(map(str, self.cluster.deleted))


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_the_objects_of_a_resource_go_dependents_first(trial: Trial, logs: LogStore):
    prepare(trial.store, kubernetes("web", DEPLOYMENT, CONFIG))
    trial.applied("web", CONFIG, DEPLOYMENT)
    await trial.remove("web")
    assert trial.deleted == ["Deployment/web", "ConfigMap/colors"]
    assert logged(logs, "web") == "Deleting kubernetes objects:\n→ Deployment/web\n→ ConfigMap/colors\n"


async def test_what_another_resource_declares_now_stays(trial: Trial):
    prepare(trial.store, kubernetes("web", DEPLOYMENT, CONFIG))
    trial.applied("web", CONFIG, DEPLOYMENT)
    await trial.remove("web", kubernetes("cart", CONFIG), local("tool"))
    assert trial.deleted == ["Deployment/web"]


async def test_an_object_that_names_no_namespace_is_the_one_of_the_default_namespace(trial: Trial):
    prepare(trial.store, kubernetes("web", CONFIG))
    trial.applied("web", CONFIG)
    await trial.remove("web", kubernetes("cart", plain("ConfigMap", "colors")))
    assert not trial.deleted


@pytest.mark.parametrize(
    "other",
    [plain("ConfigMap", "colors", namespace="other"), plain("ConfigMap", "colors", api_version="example.com/v1")],
)
async def test_what_another_resource_declares_by_the_same_name_elsewhere_is_another_object(
    trial: Trial, other: KubeObject
):
    prepare(trial.store, kubernetes("web", CONFIG))
    trial.applied("web", CONFIG)
    await trial.remove("web", kubernetes("cart", other))
    assert trial.deleted == ["ConfigMap/colors"]


async def test_an_update_that_runs_is_ended_first_and_what_it_may_have_applied_goes(trial: Trial):
    prepare(trial.store, kubernetes("web", DEPLOYMENT, CONFIG))
    async with running(trial.updating.run()):
        await eventually(lambda: trial.updates)
        await trial.remove("web")
        resource = trial.store.get(Resource, "web")
        assert resource
        assert [each.outcome for each in resource.status.history] == [Outcome.CANCELED]
    assert trial.deleted == ["Deployment/web", "ConfigMap/colors"]


async def test_what_was_never_deployed_leaves_nothing(trial: Trial):
    prepare(trial.store, kubernetes("web", DEPLOYMENT), local("tool"))
    await trial.remove("web")
    await trial.remove("tool")
    assert not trial.deleted


async def test_a_cluster_that_does_not_answer_is_reported_and_the_session_goes_on(trial: Trial, logs: LogStore):
    prepare(trial.store, kubernetes("web", DEPLOYMENT))
    trial.applied("web", DEPLOYMENT)
    trial.cluster.unreachable = "no route to host"
    await trial.remove("web")
    assert [line.text for line in logs.read(0)[0] if line.level is Level.ERROR] == ["no route to host"]
