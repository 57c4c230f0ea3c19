import pytest

from pytilt.cluster.objects import name
from pytilt.cluster.selecting import selector_matches, selector_problem, selects, split
from pytilt.errors import UserError
from pytilt.model.api.kubernetes_discoveries import LabelSelector, LabelSelectorRequirement
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


@pytest.mark.parametrize(
    ("operator", "values", "found"),
    [
        ("In", ("web", "db"), True),
        ("In", ("db",), False),
        ("NotIn", ("db",), True),
        ("NotIn", ("web",), False),
        ("Exists", (), True),
        ("DoesNotExist", (), False),
    ],
)
def test_a_label_selector_selects_as_in_kubernetes(operator, values, found):
    condition = LabelSelectorRequirement(key="app", operator=operator, values=values)
    assert selects(LabelSelector(match_expressions=(condition,)), {"app": "web"}) is found
    assert selector_problem(LabelSelector(match_expressions=(condition,))) == ""


def test_a_label_selector_that_cannot_be_says_why():
    def problem(operator, *values):
        condition = LabelSelectorRequirement(key="app", operator=operator, values=values)
        return selector_problem(LabelSelector(match_expressions=(condition,)))

    assert problem("Like", "a") == '"Like" is not a valid label selector operator'
    assert problem("In").endswith("values set must be non-empty")
    assert problem("Exists", "a").endswith("values set must be empty")
