import json

import pytest

from pytilt.cluster.documents import documents
from pytilt.errors import UserError


def values(text):
    return [document.value for document in documents(text, "app.yaml")]


def error_of(text):
    with pytest.raises(UserError) as caught:
        values(text)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}{"b": 2}',
        '{"a": 1}\n{"b": 2}\n',
        '\n {"a": 1}\n\n---\n{"b": 2}',
        '{"a": 1}\n---\nb: 2\n',
        'a: 1\n--- # the other\n{"b": 2}',
        '{"a": 1}\r\n---\r\nb: 2\r\n',
        '\ufeff{"a": 1} {b: 2}',
        "%YAML 1.1\n---\na: 1\n---\nb: 2\n",
    ],
)
def test_documents_may_be_json_values_one_after_the_other(text):
    assert [value for value in values(text) if value is not None] == [{"a": 1}, {"b": 2}]


def test_numbers_in_json_mean_what_they_mean_in_yaml():
    assert json.dumps(values('{"a": [1.0, 1e3, 1.5, 18446744073709551616]}')) == (
        '[{"a": [1, 1000, 1.5, 1.8446744073709552e+19]}]'
    )


def test_half_a_character_in_json_is_replaced():
    assert values('{"\\ud83d": "\\ud83d\\ude00"}') == [{"\ufffd": "😀"}]


def test_every_document_says_where_it_starts():
    text = '\n{"a": 1}\n  {"b": 2}\n---\n\nc: 3\n---\nd: 4\n'
    assert [(found.line, found.column) for found in documents(text, "-")] == [(2, 1), (3, 3), (6, 1), (8, 1)]


def test_what_is_wrong_in_a_later_document_is_found_there():
    assert error_of("a: 1\n---\n\nb: .nan\n").where == "app.yaml:4:4"
    assert error_of('{"a": 1}\n{"b": 2]').where == "app.yaml:2:8"


@pytest.mark.parametrize("text", ["a: 1\n---b: 2\n", "a: 1\n--- b: 2\n"])
def test_a_separator_is_alone(text):
    error = error_of(text)
    assert error.where == "app.yaml:2:4"
    assert error.message == "not YAML for Kubernetes: `b: 2` follows a separator on its line"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{<<: *b, x: 5}", {"x": 5, "z": 2}),
        ("{x: 5, <<: *b}", {"x": 1, "z": 2}),
        ("{<<: [*b, *m]}", {"x": 1, "z": 2, "v": 4}),
        ("{<<: *b, <<: *m}", {"x": 3, "z": 2, "v": 4}),
        ("{<<: {x: 7}}", {"x": 7}),
        ("{<<: []}", {}),
        ("{'<<': 5}", {"<<": 5}),
    ],
)
def test_merges_count_in_the_order_of_the_text(text, found):
    assert values(f"b: &b {{x: 1, z: 2}}\nm: &m {{x: 3, v: 4}}\none: {text}\n")[0]["one"] == found


@pytest.mark.parametrize("text", ["5", "", "[5]", "[[{a: 1}]]", "*l", "[*l]"])
def test_only_mappings_can_be_merged(text):
    error = error_of(f"l: &l [{{a: 1}}]\none: {{<<: {text}}}\n")
    assert error.message == "not YAML for Kubernetes: `<<` can only merge mappings"


def test_an_explosion_of_aliases_is_refused_at_once():
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    assert "excessive aliasing" in error_of("\n".join(lines)).message


def test_many_aliases_of_one_thing_are_fine():
    text = "a: &a {x: 1}\nb:\n" + "- *a\n" * 60
    assert values(text)[0]["b"] == [{"x": 1}] * 60


@pytest.mark.parametrize("size", [300, 900, 100_000])
@pytest.mark.parametrize(
    ("begin", "end"), [("[", "]"), ("{a: ", "}"), ('{"a":', "}"), ("- ", ""), ("[", "")], ids=list("abcde")
)
def test_what_is_nested_too_deeply_is_refused(begin, end, size):
    message = error_of(begin * size + "x" + end * size).message
    assert "nest" in message or "expected" in message
