import pytest

from pytilt.errors import ApplyError
from pytilt.loop.apply.object_apply import apply_objects
from pytilt.model.logs import Level
from pytilt.testing.cluster import FakeCluster

MISSPELLED = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"selektor": {}}}
WRONG = 'Deployment/web: unknown field "spec.selektor", did you mean "selector"?'


async def test_a_misspelled_field_is_warned_of_and_explains_a_refusal():
    warnings: list[str] = []

    def log(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:  # noqa: ARG001 - a `Log`
        if level is Level.WARN:
            warnings.append(text)

    cluster = FakeCluster()
    await apply_objects(cluster, [MISSPELLED], log, seconds=1)
    assert warnings == [f"{WRONG}\n"]
    cluster.refuse("Deployment/web", "spec.selector: Required value")
    with pytest.raises(ApplyError) as refused:
        await apply_objects(cluster, [MISSPELLED], log, seconds=1)
    assert str(refused.value) == f"{WRONG}\nDeployment/web: spec.selector: Required value"
