import pytest

from pytilt.model.durations import duration_of, go_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("1h30m", 5400.0),
        ("2h", 7200.0),
        ("-30s", -30.0),
        ("-1.5m", -90.0),
        ("+.5s", 0.5),
        ("0", 0.0),
        ("5", None),
        ("٣s", None),
        ("", None),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float | None):
    assert duration_of(text) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (90, "1m30s"), (1800, "30m0s"), (3601.5, "1h0m1.5s")])
def test_durations_are_written_as_go_does(seconds: float, text: str):
    assert go_duration(seconds) == text
