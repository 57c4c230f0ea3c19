import pytest

from pytilt.model.numbers import whole


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("123456789012345678", 123456789012345678), ("²", None), ("٣", None), ("9" * 5000, None)],
)
def test_a_whole_number_is_digits_and_not_too_many(text: str, number: int | None):
    assert whole(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", " 1", "1\n", "0x1", "1_0"])
def test_anything_else_is_none(text: str):
    assert whole(text) is None
