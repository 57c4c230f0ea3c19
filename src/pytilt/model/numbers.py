"""Whole numbers in texts that others wrote."""

_MOST_DIGITS = 18


def whole(text: str) -> int | None:
    """The number of a text that is nothing but digits; None where it is more, and of more than 18 digits.

    Python's own tests of digits let pass what `int` refuses: `²`, or a number of 5,000 digits.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
