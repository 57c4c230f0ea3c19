import pytest

from pytilt.cluster.objects import name
from pytilt.cluster.selecting import selector_matches, split
from pytilt.errors import UserError
from tests.cluster_rules.shop import deployment, plain, service

WANTED = (deployment("web", "x"), service("web"), plain("Secret", "s", namespace="prod"))


def chosen(**rules):
    yes, no = split(WANTED, **rules)
    assert len(yes) + len(no) == len(WANTED)
    return [f"{o['kind']}/{name(o)}" for o in yes]


def test_regular_expressions_match_anywhere_whatever_the_case():
    assert chosen(kind="DEPLOY") == ["Deployment/web"]
    assert chosen(kind="deployment|secret") == ["Deployment/web", "Secret/s"]
    assert chosen(name="^s$") == ["Secret/s"]
    assert chosen(api_version="^v1$") == ["Service/web", "Secret/s"]
    assert chosen(namespace="default", kind="service") == ["Service/web"]
    assert chosen() == ["Deployment/web", "Service/web", "Secret/s"]


def test_labels_must_all_be_equal():
    labelled = plain("Secret", "l")
    labelled["metadata"]["labels"] = {"a": "1", "b": 2}
    assert split([labelled], labels={"a": "1", "b": "2"}) == ((labelled,), ())
    assert split([labelled], labels={"a": "1", "c": "2"}) == ((), (labelled,))


def test_a_regular_expression_that_cannot_be_read_is_refused():
    with pytest.raises(UserError, match="error parsing kind regexp"):
        chosen(kind="(")


def test_numbers_in_selectors_compare_as_text():
    assert selector_matches({"spec": {"selector": {"v": 1}}}, {"v": "1", "w": "2"})
    assert not selector_matches({"spec": {"selector": {"v": 1}}}, {})
