import pytest

from pytilt.store.times import later


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
