from urllib.parse import parse_qs, quote, unquote

from hypothesis import given
from hypothesis import strategies as st

from pytilt.http.quoting import query_of, quoted


@given(st.text())
def test_every_text_is_quoted_as_a_part_of_an_address(text: str):
    assert quoted(text) == quote(text, safe="")


def test_bytes_that_are_no_text_stay_what_they_are():
    assert unquote(quoted("a/b \udcff"), errors="surrogateescape") == "a/b \udcff"


def test_a_list_is_a_name_for_each_value():
    assert query_of({"resource": ["a b", "c&d"], "tail": "5", "none": []}) == "resource=a%20b&resource=c%26d&tail=5"
    assert parse_qs(query_of({"x": ["=", "+"]})) == {"x": ["=", "+"]}
