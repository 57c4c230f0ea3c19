"""The expected words are those of Kubernetes 1.34."""

import pytest

from pytilt.cluster import naming
from pytilt.errors import ApplyError

ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
MAP = {"apiVersion": "v1", "kind": "ConfigMap"}
SERVICE = {"apiVersion": "v1", "kind": "Service"}
SET = {"apiVersion": "apps/v1", "kind": "StatefulSet"}
CRON = {"apiVersion": "batch/v1", "kind": "CronJob"}
OWN = {"apiVersion": "example.com/v1", "kind": "ConfigMap"}


def problems(kind, **metadata):
    return list(naming.invalid_fields({**kind, "metadata": metadata}))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (MAP, "kube-root-ca.crt"),
        (MAP, "a" * 253),
        (ROLE, "bug:a#b?c d"),
        (ROLE, "café"),
        (SERVICE, "a" * 63),
        (SET, "9db"),
        (CRON, "a" * 52),
        (OWN, "Anything ?#"),
    ],
)
def test_a_good_name_is_a_good_name(kind, name):
    assert problems(kind, name=name) == []


@pytest.mark.parametrize(
    ("kind", "name", "problem"),
    [
        (MAP, "victim?x", 'metadata.name: Invalid value: "victim?x": a lowercase RFC 1123 subdomain must consist of'),
        (MAP, "my app", 'metadata.name: Invalid value: "my app": a lowercase'),
        (MAP, "café", 'metadata.name: Invalid value: "café": a lowercase'),
        (MAP, "a\nb", r'metadata.name: Invalid value: "a\nb": a lowercase'),
        (MAP, "a\n", r'metadata.name: Invalid value: "a\n": a lowercase'),
        (MAP, "a" * 254, "must be no more than 253 characters"),
        (MAP, "", "metadata.name: Required value: name or generateName is required"),
        (MAP, 12, "metadata.name: Invalid value: 12: must be a string"),
        (MAP, ["x"], 'metadata.name: Invalid value: ["x"]: must be a string'),
        (ROLE, "a/b", "metadata.name: Invalid value: \"a/b\": may not contain '/'"),
        (ROLE, "%2e%2e", "may not contain '%'"),
        (ROLE, "..", "may not be '..'"),
        (OWN, "a/../b", "may not contain '/'"),
        (SERVICE, "9db", "a DNS-1035 label must consist of"),
        (SERVICE, "a.b", "a DNS-1035 label must consist of"),
        (SET, "a.b", "a lowercase RFC 1123 label must consist of"),
        (CRON, "a" * 53, "must be no more than 52 characters"),
    ],
)
def test_a_bad_name_is_refused_in_the_words_of_the_api_server(kind, name, problem):
    [line] = problems(kind, name=name)
    assert problem in line


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("namespace", "x y", 'metadata.namespace: Invalid value: "x y": a lowercase RFC 1123 label must consist of'),
        ("namespace", "..", 'metadata.namespace: Invalid value: "..": a lowercase RFC 1123 label'),
        ("namespace", ["x"], "metadata.namespace: Invalid value"),
        ("labels", {"a b": "x"}, 'metadata.labels: Invalid value: "a b": name part must consist of'),
        ("labels", {"a/b/c": "x"}, "a qualified name must consist of"),
        ("labels", {"/a": "x"}, "prefix part must be non-empty"),
        ("labels", {"A B/a": "x"}, "prefix part a lowercase RFC 1123 subdomain"),
        ("labels", {"a/": "x"}, "name part must be non-empty"),
        ("labels", {"a" * 64: "x"}, "name part must be no more than 63"),
        ("labels", {"a": "x\ny"}, 'metadata.labels: Invalid value: "x\\ny": a valid label must be an empty string or'),
        ("labels", {"a": 1}, "metadata.labels.a: Invalid value: 1: must be a string"),
        ("labels", ["a"], "metadata.labels: Invalid value"),
        ("annotations", {"a b": "x"}, 'metadata.annotations: Invalid value: "a b": name part must consist of'),
        ("annotations", "x", 'metadata.annotations: Invalid value: "x": must be a mapping'),
    ],
)
def test_bad_metadata_is_refused_in_the_words_of_the_api_server(field, value, problem):
    [line] = problems(MAP, name="a", **{field: value})
    assert problem in line


def test_good_metadata_passes():
    labels = {"app.kubernetes.io/name": "Web_1.2", "empty": ""}
    assert problems(MAP, name="a", namespace="b", labels=labels, annotations={"Example.com/x": "any\ntext"}) == []


def test_metadata_must_be_a_mapping():
    assert list(naming.invalid_fields({**MAP, "metadata": "x"})) == ['metadata: Invalid value: "x": must be a mapping']


@pytest.mark.parametrize(("prefix", "count"), [("web-", 0), ("a b-", 1)])
def test_a_prefix_is_looked_at_as_if_its_name_went_on(prefix, count):
    assert len(problems(MAP, generateName=prefix)) == count


def test_several_problems_are_reported_at_once():
    with pytest.raises(ApplyError) as caught:
        naming.check({**MAP, "metadata": {"name": "a\nb", "namespace": "x y"}})
    first, *lines = caught.value.message.splitlines()
    assert first == 'ConfigMap/"a\\nb": several fields are not valid:'
    assert [line.split(":")[0] for line in lines] == ["  metadata.name", "  metadata.namespace"]
    assert caught.value.hint == "correct the field in the YAML"


@pytest.mark.parametrize("key", ["a/b", "..", ".", "..data", "", "a b"])
def test_a_key_that_is_no_name_of_a_file_is_refused(key):
    assert naming.config_key(key)
