import json

from hypothesis import given, settings
from hypothesis import strategies as st

from pytilt.cli.terminal.forms import FEW, as_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None, database=None)
@given(VALUES)
def test_many_objects_are_printed_as_a_few_are(value: object):
    for count in (1, FEW + 1):
        thing = {"kind": "List", "items": [{"value": value}] * count}
        assert as_json(thing) == json.dumps(thing, indent=4, ensure_ascii=False) + "\n"
