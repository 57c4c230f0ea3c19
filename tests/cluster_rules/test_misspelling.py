import pytest

from pytilt.cluster import yaml
from pytilt.cluster.misspelling import misspelled

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  SELECTOR: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      CONTAINERS:
      - name: web
        image: web
        PORTS: [{PORT: 80}]
        readinessProbe: {HTTP: {path: /}}
"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, ()),
        ({"SELECTOR": "selektor"}, ('unknown field "spec.selektor", did you mean "selector"?',)),
        ({"CONTAINERS": "container"}, ('unknown field "spec.template.spec.container", did you mean "containers"?',)),
        ({"PORTS": "port"}, ('unknown field "spec.template.spec.containers[0].port", did you mean "ports"?',)),
        (
            {"PORT": "containerport"},
            ('unknown field "spec.template.spec.containers[0].ports[0].containerport", did you mean "containerPort"?',),
        ),
        (
            {"HTTP": "httpget"},
            ('unknown field "spec.template.spec.containers[0].readinessProbe.httpget", did you mean "httpGet"?',),
        ),
        ({"SELECTOR": "somethingNewer"}, ()),
    ],
)
def test_a_misspelled_field_is_named_with_the_one_that_was_meant(written: dict[str, str], expected: tuple[str, ...]):
    right = {"SELECTOR": "selector", "CONTAINERS": "containers", "PORTS": "ports", "PORT": "containerPort"}
    text = DEPLOYMENT
    for place, name in {**right, "HTTP": "httpGet", **written}.items():
        text = text.replace(f"{place}:", f"{name}:")
    assert misspelled(yaml.parse(text, "")[0]) == expected


def test_nothing_is_said_of_kinds_that_are_not_known():
    crd = {"apiVersion": "example.com/v1", "kind": "Deployment", "spec": {"selektor": {}}}
    assert misspelled(crd) == ()
    assert misspelled({"apiVersion": "v1", "kind": "Pod", "spec": None}) == ()
    assert misspelled({"apiVersion": "v1", "kind": "container", "imag": 1}) == ()
