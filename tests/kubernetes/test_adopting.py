from typing import Any

from pytilt.kubernetes.adopting import adopted


def entry(manager: str, operation: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def with_fields(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"managedFields": list(entries)}}


OURS = entry("tilt", "Apply", {"f:data": {"f:a": {}}})


def test_what_a_client_applied_becomes_ours():
    client = entry("kubectl-client-side-apply", "Update", {"f:data": {"f:a": {}, "f:b": {}}, "f:metadata": {}})
    other = entry("kube-controller-manager", "Update", {"f:status": {}})
    assert adopted(with_fields(client, OURS, other), "tilt") == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}, "f:b": {}}, "f:metadata": {}}},
        other,
    ]


def test_what_others_wrote_and_statuses_stay_theirs():
    assert adopted(with_fields(OURS, entry("kubectl-edit", "Update", {})), "tilt") is None
    assert adopted(with_fields(OURS, entry("tilt", "Update", {}, subresource="status")), "tilt") is None
    assert adopted(with_fields(entry("tilt", "Update", {})), "tilt") is None
    assert adopted({}, "tilt") is None
