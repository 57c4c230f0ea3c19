from datetime import datetime

import pytest

from pytilt.engines.workloads.schedules import parse
from pytilt.errors import ApplyError
from pytilt.model.times import rfc3339, seconds_of


@pytest.mark.parametrize(
    ("text", "after", "due"),
    [
        ("* * * * *", "2026-11-24T16:51:36Z", "2026-11-24T16:52:00Z"),
        ("*/15 * * * *", "2026-11-24T16:51:36Z", "2026-11-24T17:00:00Z"),
        ("5 4 * * *", "2026-11-24T04:05:00Z", "2026-11-25T04:05:00Z"),
        ("0 0 29 2 *", "2026-11-24T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 12 * * mon-fri", "2026-11-27T13:00:00Z", "2026-11-30T12:00:00Z"),
        ("0 0 13 * 5", "2026-11-24T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("0 0 1,15 JAN *", "2026-11-24T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("@hourly", "2026-11-24T16:51:36Z", "2026-11-24T17:00:00Z"),
        ("0 0 * * 0", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("0 0 ? * sun", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("0 0 */31 * sat", "2026-11-24T00:00:00Z", "2026-11-28T00:00:00Z"),
        ("0 0 *,3 * sat", "2026-11-24T00:00:00Z", "2026-11-28T00:00:00Z"),
        ("50/5 * * * *", "2026-11-24T16:56:00Z", "2026-11-24T17:50:00Z"),
        ("0 0 * * 5/3", "2026-11-24T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("10-20/5 * * * *", "2026-11-24T16:16:00Z", "2026-11-24T16:20:00Z"),
    ],
)
def test_when_a_schedule_is_due(text, after, due):
    assert rfc3339(parse(text).after(seconds_of(after))) == due


@pytest.mark.parametrize(
    ("text", "at", "due"),
    [
        ("*/15 * * * *", "2026-11-24T17:00:00Z", "2026-11-24T17:00:00Z"),
        ("*/15 * * * *", "2026-11-24T16:59:59Z", "2026-11-24T16:45:00Z"),
        ("0 0 29 2 *", "2026-11-24T00:00:00Z", "2024-02-29T00:00:00Z"),
    ],
)
def test_when_a_schedule_was_due_last(text, at, due):
    found = parse(text).latest(seconds_of(at))
    assert found is not None
    assert rfc3339(found) == due


def test_a_day_that_no_month_has_is_never_due():
    schedule, now = parse("0 0 30 2 *"), seconds_of("2026-11-24T00:00:00Z")
    assert schedule.after(now) - now > 7 * 365 * 86400
    assert schedule.latest(now) is None


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),  # there is no half past two that night
        ("2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),  # there are two
        ("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
    ],
)
def test_a_daily_schedule_is_due_once_in_the_night_in_which_clocks_change(after, due):
    assert rfc3339(parse("30 2 * * *", "Europe/Vienna").after(seconds_of(after))) == due


def test_a_schedule_may_have_a_time_zone():
    due = parse("0 9 * * *", "Europe/Vienna").after(seconds_of("2026-07-01T12:00:00Z"))
    assert datetime.fromisoformat(rfc3339(due)).hour == 7


@pytest.mark.parametrize(
    "text",
    [
        *("", "* * * *", "* * * * * *", "60 * * * *", "* * * * fun", "*/0 * * * *", "5-1 * * * *", "1- * * * *"),
        *(
            "* * 0 * *",
            "* * * 13 *",
            "0 0 L * *",
            "0 0 * * 5L",
            "0 0 * * fri#2",
            "0 0 * * 7",
            "0 0 * * 5-7",
            "-1 * * * *",
        ),
        *("1.5 * * * *", "* * * foo *", "² * * * *"),
    ],
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ApplyError, match="is not a schedule"):
        parse(text)


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ApplyError, match="is not a schedule"):
        parse("* * * * *", "Nowhere/Land")
