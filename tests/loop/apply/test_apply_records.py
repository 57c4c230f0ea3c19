from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.loop.apply.apply_records import ApplyRecords
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject
from pytilt.testing.cluster import FakeCluster

CONFIG = ObjectRef(api_version="v1", kind="ConfigMap", name="conf")


def config(value: str = "1", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf", **metadata}, "data": {"a": value}}


def deployment() -> dict[str, Any]:
    template: dict[str, Any] = {"spec": {"containers": []}}
    metadata = {"name": "web", "generation": 1}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}


class Trial:
    """A project that is applied by one session after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.cluster = FakeCluster()

    @property
    def session(self) -> ApplyRecords:
        return ApplyRecords(Records(StateDirectory(self._folder)), self.cluster)

    async def unchanged(self, wanted: Sequence[KubeObject], name: str = "web") -> tuple[KubeObject, ...] | None:
        found = await self.session.recorded(name)
        return found.unchanged(wanted) if found else None

    async def apply(self, *wanted: dict[str, Any]) -> None:
        present = [await self.cluster.apply(each, timeout=1) for each in wanted]
        self.session.applied("web", wanted, present)


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


async def test_what_is_in_the_cluster_as_it_was_applied_is_unchanged(trial: Trial):
    await trial.apply(config())
    present = await trial.unchanged([config()])
    assert present is not None
    assert [each["metadata"]["name"] for each in present] == ["conf"]


async def test_another_project_another_object_or_another_value_is_not(trial: Trial):
    await trial.apply(config())
    assert await trial.unchanged([config()], "other") is None
    assert await trial.unchanged([config("2")]) is None
    assert await trial.unchanged([config(), deployment()]) is None


async def test_what_somebody_has_deleted_or_changed_is_applied_again(trial: Trial):
    await trial.apply(config())
    trial.cluster.put(config("by hand"))
    assert await trial.unchanged([config()]) is None
    await trial.apply(config())
    trial.cluster.remove(CONFIG)
    assert await trial.unchanged([config()]) is None
    trial.cluster.put(config())
    assert await trial.unchanged([config()]) is None, "another object of the same name"


async def test_a_status_that_changes_is_no_change_and_a_lost_label_is_one(trial: Trial):
    wanted = deployment()
    wanted["metadata"]["labels"] = {"team": "a"}
    await trial.apply(wanted)
    trial.cluster.put({**wanted, "status": {"replicas": 3}})
    assert await trial.unchanged([wanted]) is not None
    bare = deployment()
    bare["metadata"]["labels"] = {}
    trial.cluster.put(bare)
    assert await trial.unchanged([wanted]) is None


async def test_what_live_updates_brought_files_into_is_applied_again(trial: Trial):
    await trial.apply(deployment())
    trial.session.synced("web")
    assert await trial.unchanged([deployment()]) is None
    await trial.apply(deployment())
    assert await trial.unchanged([deployment()]) is not None
