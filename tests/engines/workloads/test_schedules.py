from datetime import datetime

import pytest

from pytilt.engines.objects.times import rfc3339, seconds_of
from pytilt.engines.workloads.schedules import parse
from pytilt.errors import ApplyError


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
        ("0 0 * * 7", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("10-20/5 * * * *", "2026-11-24T16:16:00Z", "2026-11-24T16:20:00Z"),
    ],
)
def test_when_a_schedule_is_due(text, after, due):
    assert rfc3339(parse(text).after(seconds_of(after))) == due


def test_a_schedule_may_have_a_time_zone():
    due = parse("0 9 * * *", "Europe/Vienna").after(seconds_of("2026-07-01T12:00:00Z"))
    assert datetime.fromisoformat(rfc3339(due)).hour == 7


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "* * * * fun", "*/0 * * * *", "5-1 * * * *"])
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ApplyError, match="is not a schedule"):
        parse(text)


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ApplyError, match="is not a schedule"):
        parse("* * * * *", "Nowhere/Land")
