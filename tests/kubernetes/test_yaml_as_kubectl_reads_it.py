"""Odd YAML, read by kubectl and by us."""

import json
import re

import pytest

from pytilt.cluster import scalars
from pytilt.cluster.yaml import parse
from pytilt.errors import UserError
from tests.conftest import Kubectl

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


def odd(value):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: odd}}\ndata: {{found: {value}}}\n"


def read_by_kubectl(kubectl: Kubectl, text: str):
    """The objects of a text, as kubectl would send them."""
    out = kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", stdin=text)
    found, end = [], 0
    decoder = json.JSONDecoder(parse_int=lambda digits: scalars.number(int(digits)))
    while end < len(out.rstrip()):
        value, end = decoder.raw_decode(out, end + len(out[end:]) - len(out[end:].lstrip()))
        found += value["items"] if value["kind"] == "List" else [value]
    for each in found:
        each["metadata"].pop("namespace", None)
    return found


def test_what_a_value_is(kubectl: Kubectl):
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
def test_what_the_objects_of_a_text_are(kubectl: Kubectl, text: str):
    assert list(parse(text, "-")) == read_by_kubectl(kubectl, text)


@pytest.mark.parametrize("value", REFUSED)
def test_what_is_refused(kubectl: Kubectl, value: str):
    with pytest.raises(UserError):
        parse(odd(value), "-")
    with pytest.raises(AssertionError, match="error"):
        read_by_kubectl(kubectl, odd(value))
