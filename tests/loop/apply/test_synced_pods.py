from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pytilt.cluster import objects, pods
from pytilt.cluster.injection import TEMPLATE_HASH_LABEL
from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.loop.apply.synced_pods import SyncedPods
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.objects import Runtime, RuntimeState
from pytilt.model.resources import KubeObject
from pytilt.model.updates import DeployedImage
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from tests.idle import idle
from tests.loop.declaring import deployment
from tests.loop.waiting import logged, running


class Trial:
    """A project that one session deploys after the other."""

    def __init__(self, store: Store, logs: LogStore, folder: Path) -> None:
        self.store = store
        self.cluster = FakeCluster()
        self.owner = self.cluster.put(deployment("web"))
        self.log = logs.span(ResourceName("web"), SpanId("build:1"))
        self._folder = folder
        self.pods = self.session()

    def session(self) -> SyncedPods:
        return SyncedPods(self.store, self.cluster, Records(StateDirectory(self._folder)))

    def synced(self, name: str, template: str = "abc", **fields: Any) -> KubeObject:
        """A pod that files were brought into."""
        fields = {"owner": self.owner, "labels": {TEMPLATE_HASH_LABEL: template}, **fields}
        found = self.cluster.add_pod(name, **fields)
        self.pods.note("web", [pods.pod(found)])
        return found

    async def replace(self, *hashes: str, images: Sequence[str] = ("web:1",), first: bool = False) -> list[str]:
        """What was deleted when these templates and images were applied."""
        self.cluster.deleted.clear()
        deployed = [DeployedImage(name=ImageName("web"), reference=each) for each in images]
        await self.pods.replace("web", deployed, hashes, self.log, first=first)
        return [ref.name for ref in self.cluster.deleted]


@pytest.fixture
def trial(store: Store, logs: LogStore, tmp_path: Path) -> Trial:
    return Trial(store, logs, tmp_path)


async def test_they_are_replaced_once_where_their_template_is_applied_again(trial: Trial, logs: LogStore):
    trial.synced("web-1")
    trial.cluster.add_pod("web-2", owner=trial.owner, labels={TEMPLATE_HASH_LABEL: "abc"})  # no files came into it
    assert await trial.replace("abc") == ["web-1"]
    assert "Replacing pod web-1: live updates have brought files into it that its image does not have" in logged(logs)
    assert await trial.replace("abc") == []


async def test_the_next_session_knows_them_too(trial: Trial, logs: LogStore):
    trial.synced("web-1")
    trial.pods = trial.session()
    assert await trial.replace("abc", first=True) == ["web-1"]
    assert "Replacing pod web-1: an earlier session has brought" in logged(logs)
    trial.pods = trial.session()
    assert await trial.replace("abc", first=True) == []


async def test_those_of_another_template_are_replaced_when_it_comes_back_before_they_are_gone(trial: Trial):
    trial.synced("web-1")
    assert await trial.replace("def") == []
    assert await trial.replace("abc") == ["web-1"]


async def test_another_pod_of_the_same_name_is_not_replaced(trial: Trial):
    found = trial.synced("web-0")
    trial.cluster.remove(objects.ref(found))
    trial.cluster.add_pod("web-0", owner=trial.owner, labels={TEMPLATE_HASH_LABEL: "abc"})
    assert await trial.replace("abc") == []


async def test_without_a_template_of_ours_their_images_say_whether_they_stay(trial: Trial):
    trial.synced("web-1", labels={}, containers={"main": "web:1"})
    assert await trial.replace(images=("web:2",)) == []
    assert await trial.replace(images=("web:1",)) == ["web-1"]


async def test_where_no_image_is_built_all_of_them_are_replaced(trial: Trial):
    trial.synced("web-1", labels={})
    assert await trial.replace(images=()) == ["web-1"]


async def test_one_that_nothing_owns_is_gone_before_it_is_applied_again(trial: Trial):
    found = trial.synced("web", owner=None, labels={}, containers={"main": "web:1"}, finalizers=["a/b"])
    async with running() as group:
        replacing = group.create_task(trial.replace())
        await idle()
        assert [ref.name for ref in trial.cluster.deleted] == ["web"]
        assert not replacing.done()
        trial.cluster.remove(objects.ref(found))
        await replacing


async def test_the_runtime_counts_them_no_more_when_they_are_replaced(trial: Trial):
    found = pods.pod(trial.synced("web-1"))
    trial.store.put(Runtime(name="web", status=RuntimeState(pods=(found,))))
    async with running() as group:
        replacing = group.create_task(trial.replace("abc"))
        await idle()
        assert not replacing.done()
        trial.store.put(Runtime(name="web", status=RuntimeState(pods=(replace(found, deleting=True),))))
        assert await replacing == ["web-1"]
