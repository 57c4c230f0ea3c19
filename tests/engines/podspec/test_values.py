from decimal import Decimal

import pytest

from pytilt.engines.podspec.values import amount, expand
from pytilt.errors import ApplyError


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", "0.5"), ("1.5", "1.5"), (2, "2"), ("64Mi", 64 * 2**20), ("1k", 1000), ("1e3", 1000), ("100n", "1e-7")],
)
def test_quantities_are_read(text, number):
    assert amount(text) == Decimal(number)


def test_a_word_is_no_quantity():
    with pytest.raises(ApplyError, match="`much` is not a quantity"):
        amount("much")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$(A)", "1"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("a$(A)$(A)", "a11"), ("$A", "$A"), ("$$", "$"), ("$(", "$(")],
)
def test_references_are_expanded_as_kubernetes_does(text, expanded):
    assert expand(text, {"A": "1"}) == expanded
