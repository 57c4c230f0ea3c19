import json

import pytest

from pytilt.kubernetes.failures import Cause, Details, Failure, apply_error, parse


def invalid(*causes: tuple[str, str], message: str = "") -> Failure:
    return Failure(
        code=422,
        reason="Invalid",
        message=message or 'Job.batch "a" is invalid: ' + ", ".join(text for _, text in causes),
        details=Details(causes=tuple(Cause(field=field, message=text) for field, text in causes)),
    )


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (invalid(("spec.template", "Invalid value: {…}: field is immutable")), True),
        (invalid(("spec", "Forbidden: updates to statefulset spec for fields other than 'a' are forbidden")), True),
        (invalid(("spec", "Forbidden: pod updates may not change fields other than `spec.image`")), True),
        (invalid(("spec", "Forbidden: spec is immutable after creation except resources.requests")), True),
        (invalid(("spec.clusterIPs[0]", 'Invalid value: ["None"]: may not change once set')), True),
        (invalid(("spec.x", "field is immutable"), ("spec.y", "Required value")), False),
        (invalid(("spec.y", "Required value")), False),
        (Failure(code=400, message="field is immutable"), False),
    ],
)
def test_only_fields_that_cannot_change_ask_for_a_new_object(failure, expected):
    assert failure.immutable is expected


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure(code=429), True),
        (Failure(code=503), True),
        (Failure(code=409), True),
        (Failure(code=403, message='error looking up service account shop/default: "default" not found'), True),
        (Failure(code=403, message="no"), False),
        (Failure(code=500, message='failed calling webhook "x"'), False),
        (Failure(code=422), False),
    ],
)
def test_what_passes_by_itself_is_known(failure, expected):
    assert failure.passing is expected


def test_the_error_of_one_field_is_one_line_without_the_name_twice():
    error = apply_error("Job/a", invalid(("spec.template", "Required value")))
    assert error.message == "Job/a: Required value"
    assert error.hint


def test_the_errors_of_several_fields_are_a_list():
    error = apply_error("Job/a", invalid(("spec.a", "Required value"), ("spec.b", "Invalid value: 1")))
    assert error.message.splitlines() == [
        "Job/a: several fields are not valid:",
        "  spec.a: Required value",
        "  spec.b: Invalid value: 1",
    ]


@pytest.mark.parametrize(
    ("failure", "hint"),
    [
        (Failure(code=403, message="pods is forbidden"), "kubectl auth can-i"),
        (Failure(code=403, message="exceeded quota: small"), "quota"),
        (Failure(code=403, message="because it is being terminated"), "being deleted"),
        (Failure(code=404, message='namespaces "shop" not found'), "kubectl create namespace"),
    ],
)
def test_a_refusal_comes_with_what_to_do(failure, hint):
    assert hint in (apply_error("Pod/a", failure).hint or "")


def test_what_is_no_status_is_reported_as_it_came():
    assert parse(502, b"<html>bad gateway</html>").message == "<html>bad gateway</html>"
    assert parse(502, b"").message == "HTTP status 502"
    assert parse(500, json.dumps({"kind": "Status"}).encode()) == Failure(code=500, message="HTTP status 500")
