from typing import Any

import pytest

from pytilt.cluster import drift
from tests.loop.declaring import deployment

WANTED = deployment("web")
WANTED["spec"]["replicas"] = 2
PRESENT = deployment("web", uid="u")
PRESENT["spec"] |= {"replicas": 2, "strategy": {"type": "RollingUpdate"}}  # type: ignore[index]  # the same


def changed(**spec: Any) -> dict[str, Any]:
    """The object after somebody has changed some fields of its spec."""
    return {**PRESENT, "spec": {**PRESENT["spec"], **spec}}


def found(present: dict[str, Any]) -> list[str]:
    """The fields that differ, with their values."""
    applied = drift.leaves(WANTED, PRESENT)
    return [f"{each.path} {each.before} {each.now}" for each in drift.differences(WANTED, applied, present)]


def template(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers)}}


def test_what_is_as_it_was_applied_has_no_differences():
    assert found(dict(PRESENT)) == []


@pytest.mark.parametrize(
    ("present", "differences"),
    [
        (changed(replicas=3), ["spec.replicas 2 3"]),
        (changed(strategy={"type": "Recreate"}), []),
        (
            changed(template=template({"name": "main", "image": "other"})),
            ['spec.template.spec.containers[main].image "busybox" "other"'],
        ),
        (changed(template=template({"name": "sidecar"}, {"name": "main", "image": "busybox"})), []),
        (
            changed(template=template({"name": "sidecar"})),
            [
                'spec.template.spec.containers[main].name "main" (not there)',
                'spec.template.spec.containers[main].image "busybox" (not there)',
            ],
        ),
    ],
    ids=["replicas", "a default", "an image", "a container of others", "a container that is gone"],
)
def test_only_what_was_applied_counts(present: dict[str, Any], differences: list[str]):
    assert found(present) == differences


def test_a_value_that_the_cluster_writes_in_another_way_is_no_difference():
    wanted = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"cpu": "1000m", "empty": {}}}
    present = {**wanted, "spec": {"cpu": "1", "empty": {"sizeLimit": "1"}}}
    assert drift.differences(wanted, drift.leaves(wanted, present), present) == ()


def test_who_has_changed_a_field_is_known_from_the_managers_of_the_fields():
    fields: dict[str, Any] = {
        "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"main"}': {"f:image": {}}}}}}
    }
    managers = [
        {"manager": "tilt", "time": "2026-01-03", "fieldsV1": fields},
        {"manager": "kubectl-set", "time": "2026-01-02", "fieldsV1": fields},
        {"manager": "kubectl-edit", "time": "2026-01-01", "fieldsV1": fields},
    ]
    present = changed(template=template({"name": "main", "image": "other"}), replicas=5)
    present["metadata"] = {**present["metadata"], "managedFields": managers}
    by = {each.path: each.manager for each in drift.differences(WANTED, drift.leaves(WANTED, PRESENT), present)}
    assert by == {"spec.replicas": "", "spec.template.spec.containers[main].image": "kubectl-set"}


@pytest.mark.parametrize("manager", ["kube-controller-manager", "manager", "cert-manager-cainjector"])
def test_what_an_autoscaler_or_an_operator_changes_is_its_own(manager: str):
    entry = {"manager": manager, "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    present = changed(replicas=7)
    present["metadata"] = {**present["metadata"], "managedFields": [entry]}
    (one,) = drift.differences(WANTED, drift.leaves(WANTED, PRESENT), present)
    assert one.by_controller
