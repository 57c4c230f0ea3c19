import json

import pytest
import yaml

from tests.cli.conftest import Tilt

pytestmark = pytest.mark.usefixtures("served")


def names(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines()]


def test_objects_are_a_table(tilt: Tilt):
    ended = tilt("get", "uiresources")
    assert (ended.status, ended.error) == (0, "")
    assert ended.out.splitlines()[0] == "NAME         CREATED AT"
    assert names(ended.out) == ["NAME", "(Tiltfile)", "web", "db"]


def test_wide_shows_the_two_words(tilt: Tilt):
    header, *_, db = tilt("get", "uiresource", "-o", "wide").out.splitlines()
    assert header.split() == ["NAME", "CREATED", "AT", "UPDATE", "RUNTIME"]
    assert db.split()[2:] == ["none", "none"]


@pytest.mark.parametrize("words", [["uiresource", "web"], ["uiresource/web"]])
def test_one_object_is_printed_as_it_is(tilt: Tilt, words: list[str]):
    found = json.loads(tilt("get", *words, "-o", "json").out)
    assert (found["kind"], found["metadata"]["name"]) == ("UIResource", "web")
    assert yaml.safe_load(tilt("get", *words, "-o", "yaml").out) == found


def test_several_objects_are_a_list(tilt: Tilt):
    found = json.loads(tilt("get", "uiresources", "-o", "json").out)
    assert (found["apiVersion"], found["kind"], len(found["items"])) == ("v1", "List", 3)
    found = json.loads(tilt("get", "uiresource", "web", "db", "-o", "json").out)
    assert [each["metadata"]["name"] for each in found["items"]] == ["web", "db"]


def test_names_are_printed_for_scripts(tilt: Tilt):
    assert tilt("get", "session", "-o", "name") == (0, "", "")
    out = tilt("get", "uiresources", "-o", "name").out
    assert out == "uiresource.tilt.dev/(Tiltfile)\nuiresource.tilt.dev/web\nuiresource.tilt.dev/db\n"


@pytest.mark.parametrize(("selector", "expected"), [("backend=backend", ["web"]), ("backend=other", [])])
def test_objects_are_selected_by_label(tilt: Tilt, selector: str, expected: list[str]):
    out = tilt("get", "uiresources", "-l", selector, "-o", "name").out
    assert [line.rpartition("/")[2] for line in out.splitlines()] == expected


def test_where_there_is_none_it_says_so(tilt: Tilt):
    assert tilt("get", "portforwards") == (0, "", "No resources found\n")


def test_an_object_that_is_not_there_is_an_error(tilt: Tilt):
    ended = tilt("get", "uiresource", "x")
    assert ended.status == 1
    assert ended.error == 'Error: Error from server (NotFound): uiresources.tilt.dev "x" not found\n'


def test_an_unknown_kind_is_an_error_that_names_those_there_are(tilt: Tilt):
    ended = tilt("get", "pods")
    assert ended.status == 1
    assert ended.error.startswith(
        'Error: the server doesn\'t have a resource type "pods"\nhint: there are: uiresources'
    )
