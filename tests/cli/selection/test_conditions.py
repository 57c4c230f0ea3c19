import pytest

from pytilt.cli.selection.conditions import read_condition
from pytilt.errors import UserError

WEB = {
    "metadata": {"name": "web"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}], "order": 2, "queued": True, "list": [1, 2]},
}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("condition=Ready", True),
        ("condition=ready=TRUE", True),
        ("condition=Ready=false", False),
        ("condition=UpToDate", False),
        ("jsonpath={.status.order}=2", True),
        ("jsonpath={.status.order}=3", False),
        ("jsonpath=.status.queued=true", True),
        ("jsonpath={.status.order}", True),
        ("jsonpath={.status.none}", False),
        ("jsonpath={.status.none}=x", False),
        ("jsonpath='{.metadata.name}'='web'".replace("'{", "{").replace("}'", "}"), True),
        ('jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', True),
        ("create", True),
        ("Delete", False),
    ],
)
def test_a_condition_is_judged_as_by_kubectl(text: str, met: bool):
    assert read_condition(text).met(WEB) is met


def test_what_is_not_there_is_deleted_and_meets_nothing_else():
    assert read_condition("delete").met(None)
    for text in ("create", "condition=Ready", "jsonpath={.a}"):
        assert not read_condition(text).met(None)


@pytest.mark.parametrize(
    "text",
    ["", "ready", "condition=", "condition", "jsonpath=", "jsonpath={.a}=", "jsonpath={.a}=b=c", "jsonpath={.a[}"],
)
def test_one_that_cannot_be_read_is_an_error(text: str):
    with pytest.raises(UserError):
        read_condition(text)


def test_a_path_must_lead_to_one_value():
    with pytest.raises(UserError, match="more than one value"):
        read_condition("jsonpath={.status.list[*]}=1").met(WEB)
    with pytest.raises(UserError, match="nested object or list"):
        read_condition("jsonpath={.status.list}=1").met(WEB)
