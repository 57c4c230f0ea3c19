import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytilt.model.json_text import dumps, indented, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_it_writes_and_reads_what_json_does(value: object):
    assert dumps(value) == json.dumps(value, separators=(",", ":"))
    plain = dumps(value, ascii_only=False)
    assert plain == json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    assert indented(value, 2) == json.dumps(value, indent=2)
    assert indented(value, 4, ascii_only=False) == json.dumps(value, indent=4, ensure_ascii=False)
    assert loads(f" \n{plain}\t") == loads(dumps(value).encode()) == value


@pytest.mark.parametrize("text", ["", " ", "{", "[1,]", "1 2", "nul", '{"a" 1}', '"\n"', "\x00", b"\xff"])
def test_what_is_no_json_is_a_value_error(text: str | bytes):
    with pytest.raises(ValueError):  # noqa: PT011 - the message is that of the C half
        loads(text)


def test_numbers_that_are_none_are_read():
    assert math.isnan(loads("NaN"))
    assert loads("[-Infinity]") == [-math.inf]


def test_what_is_no_json_value_is_not_written():
    with pytest.raises(TypeError, match="a set is no JSON value"):
        dumps({"a": {1}})
    inner: list[object] = []
    inner.append(inner)
    with pytest.raises(ValueError, match="ircular"):
        dumps(inner)
