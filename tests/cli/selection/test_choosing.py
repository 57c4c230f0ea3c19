import pytest

from pytilt.cli.selection.choosing import labelled, ordered, with_fields
from pytilt.errors import UserError


def item(name: str, order: object = None, **labels: str):
    status = {} if order is None else {"order": order}
    return {"metadata": {"name": name, "labels": labels} if labels else {"name": name}, "status": status}


WEB, DB, BARE = item("web", team="front", tier="1"), item("db", team="back"), item("bare")


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("team=front", "web"),
        ("team==front", "web"),
        ("team!=front", "db bare"),
        ("team", "web db"),
        ("!team", "bare"),
        ("team in (front, back)", "web db"),
        ("team notin (front)", "db bare"),
        ("team,tier=1", "web"),
        ("team in (front,back),!tier", "db"),
        ("team = front , tier", "web"),
    ],
)
def test_labels_choose_as_in_kubectl(selector: str, names: str):
    assert " ".join(each["metadata"]["name"] for each in (WEB, DB, BARE) if labelled(selector)(each)) == names


@pytest.mark.parametrize("selector", ["a=b=c", "(a)", "a in b", "=", "a,,b"])
def test_a_selector_that_cannot_be_read_is_an_error(selector: str):
    with pytest.raises(UserError, match="unable to parse the selector"):
        labelled(selector)


def test_fields_choose_by_name_only():
    assert with_fields("metadata.name=web")(WEB)
    assert not with_fields("metadata.name!=web")(WEB)
    with pytest.raises(UserError, match="field label not supported"):
        with_fields("status.phase=Running")
    with pytest.raises(UserError, match="invalid field selector"):
        with_fields("!metadata.name")


def test_numbers_are_sorted_by_size_and_names_by_the_numbers_in_them():
    found = ordered([item("a10", 10), item("a9", 9), item("none")], ".status.order")
    assert [each["metadata"]["name"] for each in found] == ["none", "a9", "a10"]
    found = ordered([item("a10"), item("b"), item("a9")], "{.metadata.name}")
    assert [each["metadata"]["name"] for each in found] == ["a9", "a10", "b"]


def test_a_field_that_none_has_cannot_be_sorted_by():
    with pytest.raises(UserError, match=r"couldn't find any field with path \"{.no}\" in the list of objects"):
        ordered([WEB], "no")
    assert ordered([], ".no") == []
