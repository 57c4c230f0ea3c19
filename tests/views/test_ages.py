from datetime import UTC, datetime

import pytest

from pytilt.views.ages import age, age_of, duration, running, seconds_since

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 ms"),
        (0.008, "8 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (2.1, "2.1 s"),
        (9.94, "9.9 s"),
        (9.96, "9 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7300, "2 h"),
    ],
)
def test_a_duration_is_as_exact_as_people_care(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "<5s"),
        (5, "<15s"),
        (29, "<30s"),
        (44, "<45s"),
        (59, "<1m"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (90000, "1d"),
    ],
)
def test_an_age_is_a_bound_below_a_minute(seconds, text):
    assert age(seconds) == text


def test_what_runs_is_counted_in_tenths_of_a_second():
    assert [running(seconds) for seconds in (0.04, 0.5, 3.26, 75)] == ["0.0 s", "0.5 s", "3.3 s", "1 min"]


def test_a_time_that_is_not_known_has_no_age():
    assert age_of("", NOON) == ""
    assert seconds_since("", NOON) is None


def test_a_clock_that_runs_ahead_makes_no_negative_age():
    assert seconds_since("2026-03-02T12:00:09Z", NOON) == 0
    assert age_of("2026-03-02T11:58:00Z", NOON) == "2m"
