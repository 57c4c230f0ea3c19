import pytest
from msgspec.structs import replace

from pytilt.loop.apply.repairs import REPAIRS
from pytilt.loop.images.imaging import Imaging
from pytilt.loop.images.lost_images import LostImages
from pytilt.loop.updates.narration import UpdateSteps
from pytilt.model.images import Registry
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.objects import ClusterState, Resource, Runtime, RuntimeState
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.images import FakeBuilder, FakePublisher
from tests.idle import idle
from tests.loop.declaring import INFO, image, kubernetes, prepare, update
from tests.loop.waiting import logged, running

WEB = ImageName("web-image")


class Trial:
    """A resource whose image was published."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        prepare(store, kubernetes("web", images=[image(WEB)]))
        self.store = store
        self.logs = logs
        self.publisher = FakePublisher()
        self.imaging = Imaging(store, FakeBuilder(), self.publisher)
        self.asked: list[tuple[str, str]] = []
        self.reference = ""
        self.lost_images = LostImages(store, logs, self.imaging, self._repair, clock=lambda: 0.0)

    def _repair(self, name: ResourceName, text: str, undone: bool) -> None:
        assert not undone
        self.asked.append((name, text))

    async def publish(self) -> None:
        resource = self.store.get(Resource, "web")
        assert resource
        log = self.logs.span(ResourceName("web"), SpanId("build:1"))
        (made,) = await self.imaging.ensure(resource, INFO, UpdateSteps(log, 3), sequence=0)
        self.reference = made.reference

    async def misses(self, pod: str = "web-1", reason: str = "ErrImagePull", reference: str = "") -> None:
        """A pod reports why it waits."""
        container = Container(name="main", image=reference or self.reference, reason=reason)
        await self._report(pod, container)

    async def runs(self, pod: str = "web-1") -> None:
        await self._report(pod, Container(name="main", image=self.reference, state=ContainerState.RUNNING))

    async def _report(self, pod: str, container: Container) -> None:
        reported = Pod(name=pod, namespace="default", uid=pod, created_at="", containers=(container,))
        self.store.put(Runtime(name="web", status=RuntimeState(pods=(reported,))))
        await idle()


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_an_image_that_a_pod_misses_and_that_is_gone_is_published_again(trial: Trial, store: Store):
    store.put(ClusterState(name="default", info=replace(INFO, registry=Registry(host="localhost:5001"))))
    await trial.publish()
    async with running(trial.lost_images.run()):
        await trial.misses()
        assert trial.asked == []  # it is there: the node may not ask for it
        trial.publisher.gone.add(WEB)
        await trial.misses(reason="ImagePullBackOff")
        assert trial.asked == []  # of this pod it was asked already
        await trial.misses("web-2")
    assert trial.asked == [("web", "image web-image was removed by somebody else (ErrImagePull)")]
    assert "was removed by somebody else (ErrImagePull); it is published again" in logged(trial.logs, "web")


async def test_where_images_are_loaded_into_nodes_one_of_them_may_be_new_and_nobody_has_removed_anything(trial: Trial):
    await trial.publish()
    trial.publisher.gone.add(WEB)
    async with running(trial.lost_images.run()):
        await trial.misses()
    assert trial.asked == [("web", "image web-image is not on every node (ErrImagePull)")]
    assert "is not on every node (ErrImagePull); it is published again" in logged(trial.logs, "web")


async def test_it_is_asked_again_of_a_pod_that_has_run_meanwhile(trial: Trial):
    await trial.publish()
    trial.publisher.gone.add(WEB)
    async with running(trial.lost_images.run()):
        await trial.misses()
        await trial.publish()
        await trial.runs()
        trial.publisher.gone.add(WEB)
        await trial.misses()
    assert len(trial.asked) == 2


async def test_other_images_and_other_reasons_are_no_concern_of_it(trial: Trial):
    await trial.publish()
    trial.publisher.gone.add(WEB)
    async with running(trial.lost_images.run()):
        await trial.misses(reference="elsewhere:1")
        await trial.misses("web-2", reason="CrashLoopBackOff")
    assert trial.asked == []


async def test_what_an_update_is_about_to_publish_is_left_to_it(trial: Trial):
    await trial.publish()
    trial.publisher.gone.add(WEB)
    running_one = replace(update(), outcome=None)
    trial.store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, current=(running_one,))))
    async with running(trial.lost_images.run()):
        await trial.misses()
        assert trial.asked == []
        trial.store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, current=())))
        await idle()
    assert len(trial.asked) == 1


async def test_what_is_removed_again_and_again_is_left_so(trial: Trial):
    await trial.publish()
    async with running(trial.lost_images.run()):
        for number in range(REPAIRS + 1):
            trial.publisher.gone.add(WEB)
            await trial.misses(f"web-{number}")
    assert len(trial.asked) == REPAIRS
    assert "again and again; it is left so" in logged(trial.logs, "web")
