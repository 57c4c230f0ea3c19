import pytest

from pytilt.cluster.yaml import dump, parse
from pytilt.errors import UserError
from pytilt.model.resources import KubeObject

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
"""


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
