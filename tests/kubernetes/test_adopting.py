from typing import Any

import pytest

from pytilt.kubernetes.adopting import LAST_APPLIED, adopted, last_applied

LABELLED = {"f:metadata": {"f:labels": {"f:app.kubernetes.io/managed-by": {}}}}
REMEMBERED = {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}}
DATA = {"f:data": {"f:a": {}, "f:b": {}}}


def entry(manager: str, operation: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def with_fields(*entries: dict[str, Any], managed_by: str = "tilt") -> dict[str, Any]:
    return {"metadata": {"managedFields": list(entries), "labels": {"app.kubernetes.io/managed-by": managed_by}}}


OURS = entry("tilt", "Apply", {"f:data": {"f:a": {}}})


def test_what_a_client_applied_becomes_ours():
    client = entry("kubectl-client-side-apply", "Update", {**DATA, "f:metadata": {}})
    other = entry("kube-controller-manager", "Update", {"f:status": {}})
    assert adopted(with_fields(client, OURS, other), "tilt") == [
        {**OURS, "fieldsV1": {**DATA, "f:metadata": {}}},
        other,
    ]


@pytest.mark.parametrize("manager", ["Go-http-client", "tilt"])
@pytest.mark.parametrize("sign", [LABELLED, {"f:metadata": LABELLED["f:metadata"] | REMEMBERED["f:metadata"]}])
def test_what_tilt_applied_becomes_ours(manager: str, sign: dict[str, Any]):
    found = adopted(with_fields(OURS, entry(manager, "Update", {**DATA, **sign})), "tilt")
    assert found is not None
    assert found[0]["fieldsV1"] == {**DATA, **LABELLED}


@pytest.mark.parametrize("manager", ["Go-http-client", "tilt"])
def test_what_a_program_without_a_name_wrote_is_not_taken_for_tilts(manager: str):
    assert adopted(with_fields(OURS, entry(manager, "Update", DATA)), "tilt") is None
    theirs = entry(manager, "Update", {**DATA, **LABELLED})
    assert adopted(with_fields(OURS, theirs, managed_by="helm"), "tilt") is None


def test_the_annotation_with_what_was_applied_stays_the_clients():
    metadata = {"f:annotations": {".": {}, f"f:{LAST_APPLIED}": {}}}
    client = entry("kubectl-client-side-apply", "Update", {**DATA, "f:metadata": metadata})
    found = adopted(with_fields(client, OURS), "tilt")
    assert found == [{**OURS, "fieldsV1": DATA}, {**client, "fieldsV1": REMEMBERED}]
    assert adopted(with_fields(*found), "tilt") is None


def test_what_others_wrote_and_statuses_stay_theirs():
    assert adopted(with_fields(OURS, entry("kubectl-edit", "Update", {})), "tilt") is None
    assert adopted(with_fields(OURS, entry("tilt", "Update", LABELLED, subresource="status")), "tilt") is None
    assert adopted(with_fields(entry("tilt", "Update", LABELLED)), "tilt") is None
    assert adopted({}, "tilt") is None


def test_a_client_is_told_what_was_applied_where_it_keeps_that():
    wanted = {"kind": "ConfigMap", "data": {"b": "1", "a": "ü"}}
    assert last_applied({"metadata": {}}, wanted) is None
    told = last_applied({"metadata": {"annotations": {LAST_APPLIED: "{}"}}}, wanted)
    assert told == '{"data":{"a":"ü","b":"1"},"kind":"ConfigMap"}\n'
    assert last_applied({"metadata": {"annotations": {LAST_APPLIED: told}}}, wanted) is None


def test_what_is_too_large_for_an_annotation_is_not_told():
    wanted = {"data": {"a": "x" * 300_000}}
    assert last_applied({"metadata": {"annotations": {LAST_APPLIED: "{}"}}}, wanted) is None
