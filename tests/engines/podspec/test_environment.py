import pytest

from pytilt.engines.podspec.environment import MissingSourceError, environment, field_value
from pytilt.engines.podspec.placement import PodPlacement

POD = {"metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"b": "2", "a": '"1"'}}, "spec": {}}


def nothing(*_):
    return None


def test_later_variables_see_earlier_ones_only():
    container = {"env": [{"name": "A", "value": "$(B)"}, {"name": "B", "value": "b"}, {"name": "C", "value": "$(B)"}]}
    assert environment(container, POD, PodPlacement(), nothing, {}) == {"A": "$(B)", "B": "b", "C": "b"}


def test_a_containers_own_variables_win_over_those_of_services():
    container = {"env": [{"name": "WEB_PORT", "value": "mine"}]}
    assert environment(container, POD, PodPlacement(), nothing, {"WEB_PORT": "tcp://1.2.3.4:80"}) == {
        "WEB_PORT": "mine"
    }


def test_what_is_missing_is_named():
    container = {"envFrom": [{"secretRef": {"name": "s"}}]}
    with pytest.raises(MissingSourceError, match='secret "s" not found'):
        environment(container, POD, PodPlacement(), nothing, {})


def test_a_missing_key_is_named():
    reference = {"name": "m", "key": "k"}
    container = {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": reference}}]}
    with pytest.raises(MissingSourceError, match="couldn't find key k in ConfigMap m"):
        environment(container, POD, PodPlacement(), lambda *_: {"data": {}}, {})


def test_labels_are_written_one_a_line():
    assert field_value("metadata.labels", POD, PodPlacement()) == 'a="\\"1\\""\nb="2"\n'


def test_an_unknown_field_is_an_error():
    with pytest.raises(MissingSourceError, match=r"unsupported fieldPath: spec\.x"):
        field_value("spec.x", POD, PodPlacement())
