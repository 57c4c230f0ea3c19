import pytest

from pytilt.cluster.field_types import WrongType, wrong_type


def workload(**container: object) -> dict[str, object]:
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i", **container}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}, "spec": spec}


PREFIX = "spec.template.spec.containers[0]."


@pytest.mark.parametrize(
    ("container", "path", "found", "wanted"),
    [
        ({"env": [{"name": "A", "value": 1}]}, "env[0].value", "number", "string"),
        ({"env": [{"name": "A", "value": True}]}, "env[0].value", "bool", "string"),
        ({"ports": [{"containerPort": "80"}]}, "ports[0].containerPort", "string", "int"),
        ({"command": ["a", 1]}, "command[1]", "number", "string"),
        ({"args": "a"}, "args", "string", "a list"),
        (
            {"resources": {"limits": {"memory": "1GB"}}},
            "resources.limits.memory",
            "string",
            "a quantity like `500m` or `1Gi`",
        ),
        ({"tty": "yes"}, "tty", "string", "bool"),
        ({"livenessProbe": {"httpGet": {"path": 5}}}, "livenessProbe.httpGet.path", "number", "string"),
    ],
)
def test_a_field_of_a_container_must_have_its_type(container, path, found, wanted):
    wrong = wrong_type(workload(**container))
    assert wrong is not None
    assert wrong[:3] == (PREFIX + path, found, wanted)


@pytest.mark.parametrize(
    ("kind", "fields", "wrong"),
    [
        ("ConfigMap", {"data": {"a": 1}}, WrongType("data.a", "number", "string", 1)),
        ("Secret", {"data": {"a": "!!!"}}, WrongType("data.a", "string", "base64 text", "!!!")),
        ("Secret", {"stringData": {"a": 5}}, WrongType("stringData.a", "number", "string", 5)),
        ("Service", {"spec": {"ports": [{"port": "80"}]}}, WrongType("spec.ports[0].port", "string", "int", "80")),
        ("Service", {"spec": [1]}, WrongType("spec", "array", "a mapping", [1])),
        (
            "Namespace",
            {"metadata": {"name": "w", "labels": {"a": 1}}},
            WrongType("metadata.labels.a", "number", "string", 1),
        ),
    ],
)
def test_plain_objects_are_looked_at_too(kind, fields, wrong):
    assert wrong_type({"apiVersion": "v1", "kind": kind, "metadata": {"name": "w"}, **fields}) == wrong


def test_what_is_right_or_unknown_passes():
    container = {
        "env": [{"name": "A", "value": None}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
        "resources": {"limits": {"cpu": 1, "memory": "1.5Gi", "x": "1e3", "y": "100m"}},
        "ports": [{"containerPort": 80, "name": "http"}],
        "newField": [1],
    }
    assert wrong_type(workload(**container)) is None
    assert (
        wrong_type({"apiVersion": "foo.io/v1", "kind": "ConfigMap", "metadata": {"labels": {"a": 1}}, "data": {"a": 1}})
        is None
    )
