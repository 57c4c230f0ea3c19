import json
import re
from typing import Any

import pytest

from pytilt.cluster import scalars
from pytilt.cluster.yaml import dump, parse
from pytilt.errors import UserError
from pytilt.model.resources import KubeObject
from tests.conftest import Kubectl

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
"""
PLAIN = re.findall(
    r"\S+",
    "y N yes off tRue ~ null 0644 0o17 0O17 017 08 0x1F 0X1f 0b101 -0b101 +0b1 +5 -5 1_000 _1 0_7 1e3 1E+3 1.0 .5 5. "
    "1_0.5 .5_5 1e400 1.10 18446744073709551615 18446744073709551616 -9223372036854775809 2024-01-01 12:30 << = "
    "1.2.3 0x 0b - + . .. 1.e1 1e20 1e21 1e-7 -0.0 00 0_ .iNf",
)
TAGGED = ("!!str 1", "!!int '5'", "!!float 5", "!!bool y", "!!bool 'true'", "!!null ''", "!!binary aGVsbG8=", "!own 5")
KEYS = ("y", "N", "1.0", "1e3", "0x10", "12:30", ".inf", "-0.0", "1234567.5", "3.14159265358979", "1e6", "0.00001")
MERGES = ("{<<: {a: 1}, a: 2}", "{a: 2, <<: {a: 1}}", "{<<: [{a: 1}, {a: 2, b: 3}]}", "{'<<': 5}")
REFUSED = (
    ".inf",
    "-.INF",
    ".nan",
    "!!int x",
    "!!bool x",
    "!!binary a",
    "{~: 1}",
    "{<<: 5}",
    "{18446744073709551615: x}",
)


def error_of(text):
    with pytest.raises(UserError) as caught:
        parse(text, "app.yaml")
    return caught.value


def test_documents_become_objects_in_their_order_and_empty_ones_are_skipped():
    text = f"# only a comment\n---\n{WEB}---\n---\nnull\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: web}}\n"
    assert [o["kind"] for o in parse(text, "app.yaml")] == ["Deployment", "Service"]


def test_the_items_of_a_list_count_one_by_one():
    text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- null\n"
    text += "- {apiVersion: v1, kind: ConfigMapList, items: []}\n- {kind: List}\n"
    assert [o["metadata"]["name"] for o in parse(text, "app.yaml")] == ["a"]


def test_the_items_of_a_list_of_one_kind_need_not_say_it():
    text = "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n  data: {x: '1'}\n"
    text += "- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n"
    assert [(o["apiVersion"], o["kind"], o["metadata"]["name"]) for o in parse(text, "app.yaml")] == [
        ("v1", "ConfigMap", "a"),
        ("v1", "Secret", "b"),
    ]


def test_the_items_of_a_list_of_any_kind_must_say_it():
    assert error_of("apiVersion: v1\nkind: List\nitems:\n- metadata: {name: a}\n").message == (
        "this object has no `apiVersion`"
    )


def test_json_is_yaml_too():
    assert parse('{"apiVersion":"v1",\n\t"kind":"Pod", "metadata": {"name": "a"}}', "-")[0]["kind"] == "Pod"


def test_an_object_that_holds_itself_is_refused():
    error = error_of("a: &a\n  b: *a\n")
    assert error.where == "app.yaml:1:4"


def test_what_is_not_yaml_is_refused_with_its_place():
    error = error_of(f"{WEB}---\na: b: c\n")
    assert error.where == "app.yaml:5:5"
    assert "not YAML" in error.message
    assert error.hint


def test_what_ends_too_early_is_refused_at_its_end():
    assert error_of("kind: [\n").where == "app.yaml:2:1"


def test_bytes_that_are_no_utf_8_are_refused():
    error = error_of("a: \udcff\n")
    assert (error.message, error.hint) == ("not YAML: it holds bytes that are no text", "save the file as UTF-8 text")


def test_a_tab_is_named_as_the_culprit():
    assert "spaces" in (error_of("a:\n\tb: 1\n").hint or "")


def test_an_unrendered_template_is_recognised():
    assert "helm" in (error_of("metadata:\n  name: {{ .Values.name }}\n").hint or "")


def test_bytes_that_are_no_text_are_refused():
    assert error_of("a: \x00\n").where == "app.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: A\nmetadata: {name: x}\n", "this object has no `apiVersion`"),
        ("apiVersion: v1\nmetadata: {name: x}\n", "this object has no `kind`"),
        ("apiVersion: v1\nkind: Pod\n", "this Pod has no `metadata.name`"),
        ("just words\n", "this document is `just words`, not a Kubernetes object"),
        ("- a\n", "this document is a list, not a Kubernetes object"),
    ],
)
def test_a_document_that_is_no_object_is_refused_with_its_place(text, message):
    error = error_of(f"{WEB}---\n{text}")
    assert error.message == message
    assert error.where == "app.yaml:5:1"


def test_an_object_may_leave_its_name_to_the_cluster():
    assert parse("{apiVersion: v1, kind: Pod, metadata: {generateName: x-}}", "-")


def test_what_is_written_reads_back_the_same():
    o: KubeObject = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": {"b": "1", "a": "yes"}},
        "data": {
            "8080": "12:30",
            "e": "1e3",
            "o": "0o17",
            "n": "n",
            "script": "a\nb: c\n",
            "t": "x \ny",
            "u": "ü",
            "": "",
        },
        "numbers": [1, 1.5, True, None, [], {}],
    }
    shared = {"x": 1}
    other = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "b"}, "a": shared, "b": shared}
    text = dump([o, other])
    assert parse(text, "-") == (o, other)
    assert "&" not in text
    assert text.index("labels") < text.index("8080")


def odd(value):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: odd}}\ndata: {{found: {value}}}\n"


def read_by_kubectl(kubectl: Kubectl, text: str):
    """The objects of a text, as kubectl would send them."""
    out = kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", stdin=text)
    found: list[Any] = []
    end = 0
    decoder = json.JSONDecoder(parse_int=lambda digits: scalars.number(int(digits)))
    while end < len(out.rstrip()):
        value, end = decoder.raw_decode(out, end + len(out[end:]) - len(out[end:].lstrip()))
        found += value["items"] if value["kind"] == "List" else [value]
    for each in found:
        each["metadata"].pop("namespace", None)
    return found


def test_a_value_is_what_it_is_to_kubectl(kubectl: Kubectl):
    text = "---\n".join(map(odd, [*PLAIN, *TAGGED, *MERGES, *(f"{{{key}: x}}" for key in KEYS)]))
    assert list(parse(text, "-")) == read_by_kubectl(kubectl, text)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(parse(odd("1"), "-")[0]) * 2,
        json.dumps(parse(odd("1.50"), "-")[0]) + "\n---\n" + odd("2"),
        "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n",
        "apiVersion: v1\nkind: List\nitems:\n- " + odd("1").replace("\n", "\n  ").strip() + "\n",
    ],
)
def test_the_objects_of_a_text_are_those_that_kubectl_finds(kubectl: Kubectl, text: str):
    assert list(parse(text, "-")) == read_by_kubectl(kubectl, text)


@pytest.mark.parametrize("value", REFUSED)
def test_what_kubectl_refuses_is_refused(kubectl: Kubectl, value: str):
    with pytest.raises(UserError):
        parse(odd(value), "-")
    with pytest.raises(AssertionError, match="error"):
        read_by_kubectl(kubectl, odd(value))
