import pytest

from pytilt.cli.command_line.options import seconds_given
from pytilt.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("0s", 0),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("1m0.5s", 60.5),
        ("-5m", -300),
    ],
)
def test_durations_are_written_as_in_go(text: str, expected: float):
    assert seconds_given(text, "--timeout") == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "soon", "5mm", "1h-30m", "--5m"])
def test_what_is_no_duration_is_an_error_that_names_the_option(text: str):
    with pytest.raises(UserError, match="--timeout") as caught:
        seconds_given(text, "--timeout")
    assert "90s" in (caught.value.hint or "")
