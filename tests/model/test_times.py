from datetime import UTC, datetime, timedelta

import pytest

from pytilt.model.times import (
    engine_since,
    in_utc,
    later,
    micros_of,
    next_nanosecond,
    order,
    podman_since,
    precise,
    precise_now,
    rfc3339,
    seconds_between,
    seconds_of,
    seconds_of_http_date,
    steady_clock,
    time_of,
)


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


@pytest.mark.parametrize("text", ["x", "9999-99-99T99:99:99Z", "2026-11", "²"])
def test_what_is_no_time_counts_as_none(text: str):
    assert seconds_of(text) == 0
    assert seconds_between("2026-11-24T16:51:36Z", text) == seconds_between(text, "2026-11-24T16:51:36Z") == 0


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
        ("2026-11-24T16:51:36", None),
        ("failed", None),
        ("", None),
    ],
)
def test_times_of_other_zones_are_converted_to_utc(text, utc):
    assert in_utc(text) == utc


def test_a_session_writes_microseconds():
    assert precise(datetime(2026, 11, 24, 16, 51, 36, tzinfo=UTC)) == "2026-11-24T16:51:36.000000Z"


def test_seconds_lie_between_two_times_whatever_their_zones():
    assert seconds_between("2026-11-24T16:51:36Z", "2026-11-24T17:51:37.5+01:00") == 1.5


@pytest.mark.parametrize(
    ("time", "other", "expected"),
    [
        ("2026-11-24T16:51:36.5Z", "2026-11-24T16:51:36.500000000Z", 0),
        ("2026-11-24T16:51:36.50000001Z", "2026-11-24T16:51:36.5Z", 1),
        ("2026-11-24T16:51:36Z", "2026-11-24T16:51:36.5Z", 0),
        ("2026-11-24T16:51:35.9Z", "2026-11-24T16:51:36Z", -1),
    ],
)
def test_times_have_an_order_whatever_digits_they_have(time: str, other: str, expected: int):
    assert order(time, other) == expected


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("2026-11-24T16:51:36.123456789Z", "2026-11-24T16:51:36.123456790Z"),
        ("2026-11-24T16:51:36.999999999Z", "2026-11-24T16:51:37.000000000Z"),
        ("failed", "failed"),
    ],
)
def test_the_next_nanosecond_may_be_in_the_next_second(text: str, following: str):
    assert next_nanosecond(text) == following


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00.999999Z", True),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", False),
        ("2026-01-01T01:00:00+02:00", "2026-01-01T00:00:00Z", False),
        ("2026-01-01T00:00:00Z", "", True),
        ("soon", "", False),
        ("", "", False),
    ],
)
def test_times_are_compared_whatever_their_form(one: str, other: str, answer: bool):
    assert later(one, other) is answer


def test_times_go_there_and_back():
    assert time_of(micros_of("2026-11-30T01:02:03.000004Z")) == "2026-11-30T01:02:03.000004Z"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Tue, 24 Nov 2026 16:51:36 GMT", 1795539096.0),
        ("Tue, 24 Nov 2026 16:51:36 CET", None),
        ("Tue, 24 Foo 2026 16:51:36 GMT", None),
        ("Tue, xx Nov 2026 16:51:36 GMT", None),
        ("", None),
    ],
)
def test_a_date_header_is_a_time(text: str, seconds: float | None):
    assert seconds_of_http_date(text) == seconds


def test_this_moment_is_written_like_any_other():
    before, now, after = precise(datetime.now(UTC)), precise_now(), precise(datetime.now(UTC))
    assert before <= now <= after
    assert len(now) == len(before)


def test_a_steady_clock_goes_on_whatever_the_machine_s_is_set_to():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    wall, seconds = iter([noon, noon + timedelta(hours=1)]), iter([5.0, 6.5])
    clock = steady_clock(lambda: next(wall), lambda: next(seconds))
    assert clock() == noon + timedelta(seconds=1.5)
