"""The small readers: quantities, selectors, digests."""

from decimal import Decimal

import pytest

from pytilt.engines.objects.fields import digest, matches
from pytilt.engines.objects.quantities import amount
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


def test_a_digest_does_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1})


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({}, False),
    ],
)
def test_selectors_choose(selector, chosen):
    assert matches(selector, {"app": "web"}) is chosen
