import pytest

from pytilt.cluster import yaml
from pytilt.cluster.block_yaml import block_yaml

TEXTS = [
    *("plain", "with space", "a: b", "a #b", "-", "- x", "true", "Yes", "on", "null", "~", "", " lead", "trail ", "'"),
    *('"', "1", "1.5", "1e3", "0x1f", "0o17", "1_000", "12:30", "2020-01-01", "+1", ".5", ".inf", "-.INF", ".NaN"),
    *("=", "<<", "{{x}}", "[a]", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "?", "? x", ":", "a:", "a:b", "/a/b"),
    *("é", "0", "08", "0b1", "\t", "\x07", "a\nb", "a\nb\n", "a\n\n", "\na", "  a\nb", "a\n  b\n", "a\tb\n", "\n"),
    *("a\x00b", "a\u2028b", "https://x/y?z=1", "a,b", "x" * 300, "1,5", "y", "N", "a\r\nb", "---", "...", "a\\b"),
    *("$(X)", "a ", "#"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_read_is_what_was_written(text):
    o = {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "x"},
        "data": {text: text, "l": [text, [text], {text: 1}]},
    }
    assert yaml.parse(block_yaml([o, o]), "here") == (o, o)


def test_the_form_is_that_of_kubernetes_own_tools():
    o = {
        "kind": "X",
        "apiVersion": "v1",
        "metadata": {"name": "x"},
        "spec": {"b": [{"z": 1, "a": True}, [1, 2]], "e": {}, "f": [], "n": None, "t": "1", "w": 0.5},
    }
    assert block_yaml([o, {"a": "it's: x"}]) == (
        "apiVersion: v1\nkind: X\nmetadata:\n  name: x\nspec:\n  b:\n  - a: true\n    z: 1\n  - - 1\n    - 2\n"
        "  e: {}\n  f: []\n  \"n\": null\n  t: \"1\"\n  w: 0.5\n\n---\na: 'it''s: x'\n"
    )
