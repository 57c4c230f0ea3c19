import pytest

from pytilt.cli.terminal.forms import TABLE_FORMS, OutputForm, read_form
from pytilt.cli.terminal.printers import ObjectPrinter
from pytilt.errors import UserError
from pytilt.model.api.words import find_words

KIND = find_words("uiresource")
WEB = {"metadata": {"name": "web", "creationTimestamp": "t"}, "status": {"c": [{"type": "A"}, {"type": "B"}], "n": 3}}
DB = {"metadata": {"name": "a-long-name", "creationTimestamp": "t"}, "status": {}}


def printed(output: str | None, *, headers: bool = True) -> str:
    assert KIND is not None
    return "".join(ObjectPrinter(KIND, read_form(output, None, TABLE_FORMS), headers=headers).lines([WEB, DB]))


def test_columns_of_ones_own():
    assert printed("custom-columns=NAME:.metadata.name,TYPES:{.status.c[*].type},N:status.n") == (
        "NAME          TYPES    N\nweb           A,B      3\na-long-name   <none>   <none>\n"
    )


def test_of_live_updates_the_ways_into_the_containers_are_shown():
    kind = find_words("liveupdates.pytilt.dev")
    assert kind is not None
    found = {"pod": "web-1", "name": "web"}
    status = {"containers": [{**found, "way": "layer"}, found]}
    objects: list[dict[str, object]] = [
        {"metadata": {"name": "web"}, "status": status},
        {"metadata": {"name": "b"}, "status": {}},
    ]
    assert "".join(ObjectPrinter(kind, read_form(None, None, TABLE_FORMS)).lines(objects)) == (
        "NAME   WAYS                             CREATED AT\nweb    web-1/web=layer,web-1/web=none\nb      <none>\n"
    )


def test_headers_may_be_left_out():
    assert printed(None, headers=False) == "web           t\na-long-name   t\n"
    assert printed("custom-columns=N:.status.n", headers=False) == "3\n<none>\n"


def test_a_json_path_is_printed_for_every_object_without_a_line_end():
    assert printed("jsonpath={.metadata.name}") == "weba-long-name"


def test_the_values_of_a_json_path_as_json():
    assert KIND is not None
    assert (
        ObjectPrinter(KIND, read_form("jsonpath-as-json={.status.n}", None, TABLE_FORMS)).document(WEB)
        == "[\n    3\n]\n"
    )


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("xml", "unable to match a printer suitable for the output format"),
        ("json=x", "unable to match a printer"),
        ("jsonpath", "no template given"),
        ("jsonpath=", "no template given"),
        ("jsonpath={.a", "unclosed action"),
        ("custom-columns=NAME", "unexpected custom-columns spec"),
        ("custom-columns=NAME:{.a[}", "is not a JSON path"),
    ],
)
def test_a_form_that_is_none_is_an_error(output: str, text: str):
    assert KIND is not None
    with pytest.raises(UserError, match=text):
        ObjectPrinter(KIND, read_form(output, None, TABLE_FORMS))


def test_a_cell_moves_no_cursor_and_stays_one_line():
    assert KIND is not None
    evil = {"metadata": {"name": "a\x1b[2J\x9bx", "creationTimestamp": "t\nmore"}}
    assert "".join(ObjectPrinter(KIND, OutputForm(), headers=False).lines([evil])) == "a^[[2J\\x9bx   t...\n"
