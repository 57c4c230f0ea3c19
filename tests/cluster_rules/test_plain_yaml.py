"""Plain YAML is read as the general reader reads it, and everything else is left to that."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytilt.cluster.documents import general_documents
from pytilt.cluster.plain_yaml import plain_documents
from pytilt.errors import UserError

OBJECT = """\

apiVersion: apps/v1
kind: Deployment   # a comment
metadata: {name: web-1, labels: {app: web, "a/b": 'it''s'}}

spec:
  template:
    spec:
      # another
      containers:
      - name: c
        image: "registry:5000/a/b:v1"
        args: [--port=80, -v, "x, y", 1.5, yes, ~]
        command:
          - sh
          - -c
          - exec httpd -p 8000
        env:
        - {name: URL, value: http://x/y}
        -   name: EMPTY
            value:
      volumes: []
  replicas: 0x10
"""
CONFIG = """\
kind: ConfigMap
data:
  a.conf: |
    first: [
      second

    third # no comment
  b: |-
    x

  c: |+
    y

  on: "off"
last: -1e3
"""
LINES = (
    "a: b", "a:", "b: 1", "  a: b", "  b:", "    c: d", "- a", "-", "- a: b", "  - x", "- - y", "  c: [1, {d: e}]",
    "c: {a: b, c: [d]}", "'q r': s", '"t": "u\\n"', "# c", "", "  # c", "a: |", "  a: |-", "    text", "   text: x",
    "a: b: c", "a: b # c", "a: b #c", "- |", "a: 'x' # y", "a: &x b", "a: *x", "<<: {a: b}", "a: ]", "- [x", "- [y]]",
    "a: [b, c,]", "a: {b}", "a: [b: c]", "  ", "...", "%x", "a: >", "null: x", "~: x", "1: x", "1.50: x", "yes: no",
    "a: -", "a: - b", "a : b", "a:b", "? a", ": b", "!!str a: b", "a: !!int '1'", "a: 012", "a: 1_000", "a: .inf",
    "a: 9999999999999999999999", "a b: c", "a: b  c", "{a: b}", "[a, b]", "plain", "a: {b: c", "d: e}", "a: [", "]",
    "a: ''", 'a: ""', "a: 'b' c", 'a: "b', "a:  b", "-  a:  b", "   b: c", "a: b:", "a: b,c", "a: {b: c,d: e}",
    "a: {b: http://x}", "a: {b: c d e}", "a: x#y", "a: =", "a: @x", "a: %x", "a: 2001-01-01", "a: 12:30", "a: `x`",
)  # fmt: skip


def read(reader, text):
    try:
        found = reader(text)
    except UserError:
        return "an error"
    return found and [(json.dumps(value, sort_keys=False), line, column) for value, line, column in found]


def general(text):
    return [(each.value, each.line - 1, each.column - 1) for each in general_documents(text, 0, 0, "x")]


@pytest.mark.parametrize("text", [OBJECT, CONFIG, "", "\n# nothing\n", "a: 1", "- a\n- b: c\n  d: e\n"])
def test_what_kubernetes_objects_are_written_in_is_plain(text):
    for _ in range(3):  # another way is taken where the shape of a document is known
        found = read(plain_documents, text)
        assert found is not None
        assert list(found) == read(general, text)


@settings(deadline=None, derandomize=True, max_examples=150, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINES), max_size=6).map("\n".join), st.sampled_from(("", "\n")))
@example("- [x\n- [y]]", "")
def test_what_is_plain_means_the_same_to_the_general_reader(text, end):
    for _ in range(3):
        found = read(plain_documents, text + end)
        assert found is None or list(found) == read(general, text + end)


@settings(deadline=None, derandomize=True, max_examples=150, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from((OBJECT, CONFIG)),
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 6), st.text("ab1-:,.#|'\"[]{} \n\t~&*!?", max_size=3)), max_size=3
    ),
)
def test_a_text_with_slips_means_the_same_to_the_general_reader(text, edits):
    for at, length, piece in edits:
        text = text[: at % len(text)] + piece + text[at % len(text) + length :]
    for _ in range(3):
        found = read(plain_documents, text)
        assert found is None or list(found) == read(general, text)
