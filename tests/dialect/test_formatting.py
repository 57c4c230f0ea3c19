"""Values as text. The expected texts were printed by go.starlark.net."""

import pytest

from pytilt.dialect import to_repr, to_str


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (100000.0, "100000.0"), (123456.0, "123456.0"),
        (1000000.0, "1e+06"), (1234567.0, "1.234567e+06"), (1e100, "1e+100"), (0.0001, "0.0001"),
        (0.00001, "1e-05"), (1.5e-7, "1.5e-07"), (5e-324, "5e-324"), (3.14159, "3.14159"), (0.1, "0.1"),
        (float("inf"), "+inf"), (float("-inf"), "-inf"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_floats_print_as_in_starlark(number, text):
    assert to_repr(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a'b", '"a\'b"'), ('a"b\\', '"a\\"b\\\\"'), ("\n\t\r\x00\x7f", '"\\n\\t\\r\\x00\\x7f"'), ("é☺", '"é☺"'),
        ("\u200b", '"\\u200b"'), (b"ab\xff", 'b"ab\\xff"'), ((1,), "(1,)"), ((), "()"), ([None, True], "[None, True]"),
        ({"a": [1]}, '{"a": [1]}'), (range(1, 4), "range(1, 4)"), (range(3), "range(3)"),
        (range(0, 4, 2), "range(0, 4, 2)"),
    ],
)  # fmt: skip
def test_values_print_as_in_starlark(value, text):
    assert to_repr(value) == text


def test_strings_print_as_they_are_but_not_inside_of_others():
    assert to_str("a") == "a"
    assert to_str(["a"]) == '["a"]'
