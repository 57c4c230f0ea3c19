"""The small readers: times, quantities, selectors, digests."""

from decimal import Decimal

import pytest

from pytilt.engines.objects.fields import digest, matches
from pytilt.engines.objects.quantities import amount
from pytilt.engines.objects.times import engine_since, in_utc, podman_since, rfc3339, seconds_of
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
    ("text", "seconds"),
    [
        ("2026-11-24T16:51:36Z", 1795539096.0),
        ("2026-11-24T16:51:36.500000000Z", 1795539096.5),
        ("2026-11-24T17:51:36.5+01:00", 1795539096.5),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
    ],
)
def test_times_are_read(text, seconds):
    assert seconds_of(text) == seconds


def test_times_are_written_to_the_second():
    assert rfc3339(1795539096.9) == "2026-11-24T16:51:36Z"


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("2026-11-24T16:51:36.123456789Z", "1795539096.123456789"),
        ("2026-11-24T16:51:36.5Z", "1795539096.500000000"),
        ("2026-11-24T16:51:36Z", "1795539096.000000000"),
    ],
)
def test_the_engine_gets_nanoseconds(text, since):
    assert engine_since(text) == since


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("2026-11-24T16:51:36.123456789Z", "2026-11-24T16:51:36.123456788Z"),
        ("2026-11-24T16:51:36.5Z", "2026-11-24T16:51:36.499999999Z"),
        ("2026-11-24T16:51:36Z", "2026-11-24T16:51:35.999999999Z"),
    ],
)
def test_podman_gets_the_nanosecond_before(text, since):
    assert podman_since(text) == since


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-24T16:51:36.123456789Z", "2026-11-24T16:51:36.123456789Z"),
        ("2026-11-24T17:51:36.123456789+01:00", "2026-11-24T16:51:36.123456789Z"),
        ("2026-11-24T11:51:36-05:00", "2026-11-24T16:51:36Z"),
    ],
)
def test_times_of_other_zones_are_converted_to_utc(text, utc):
    assert in_utc(text) == utc


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
